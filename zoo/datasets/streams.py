"""Data sets that need not fit in memory, as tf.data pipelines."""

import io
import os
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

from keras_capsvae.validation.numbers import check_integer
from zoo import data_names
from zoo.datasets import downloads
from zoo.datasets import embedded
from zoo.datasets.folders import common_shape
from zoo.datasets.folders import train_and_test_files
from zoo.datasets.images import check_shape
from zoo.datasets.images import fit_images
from zoo.datasets.images import read_images
from zoo.datasets.images import resolve_shapes
from zoo.datasets.loading import check_source
from zoo.datasets.splits import epoch_order

SHUFFLE_WINDOW = 10_000


def stream(
    source: str | os.PathLike,
    shape: tuple[int | None, ...] | None = None,
    batch_size: int = 100,
    *,
    split: str = "train",
    labels: bool = False,
    seed: int = 0,
    initial_epoch: int = 0,
    shuffle: bool = True,
    skip_broken: bool = False,
    class_names: Sequence[str] | None = None,
) -> tuple[Any, int]:
    """Read batches of images from disk, in an order that can be resumed.

    The order of an epoch depends on `seed` and the epoch alone. A folder
    and embedded images are shuffled as a whole, in the very order of `Batches`;
    a tensorflow-datasets name within a window of 10,000 examples.

    Args:
        source: A folder of images, `"mnist"`, `"fashion_mnist"`, `"kmnist"`,
            or what is embedded, `"mnist_small"` or `"digits"`, as for `load`.
        shape: `(height, width, channels)`, `(dim,)` or `None`, as for `load`.
        batch_size: Examples in a batch; the last of an epoch has what is left.
            Defaults to 100.
        split: `"train"` or `"test"`, the same as those of `load`. Defaults to
            `"train"`.
        labels: Whether to yield `(x, y)` rather than `(x,)`. Defaults to
            `False`.
        seed: Integer from 0 on. Defaults to 0.
        initial_epoch: Epoch to begin with, as that of `fit`. Defaults to 0.
        shuffle: `False` gives a single pass in the order of the files.
            Defaults to `True`: epoch after epoch without end.
        skip_broken, class_names: Of a folder, as for `load`. To find what is
            broken decodes all images first.

    Returns:
        A `tf.data.Dataset` of float32 `(batch, *shape)` in [0, 1] and int64
        `(batch,)`, and its number of batches in an epoch, to be given to
        `fit` as `steps_per_epoch`.

    Raises:
        ValueError: If the source is not as described, is better loaded into
            memory or has no labels, or if a number is out of range.
        FileNotFoundError: If there is no such path.
        RuntimeError: If a data set can neither be found nor downloaded.

    Example:

    ```python
    images, steps = datasets.stream("photos", (64, 64, 3), initial_epoch=3)
    model.fit(
        images, steps_per_epoch=steps, epochs=9, initial_epoch=3, shuffle=False
    )
    ```
    """
    import tensorflow as tf

    source, shape = check_source(source), check_shape(shape)
    batch_size = check_integer("batch_size", batch_size, 1)
    seed = check_integer("seed", seed, 0)
    initial_epoch = check_integer("initial_epoch", initial_epoch, 0)
    if split not in ("train", "test"):
        raise ValueError(
            f"`split` must be 'train' or 'test'. Received: {split!r}"
        )
    options = {"skip_broken": skip_broken, "class_names": class_names}
    examples = _examples(source, split, seed, labels, shape, options)
    decode = _decoder(examples, shape, labels)

    def batches_of_epoch(epoch):
        examples_of = examples.of_epoch(epoch).batch(batch_size)
        return examples_of.map(decode, tf.data.AUTOTUNE, deterministic=True)

    if shuffle:
        epochs = tf.data.Dataset.counter(initial_epoch)
        batches = epochs.flat_map(batches_of_epoch)
    else:
        batches = batches_of_epoch(None)
    return batches.prefetch(tf.data.AUTOTUNE), -(-examples.count // batch_size)


class _Examples(NamedTuple):
    """What to stream: images in some form, each with its class."""

    count: int
    of_epoch: Callable  # of an epoch, or None for the order of the source
    read: Callable  # of a batch of that form and the shapes of `read_images`
    image_shape: tuple[int, ...]


def _examples(source, split, seed, labels, shape, options):
    if source in embedded.NAMES:
        return _embedded(source, split, seed)
    if source in data_names.LABELLED:
        return _downloaded(source, split, seed)
    if isinstance(source, Path) and source.is_dir():
        return _in_folder(source, split, seed, labels, shape, options)
    raise ValueError(
        "`source` must be a folder of images or one of "
        f"{(*embedded.NAMES, *data_names.LABELLED)} to stream: `load` the "
        "others and give their arrays to `Batches`. "
        f"Received: {str(source)!r}"
    )


def _embedded(name, split, seed):
    images, classes = embedded.read(name)[split]

    def read(batch, shape, image_shape, final_shape):
        return fit_images(batch, shape)

    shuffled = _shuffled(images, classes, seed)
    return _Examples(len(images), shuffled, read, images.shape[1:])


def _in_folder(folder, split, seed, labels, shape, options):
    import tensorflow as tf

    train, test = train_and_test_files(folder, **options)
    files = train if split == "train" else test
    count = len(files.paths)
    if labels and files.labels is None:
        raise ValueError(
            "With `labels=True` there must be one sub-folder per class. "
            f"Received: {folder} without any"
        )
    classes = tf.zeros(count, "int64") if not labels else files.labels
    shuffled = _shuffled(files.paths, classes, seed)
    own_shape = common_shape(train, test, shape, folder)
    return _Examples(count, shuffled, _reader(os.fsdecode), own_shape)


def _shuffled(images, classes, seed):
    """Function of an epoch to its examples, as a whole in a new order."""
    import tensorflow as tf

    images, count = tf.constant(images), len(classes)

    def rows_of(epoch):
        return epoch_order(seed, int(epoch), count)

    def of_epoch(epoch):
        rows = tf.range(count, dtype="int64")
        if epoch is not None:
            rows = tf.numpy_function(rows_of, [epoch], "int64")
            rows = tf.ensure_shape(rows, (count,))
        return tf.data.Dataset.from_tensor_slices(
            (tf.gather(images, rows), tf.gather(classes, rows))
        )

    return of_epoch


def _reader(as_file):
    """Function that reads encoded images, each made what `read_image` takes."""

    def read(encoded, shape, image_shape, final_shape):
        files = [as_file(image) for image in encoded]
        return read_images(files, image_shape, final_shape)

    return read


def _downloaded(name, split, seed):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    builder = downloads.prepared_builder(name)
    in_file_order = builder.as_dataset(
        split=split,
        as_supervised=True,
        shuffle_files=False,
        decoders={"image": tfds.decode.SkipDecoding()},
    )

    def of_epoch(epoch):
        if epoch is None:
            return in_file_order
        tf.random.set_seed(seed)  # of this traced function alone
        return in_file_order.shuffle(
            SHUFFLE_WINDOW, seed=epoch, reshuffle_each_iteration=False
        )

    count = builder.info.splits[split].num_examples
    own_shape = builder.info.features["image"].shape
    return _Examples(count, of_epoch, _reader(io.BytesIO), own_shape)


def _decoder(examples, shape, labels):
    """Function of a batch of encoded images and classes to `(x,)`, `(x, y)`."""
    import tensorflow as tf

    image_shape, final_shape = resolve_shapes(shape, examples.image_shape)

    def read(batch):
        return examples.read(batch, shape, image_shape, final_shape)

    def decode(batch, classes):
        images = tf.numpy_function(read, [batch], "float32")
        images = tf.ensure_shape(images, (None, *final_shape))
        return (images, classes) if labels else (images,)

    return decode
