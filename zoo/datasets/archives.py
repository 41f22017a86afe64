"""Arrays of one's own from an `.npz` or an `.npy` file."""

import os
import pathlib
import zipfile
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zoo.datasets.folders import SUFFIXES
from zoo.datasets.labels import numbered

ARCHIVES = (".npz", ".npy")
KEYS = ("x_train", "y_train", "x_test", "y_test", "x", "y")
UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)


class Part(NamedTuple):
    """Images of an archive and, where it has them, labels and their names."""

    images: np.ndarray
    labels: np.ndarray | None
    class_names: list[str] | None


def read_archive(
    path: str | os.PathLike, class_names: Sequence[str] | None = None
) -> dict[str, Part]:
    """Read and check the images and labels of an `.npz` file.

    The one array of an `.npy` file are images.

    Args:
        path: That of the file.
        class_names: Names that labels which are strings must be among.
            Defaults to `None`: those of the file.

    Returns:
        Dict with a `Part` under `"train"` and `"test"`, or under `"all"` where
        the file makes no such difference.
    """
    if pathlib.Path(path).suffix.lower() in SUFFIXES:
        raise ValueError(
            "`source` must be a folder of images, an .npz file, a table or a "
            f"name. Received: {path}, a single image"
        )
    arrays, keys = _read_arrays(path)
    if "x_train" in arrays and "x_test" in arrays:
        train = _part(arrays, "x_train", class_names)
        test = _part(arrays, "x_test", train.class_names)
        _check_alike(train, test)
        return {"train": train, "test": test}
    if "x_train" in arrays or "x" in arrays:
        key = "x_train" if "x_train" in arrays else "x"
        return {"all": _part(arrays, key, class_names)}
    raise ValueError(
        "An archive must have the keys `x_train` (and `y_train`, `x_test`, "
        f"`y_test`) or `x` (and `y`). Received: {path} with the "
        f"keys {sorted(keys)}"
    )


def training_part(parts: dict[str, Part]) -> Part:
    """Of what `read_archive` gives, that to train on, or the whole."""
    return parts["train" if "train" in parts else "all"]


def _read_arrays(path):
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            return {"x": archive}, ["x"]
        with archive:
            arrays = {key: archive[key] for key in KEYS if key in archive}
            return arrays, archive.files
    except UNREADABLE as error:
        raise ValueError(
            "An .npz or .npy file must hold plain arrays of numbers or texts, "
            "which columns of a data frame are after y.astype(str). Received: "
            f"{path} ({error})"
        ) from error


def _part(arrays, x_key, class_names):
    y_key = x_key.replace("x", "y", 1)
    images = _images(arrays[x_key], x_key)
    if y_key not in arrays:
        return Part(images, None, None)
    labels, names = numbered(arrays[y_key], class_names, y_key)
    if len(labels) != len(images):
        raise ValueError(
            f"`{y_key}` must have one label for each of {len(images)} images. "
            f"Received: {len(labels)}"
        )
    return Part(images, labels, names)


def _images(array, key):
    if array.ndim not in (2, 3, 4):
        raise ValueError(
            f"`{key}` must have shape (n, height, width, channels), "
            f"(n, height, width) or (n, dim). Received: {array.shape}"
        )
    if array.size == 0:
        raise ValueError(
            f"`{key}` must not be empty. Received: shape {array.shape}"
        )
    _check_channels_last(array, key)
    images = _in_unit_range(array, key)
    return images[..., np.newaxis] if array.ndim == 3 else images


def _check_channels_last(array, key):
    """Raise for what can only be images of PyTorch, channels first."""
    if array.ndim != 4:
        return
    _, first, side, last = array.shape
    if (first == 3 and min(side, last) > 4) or first == 1 < side == last > 4:
        raise ValueError(
            f"`{key}` must have shape (n, height, width, channels): "
            f"np.moveaxis({key}, 1, -1). Received: {array.shape}"
        )


def _in_unit_range(array, key):
    if array.dtype == np.uint8:
        return array.astype("float32") / 255
    if array.dtype == bool:
        return array.astype("float32")
    if array.dtype.kind not in "iuf":
        raise ValueError(
            f"`{key}` must be uint8 or floats. Received: {array.dtype}"
        )
    low, high = array.min(), array.max()
    if array.dtype.kind != "f" or not (low >= 0 and high <= 1):
        is_float = array.dtype.kind == "f"
        highest = "255 if they had 8 bits" if is_float else high
        raise ValueError(
            f"`{key}` must be images, uint8 or floats in [0, 1]: divide by "
            f"{highest}, and replace NaN. Arrays of other things a model "
            "takes in Python, as in model.score_samples(x). "
            f"Received: {array.dtype} with values from {low} to {high}"
        )
    return array.astype("float32")


def _check_alike(train, test):
    (x_train, y_train, _), (x_test, y_test, _) = train, test
    if x_train.shape[1:] != x_test.shape[1:]:
        raise ValueError(
            "`x_train` and `x_test` must hold images of one shape. "
            f"Received: {x_train.shape[1:]} and {x_test.shape[1:]}"
        )
    if (y_train is None) != (y_test is None):
        missing = "y_train" if y_train is None else "y_test"
        raise ValueError(
            "`y_train` and `y_test` must be there both or neither. "
            f"Received: no `{missing}`"
        )
