"""The classes of a source of images or of texts with labels."""

import os

from zoo.datasets import downloads
from zoo.datasets.archives import read_archive
from zoo.datasets.archives import training_part
from zoo.datasets.folders import train_and_test_files
from zoo.datasets.labelled_texts import has_labelled_texts
from zoo.datasets.labelled_texts import labelled_classes
from zoo.datasets.loading import check_source
from zoo.datasets.row_tables import NAMES as TABLES
from zoo.datasets.row_tables import row_classes


def num_classes(source: str | os.PathLike) -> int | None:
    """Number of classes of a source, `None` if it has no labels.

    Args:
        source: What `load` or `load_labelled_texts` takes.

    Returns:
        The number of names, or the highest label of the training data and 1.
    """
    return classes_of(source)[1]


def class_names(source: str | os.PathLike) -> list[str] | None:
    """Names of the classes of a source, in the order of their labels.

    Those of a folder are the names of its sub-folders, those of an archive
    whose labels are strings, or of a table, its labels.

    Args:
        source: What `load` or `load_labelled_texts` takes.

    Returns:
        List of strings, `None` where classes have numbers alone.

    Example:

    >>> datasets.class_names("fashion_mnist")[:3]
    ['T-shirt/top', 'Trouser', 'Pullover']
    """
    return classes_of(source)[0]


def classes_of(
    source: str | os.PathLike,
) -> tuple[list[str] | None, int | None]:
    """`class_names` and `num_classes` of a source, which is read once."""
    source = check_source(source)
    if source in TABLES:
        names = row_classes(source)
        return names, None if names is None else len(names)
    if isinstance(source, str):
        names = downloads.CLASS_NAMES.get(source)
        return names and list(names), downloads.num_classes(source)
    if has_labelled_texts(source):
        names = labelled_classes(source)
        return names, len(names)
    labels, names = _training_classes(source)
    if names is not None:
        return names, len(names)
    return None, None if labels is None else int(labels.max()) + 1


def _training_classes(path):
    """The labels to train on of a folder or file, and the names of classes."""
    if path.is_dir():
        return train_and_test_files(path)[0][1:]
    return training_part(read_archive(path))[1:]
