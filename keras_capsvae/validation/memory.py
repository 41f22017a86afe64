"""Checks of what fits into the memory of this machine."""

import math
import os

import keras
import numpy as np

from keras_capsvae.typing import Shape


def check_fits_memory(shape: Shape, dtype: str, message: str) -> None:
    """Raise a ValueError where a weight cannot even be drawn in the memory.

    Drawing it takes as much again. Where the size of the memory is not known,
    or a `keras.distribution` spreads the weight, nothing is checked.
    """
    memory = physical_memory()
    if memory is None or keras.distribution.distribution() is not None:
        return
    needed = 2 * math.prod(shape) * _bytes(dtype)
    if needed > memory:
        raise ValueError(
            f"{message}. Received: {' × '.join(map(str, shape))} weights, "
            f"for which {needed / 1e9:,.0f} GB are needed, on a machine of "
            f"{memory / 1e9:,.0f} GB"
        )


def physical_memory() -> int | None:
    """Bytes of memory of this machine, `None` where it does not tell."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", ()):
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _bytes(dtype):
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize
