"""What messages call the inputs of a model."""

import re
from collections.abc import Sequence
from typing import Any

AUTOMATIC = re.compile(r"(keras_tensor|input_layer)(_\d+)?")


def has_own_name(tensor: Any) -> bool:
    """Whether somebody named a symbolic input, and not Keras by a number."""
    return AUTOMATIC.fullmatch(tensor.name) is None


def told(tensors: Sequence[Any]) -> str:
    """Symbolic inputs, by their names, or by what has none by its shape.

    >>> import keras
    >>> told([keras.Input((2,), name="label"), keras.Input((3,))])
    'label, an array (batch, 3)'
    """
    return ", ".join(map(_told, tensors))


def _told(tensor):
    if has_own_name(tensor):
        return tensor.name
    dims = ", ".join(["batch", *map(str, tensor.shape[1:])])
    return f"an array ({dims})"
