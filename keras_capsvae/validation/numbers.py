"""Checks of the sizes and factors that layers, models and builders take."""

import math
import operator
from typing import Any

import numpy as np


def check_integer(name: str, value: Any, minimum: float = 1) -> int:
    """The value as Python's int, that a JSON file can hold.

    An integer is what `operator.index` takes, NumPy's among them, but no bool.

    Raises:
        TypeError: If the value is no integer.
        ValueError: If it is below `minimum`.

    >>> check_integer("num_classes", np.int64(10))
    10
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        integer = operator.index(value)
    except TypeError as error:
        raise TypeError(
            f"`{name}` must be an integer. Received: {name}={value!r} of "
            f"type {type(value).__name__}"
        ) from error
    if integer < minimum:
        raise ValueError(
            f"`{name}` must be at least {minimum}. Received: {name}={integer}"
        )
    return integer


def check_sizes(**sizes: Any) -> list[int]:
    """`check_integer` of each, in order.

    >>> check_sizes(height=28, width=np.uint8(28))
    [28, 28]
    """
    return [check_integer(name, size) for name, size in sizes.items()]


def check_number(name: str, value: Any, minimum: float = 0.0) -> float:
    """The value as Python's float: a finite number of at least `minimum`.

    Raises:
        TypeError: If the value is no number: a bool, a text, an array.
        ValueError: If it is NaN, infinite or below `minimum`.

    >>> check_number("kl_weight", np.float32(0.5))
    0.5
    """
    number = _number(name, value)
    if not minimum <= number < math.inf:
        raise ValueError(
            f"`{name}` must be finite and at least {minimum:g}. "
            f"Received: {name}={number!r}"
        )
    return number


def check_positive(name: str, value: Any) -> float:
    """The value as Python's float: a finite number above 0.

    Raises:
        TypeError: If the value is no number.
        ValueError: If it is NaN, infinite or not above 0.

    >>> check_positive("temperature", 1)
    1.0
    """
    number = _number(name, value)
    if not 0 < number < math.inf:
        raise ValueError(
            f"`{name}` must be positive and finite. Received: {name}={number!r}"
        )
    return number


def check_share(name: str, value: Any) -> float:
    """The value as Python's float: a number from 0 to below 1.

    Raises:
        TypeError: If the value is no number.
        ValueError: If it is NaN, negative, or 1 and above.

    >>> check_share("label_smoothing", 0.1)
    0.1
    """
    number = _number(name, value)
    if not 0 <= number < 1:
        raise ValueError(
            f"`{name}` must lie in [0, 1). Received: {name}={number!r}"
        )
    return number


def _number(name, value):
    try:
        if isinstance(value, (bool, np.bool_, str, bytes)) or np.ndim(value):
            raise TypeError
        return float(value)
    except TypeError as error:
        raise TypeError(
            f"`{name}` must be a number. Received: {name}={value!r} of "
            f"type {type(value).__name__}"
        ) from error
