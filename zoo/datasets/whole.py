"""All examples of a source, where a model was trained on none of them."""

import os
import pathlib
from typing import Any

import numpy as np

from zoo.datasets.arrays import Arrays
from zoo.datasets.folders import parts_of
from zoo.datasets.labelled_texts import files_of
from zoo.datasets.loading import NAMES
from zoo.datasets.poems import NAMES as NAMES_OF_TEXTS
from zoo.datasets.row_tables import NAMES as NAMES_OF_TABLES


def has_test_part(source: str | os.PathLike) -> bool:
    """Whether a source says itself which examples are to test on.

    That is so of known names, of folders whose parts are one to train and one
    to test on, and of `.npz` files with `x_test`.
    """
    path = pathlib.Path(source)
    if source in (*NAMES, *NAMES_OF_TEXTS, *NAMES_OF_TABLES):
        return True
    if path.is_dir():
        return len(parts_of(path)) == 2 or len(files_of(path)) == 2
    if path.suffix.lower() == ".npz" and path.is_file():
        with np.load(path, allow_pickle=False) as archive:
            return "x_test" in archive
    return False


def all_to_test(arrays: Arrays) -> Arrays:
    """The same with all examples among those to test on."""
    x, y = _joined(arrays.x_train, arrays.x_test), arrays.y_train
    if y is not None and arrays.y_test is not None:
        y = np.concatenate([y, arrays.y_test])
    return arrays._replace(x_test=x, y_test=y)


def _joined(first: np.ndarray, second: Any):
    if second is None or not len(second):
        return first
    parts = [first, second]
    if first.ndim == 2:  # texts are padded to the longest of their part
        longest = max(part.shape[1] for part in parts)
        parts = [
            np.pad(part, ((0, 0), (0, longest - part.shape[1])))
            for part in parts
        ]
    return np.concatenate(parts)
