"""Numbers of things in words."""

import keras
import numpy as np


def counted(number: int, noun: str) -> str:
    """A number and what it counts, in the plural unless it is one.

    Example:

    >>> counted(1, "epoch"), counted(1437, "example")
    ('1 epoch', '1,437 examples')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def trained_parameters(model: keras.Model) -> int:
    """Parameters that training changes, without weights of losses and seeds."""
    return sum(int(np.prod(one.shape)) for one in model.trainable_weights)
