"""Whole data sets in memory."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.datasets import downloads
from zoo.datasets import embedded
from zoo.datasets import row_tables
from zoo.datasets.archives import read_archive
from zoo.datasets.archives import training_part
from zoo.datasets.arrays import Arrays
from zoo.datasets.folders import common_shape
from zoo.datasets.folders import train_and_test_files
from zoo.datasets.images import check_shape
from zoo.datasets.images import fit_images
from zoo.datasets.images import read_images
from zoo.datasets.images import resolve_shapes
from zoo.datasets.row_tables import is_rows
from zoo.datasets.row_tables import load_rows
from zoo.datasets.splits import held_out
from zoo.nearest import did_you_mean

NAMES = (*embedded.NAMES, *downloads.NAMES)
KNOWN = (*NAMES, *row_tables.NAMES)


def load(
    source: str | os.PathLike,
    shape: tuple[int | None, ...] | None = None,
    *,
    skip_broken: bool = False,
    class_names: Sequence[str] | None = None,
    **of_rows: Any,
) -> Arrays:
    """Load images, as float32 in [0, 1], with the shape a model wants.

    Or the rows of a table of numbers as they are, see below.

    Args:
        source: One of

            - `"mnist_small"`: a tenth of MNIST, 6,000 and 1,000 images,
              nothing to download (Y. LeCun and C. Cortes, CC BY-SA 3.0);
            - `"digits"`: the 1,797 handwritten digits of scikit-learn, 8×8,
              nothing to download; a fixed stratified split, 80/20;
            - `"mnist"`, `"fashion_mnist"`, `"kmnist"`: through
              tensorflow-datasets, which looks in `TFDS_DATA_DIR`;
            - `"binarized_mnist"`, likewise: the published binarisation of
              Larochelle, 50,000 images to train on, without labels;
            - `"smallnorb"`, likewise: 24,300 pairs of views of toys, reduced
              to 48 × 48 × 2, of 5 classes; see `matrix_capsnet` for windows;
            - the path of an `.npz` file with the keys `x_train` (`y_train`,
              `x_test`, `y_test`), or `x` (`y`), split 90/10. Images are
              uint8, which is divided by 255, or floats in [0, 1]. The one
              array of an `.npy` file is x;
            - the path of a folder of png, jpg, bmp, gif, webp or tif files.
              Its sub-folders, sorted by name, are the classes; a flat folder
              has no labels. Split 90/10 unless all it holds is `train` and
              `test` (or `val`). Images are turned upright, transparent pixels
              laid on white; hidden files do not count;
            - the path of a `.csv` or `.tsv` of numbers, whose first line names
              the columns, split 90/10; or `"breast_cancer"`, scikit-learn's
              table of 569 tumours.
        shape: `(height, width, channels)` resizes (bilinear, antialiased when
            the images shrink) and converts between grey and RGB, with `None`
            for a size of the source's own; `(dim,)` gives flat images where
            `dim` is a square or the source's own number of values. Defaults to
            `None`: the shape of the source.
        skip_broken: Whether to leave out images of a folder that cannot be
            decoded, with a warning that counts and names them. Defaults to
            `False`: they are an error.
        class_names: The classes in the order of their labels, which
            sub-folders and labels that are strings must be among, as for a
            model that was trained on them. Defaults to `None`: those of the
            source.
        **of_rows: Of a table: `label_column`, which holds the labels and is not
            among the columns of x, `category_columns`, which become one-hot
            behind the numbers, and `ignore_columns`: names, in a list or with
            commas between them; `encoding` of the file. `columns_of` says what
            the columns are.

    Returns:
        `Arrays`: `(x_train, y_train, x_test, y_test)`.

    Raises:
        ValueError: If the name is unknown or the data is not as described, or
            images have several sizes and `shape` gives none.
        FileNotFoundError: If there is no such path.
        RuntimeError: If a data set can neither be found nor downloaded.

    Example:

    >>> from zoo import datasets
    >>> mnist = datasets.load("mnist_small", shape=(784,))
    >>> mnist.x_train.shape, mnist.y_test.shape
    ((6000, 784), (1000,))
    """
    source, shape = check_source(source), check_shape(shape)
    if is_rows(source):
        if shape is not None:
            raise ValueError(
                "`shape` must be None for the rows of a table. "
                f"Received: shape={shape} for {source}"
            )
        return load_rows(
            source, class_names=class_names, skip_broken=skip_broken, **of_rows
        )
    if of_rows:
        raise TypeError(
            f"{sorted(of_rows)} are of tables, .csv or .tsv. "
            f"Received: source={str(source)!r}"
        )
    if isinstance(source, Path) and source.is_dir():
        files = train_and_test_files(
            source, skip_broken=skip_broken, class_names=class_names
        )
        return _load_files(*files, shape, source)
    x_train, y_train, x_test, y_test = _load_arrays(source, class_names)
    return Arrays(
        fit_images(x_train, shape), y_train, fit_images(x_test, shape), y_test
    )


def image_shape(
    source: str | os.PathLike,
    shape: tuple[int | None, ...] | None = None,
    *,
    skip_broken: bool = False,
) -> tuple[int, ...]:
    """Shape of the images that `load` gives, arguments as there.

    Of a folder the headers of all images are read, and no pixels.
    """
    source, shape = check_source(source), check_shape(shape)
    if is_rows(source):
        raise ValueError(
            "A table holds no images: tabular_vae learns the rows of one, and "
            "gated_cnn_classifier the texts. "
            f"Received: {source}"
        )
    if isinstance(source, str):
        own = _shape_of_name(source)
    elif source.is_dir():
        files = train_and_test_files(source, skip_broken=skip_broken)
        own = common_shape(*files, shape, source)
    else:
        own = training_part(read_archive(source)).images.shape[1:]
    return resolve_shapes(shape, own)[1]


def _shape_of_name(name):
    if name in embedded.NAMES:
        return embedded.read(name)["test"][0].shape[1:]
    return downloads.shape_of(name)


def at_hand(source: str | os.PathLike) -> str | os.PathLike:
    """The source, or its embedded sample where it would be downloaded first.

    Args:
        source: What `load` takes.

    Returns:
        `"mnist_small"` for `"mnist"` where that does not lie ready on disk, and
        any other source as it is.
    """
    sample = embedded.SAMPLE_OF.get(str(source))
    if sample is None or downloads.is_prepared(str(source)):
        return source
    return sample


def check_source(source: str | os.PathLike) -> str | Path:
    """Return a known name as it is, and anything else as an existing path."""
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            "`source` must be a name or a path. "
            f"Received: source={source!r} of type {type(source)}"
        )
    if source in KNOWN:
        return str(source)
    path = Path(source)
    if path.is_dir() or path.is_file():
        return path
    if isinstance(source, str) and len(path.parts) == 1 and not path.suffix:
        raise ValueError(_unknown_name(source))
    raise FileNotFoundError(
        "`source` must be the path of an .npz file, of a table or of a folder "
        f"of images. Received: {str(source)!r}, which does not exist in "
        f"{Path.cwd()}: where a run was trained on it elsewhere, say where it "
        "is now (--data)"
    )


def _unknown_name(name):
    return (
        f"`source` must be one of {KNOWN} or the path of an .npz file, a table "
        f"or a folder of images. {did_you_mean(name, KNOWN)}Received: {name!r}"
    )


def _load_arrays(source, class_names):
    if source in embedded.NAMES:
        pairs = embedded.read(source)
        return *pairs["train"], *pairs["test"]
    if isinstance(source, str):
        return _load_download(source)
    return _load_archive(source, class_names)


def _load_download(name):
    builder = downloads.prepared_builder(name)
    train, test = (
        downloads.read_split(builder, split) for split in ("train", "test")
    )
    return *train, *test


def _load_archive(path, class_names):
    pairs = read_archive(path, class_names)
    if "all" not in pairs:
        return *pairs["train"][:2], *pairs["test"][:2]
    images, labels, _ = pairs["all"]
    train, test = held_out(len(images), path, labels=labels)
    if labels is None:
        return images[train], None, images[test], None
    return images[train], labels[train], images[test], labels[test]


def _load_files(train, test, shape, folder):
    own_shape = common_shape(train, test, shape, folder)
    shapes = resolve_shapes(shape, own_shape)
    return Arrays(
        read_images(train.paths, *shapes, folder),
        train.labels,
        read_images(test.paths, *shapes, folder),
        test.labels,
    )
