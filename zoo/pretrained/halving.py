"""Files of weights at half the size."""

import pathlib

import h5py
import numpy as np


def halve(path: pathlib.Path) -> None:
    """Store the float32 numbers of a `.weights.h5` file as float16.

    Keras casts them back as it loads them.

    Raises:
        ValueError: If a number is too large for float16.
    """
    whole = path.with_suffix(".whole")
    path.rename(whole)
    try:
        with h5py.File(whole) as source, h5py.File(path, "w") as target:
            source.visititems(lambda name, item: _copy(name, item, target))
    except ValueError:
        path.unlink()
        raise
    finally:
        whole.unlink()


def _copy(name, item, target):
    if not isinstance(item, h5py.Dataset):
        copied = target.require_group(name)
    else:
        values = np.asarray(item)
        if values.dtype == np.float32:
            largest = np.finfo("float16").max
            if np.abs(values).max(initial=0) > largest:
                raise ValueError(
                    f"{name} must not be beyond ±{largest:g} to be stored as "
                    f"float16. Received: {np.abs(values).max():g}"
                )
            values = values.astype("float16")
        copied = target.create_dataset(name, data=values)
    for key, value in item.attrs.items():
        copied.attrs[key] = value
