"""Shapes, in which `None` stands for any side."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def shapes_agree(
    one: Sequence[int | None], other: Sequence[int | None]
) -> bool:
    """Whether two shapes may be those of one array."""
    return len(one) == len(other) and all(
        None in sides or sides[0] == sides[1] for sides in zip(one, other)
    )


def with_last_axis(array: Any, shape: Sequence[int | None]) -> Any:
    """The array with a last axis of size 1 as a model's input has it.

    Keras adds one that lacks and takes away one too many when it calls a
    functional model.

    Args:
        array: Array or tensor, with a batch axis.
        shape: The input's, with the batch.
    """
    if getattr(array.shape, "rank", 0) is None:  # unknown to TensorFlow
        return array
    received = tuple(array.shape)
    if shape[-1] == 1 and shapes_agree(received, shape[:-1]):
        return _indexed(array, None)
    if received[-1:] == (1,) and shapes_agree(received[:-1], shape):
        return _indexed(array, 0)
    return array


def _indexed(array, index):
    try:
        return array[..., index]
    except TypeError:  # a data set of h5py
        return np.asarray(array)[..., index]
