"""The feed of a run: what its model trains and is tested on."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import keras

from keras_capsvae import VariationalAutoencoder
from zoo import datasets
from zoo.counting import counted
from zoo.datasets import splits
from zoo.datasets.feeds import label_classes
from zoo.datasets.feeds import load
from zoo.datasets.feeds import shape_without_change
from zoo.datasets.feeds import takes_labels
from zoo.datasets.feeds import takes_rows
from zoo.datasets.feeds import takes_text
from zoo.datasets.feeds import test_images
from zoo.datasets.feeds import training_pair
from zoo.datasets.reading import Reading
from zoo.datasets.shapes import check_large_enough


@dataclasses.dataclass(frozen=True)
class Feed:
    """Training data from a given epoch on, its steps, and validation data.

    Endless training data hold epoch after epoch. `about` tells of the examples
    in words; `held_out` counts those of validation and `num_examples` those of
    training, `None` where that is not known.
    """

    training: Callable[[int], Any]
    steps: int
    validation: Any
    is_endless: bool
    about: str
    held_out: int | None = None
    num_examples: int | None = None


def feed(model: keras.Model, settings: Any) -> Feed:
    """The `Feed` of a model in a run of these `Settings`."""
    if takes_text(model) and (settings.shift or settings.binarize):
        raise ValueError(
            "Texts have no pixels to shift or binarise. Received: shift="
            f"{settings.shift}, binarize={settings.binarize} for {model.name}"
        )
    check_large_enough(model, settings)
    return (_streams if settings.streaming else _arrays)(model, settings)


def arrays_of_run(model: keras.Model, settings: Any) -> datasets.Arrays:
    """`load`, for a run of these `Settings`.

    Where the best epoch is kept, the test examples are a tenth of the training
    examples, of each class if there are any: those of the test must not choose.
    """
    arrays = load(model, settings.data, Reading.of(settings))
    if not settings.keeps_best:
        return arrays
    x, y = arrays.x_train, arrays.y_train
    train, choice = splits.held_out(
        len(x), settings.data, (splits.CHOICE, settings.seed), labels=y
    )
    return arrays._replace(
        x_train=x[train],
        y_train=None if y is None else y[train],
        x_test=x[choice],
        y_test=None if y is None else y[choice],
    )


def _arrays(model, settings):
    arrays = arrays_of_run(model, settings)
    batches = datasets.Batches(
        *training_pair(model, arrays.x_train, arrays.y_train),
        batch_size=settings.batch_size,
        seed=settings.seed,
        augmentation=_augmentation(model, settings),
        shift=settings.shift,
        binarize=settings.binarize,
    )
    validation, held_out = None, 0
    if arrays.x_test is not None and len(arrays.x_test):
        held_out = len(arrays.x_test)
        validation = training_pair(
            model, test_images(arrays, settings.binarize), arrays.y_test
        )
    purpose = "to test on"
    if settings.keeps_best:
        purpose = "held out to choose the epoch"
    about = f"{counted(len(arrays.x_train), 'example')}, {held_out:,} {purpose}"
    return Feed(
        lambda epoch: batches,
        len(batches),
        validation,
        False,
        about,
        held_out,
        len(arrays.x_train),
    )


def _augmentation(model, settings):
    """What changes the training images of a run, if anything."""
    if settings.augment is None:
        return None
    taken = tuple(model.inputs[0].shape[1:])
    shape = taken if len(taken) == 3 else settings.image_shape
    if takes_text(model) or takes_rows(model) or shape is None:
        raise ValueError(
            "`augment` (--augment) must be of a model of images. Received: "
            f"augment={settings.augment!r} for {model.name} of {settings.data}"
        )
    return datasets.Augmentation(settings.augment, shape)


def _streams(model, settings):
    if takes_text(model) or takes_rows(model):
        raise ValueError(
            "Texts and tables are read into memory as a whole. Received: "
            f"streaming=True for {model.name}"
        )
    reading = Reading.of(settings)
    shape = shape_without_change(model, settings.data, reading)

    augmentation = _augmentation(model, settings)

    def stream(**options):
        data, steps = datasets.stream(
            settings.data,
            shape,
            settings.batch_size,
            seed=settings.seed,
            labels=takes_labels(model),
            **reading.of_files,
            **options,
        )
        epoch = options.get("initial_epoch")
        if augmentation is not None and epoch is not None:
            data = _augmented(data, augmentation, settings.seed, epoch, steps)
        return _fed(model, _flattened(model, data)), steps

    return Feed(
        lambda epoch: stream(initial_epoch=epoch)[0],
        stream()[1],
        stream(split="test", shuffle=False)[0],
        True,
        "examples read from disk",
    )


def _augmented(stream, augmentation, seed, epoch, steps):
    """A stream from an epoch on, whose images change as those of arrays."""
    import tensorflow as tf

    def changed(images, index):
        passed, batch = divmod(int(index), steps)
        return augmentation(images, (seed, epoch + passed, batch))

    def change(index, batch):
        x, *rest = batch
        images = tf.numpy_function(changed, [x, index], "float32")
        return tf.ensure_shape(images, x.shape), *rest

    return stream.enumerate().map(change).prefetch(tf.data.AUTOTUNE)


def _flattened(model, stream):
    """A stream of images as a model takes them that wants them flat."""
    taken = tuple(model.inputs[0].shape[1:])
    if len(taken) != 1:
        return stream
    return stream.map(
        lambda x, *rest: (keras.ops.reshape(x, (-1, *taken)), *rest)
    )


@functools.singledispatch
def _fed(model, stream):
    """A stream, with labels if the model takes them, as it trains on it."""
    return stream


@_fed.register
def _(model: VariationalAutoencoder, stream):
    if label_classes(model) is None:
        return stream
    return stream.map(lambda x, y: ((x, model.conditions.of_classes(y)),))
