"""Arrays of one's own from an `.npz` file."""

import os
import zipfile
import zlib

import numpy as np

KEYS = ("x_train", "y_train", "x_test", "y_test", "x", "y")
UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)


def read_archive(
    path: str | os.PathLike,
) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Reads and checks the images and labels of an `.npz` file.

    Returns:
        dict with a pair `(images, labels or None)` under `"train"` and
        `"test"`, or under `"all"` where the file makes no such difference.
    """
    arrays, keys = _read_arrays(path)
    if "x_train" in arrays and "x_test" in arrays:
        train, test = _pair(arrays, "x_train"), _pair(arrays, "x_test")
        _check_alike(train, test)
        return {"train": train, "test": test}
    if "x_train" in arrays or "x" in arrays:
        return {"all": _pair(arrays, "x_train" if "x_train" in arrays else "x")}
    raise ValueError(
        "An archive must have the keys `x_train` (and `y_train`, `x_test`, "
        f"`y_test`) or `x` (and `y`). Received: {path} with the "
        f"keys {sorted(keys)}"
    )


def _read_arrays(path):
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("it holds one bare array")
        with archive:
            arrays = {key: archive[key] for key in KEYS if key in archive}
            return arrays, archive.files
    except UNREADABLE as error:
        raise ValueError(
            "An .npz file must hold plain arrays, as `numpy.savez` writes "
            f"them. Received: {path} ({error})"
        ) from error


def _pair(arrays, x_key):
    y_key = x_key.replace("x", "y", 1)
    images = _images(arrays[x_key], x_key)
    labels = arrays.get(y_key)
    if labels is None:
        return images, None
    return images, _labels(labels, y_key, len(images))


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
    images = _in_unit_range(array, key)
    return images[..., np.newaxis] if array.ndim == 3 else images


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
        raise ValueError(
            f"`{key}` must be uint8, or floats in [0, 1]: divide "
            "8-bit values by 255 (or keep them uint8) and replace NaN. "
            f"Received: {array.dtype} with values from {low} to {high}"
        )
    return array.astype("float32")


def _labels(array, key, count):
    """Class numbers `(count,)`, which may come as a column or as floats."""
    if array.shape not in ((count,), (count, 1)):
        raise ValueError(
            f"`{key}` must have shape ({count},) or ({count}, 1), one class "
            f"number an image. Received: shape {array.shape}"
        )
    if array.dtype.kind not in "biuf" or np.any(array != np.floor(array)):
        raise ValueError(
            f"`{key}` must hold whole numbers. Received: {array.dtype}"
            f"{' with fractions or NaN' if array.dtype.kind == 'f' else ''}"
        )
    if array.min() < 0:
        raise ValueError(
            f"`{key}` must hold class numbers from 0 on. "
            f"Received: {array.min()}"
        )
    return array.reshape(count).astype("int64")


def _check_alike(train, test):
    (x_train, y_train), (x_test, y_test) = train, test
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
