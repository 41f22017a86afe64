"""Labels of whatever form as numbers of classes, and the names of these."""

from collections.abc import Sequence
from typing import Any

import numpy as np

NUMBERS = "biuf"  # kinds of NumPy's dtypes
STRINGS = "OSU"


def numbered(
    labels: Any,
    class_names: Sequence[str] | None = None,
    name: str = "labels",
) -> tuple[np.ndarray, list[str] | None]:
    """Class numbers of labels, and the names of the classes.

    Args:
        labels: Whole numbers from 0 on, of any number type, or strings; an
            array or list `(n,)` or `(n, 1)`.
        class_names: The names of all classes, in the order of their numbers,
            that strings must be among. Defaults to `None`: the different
            strings, sorted.
        name: What a message calls them.

    Returns:
        An int64 array `(n,)`, and the list of names, `None` of numbers without
        `class_names`.

    Raises:
        ValueError: If the labels have another shape, are neither, or hold
            fractions, NaN, negative numbers or unknown or empty names.

    Example:

    >>> numbered(["owl", "cat", "owl"])
    (array([1, 0, 1]), ['cat', 'owl'])
    """
    array = np.asarray(labels)
    if array.ndim not in (1, 2) or array.shape[1:] not in ((), (1,)):
        raise ValueError(
            f"`{name}` must have shape (n,) or (n, 1), one class an example. "
            f"Received: shape {array.shape}"
        )
    array = array.reshape(-1)
    if array.dtype.kind in STRINGS:
        return _of_strings(array, class_names, name)
    if array.dtype.kind not in NUMBERS or np.any(array != np.floor(array)):
        raise ValueError(
            f"`{name}` must hold whole numbers or strings. Received: "
            f"{array.dtype}"
            f"{' with fractions or NaN' if array.dtype.kind == 'f' else ''}"
        )
    if array.size and array.min() < 0:
        raise ValueError(
            f"`{name}` must hold class numbers from 0 on. "
            f"Received: {array.min()}"
        )
    names = None if class_names is None else list(class_names)
    return array.astype("int64"), names


def _of_strings(array, class_names, name):
    texts = [_text(value, name) for value in array.tolist()]
    names = sorted(set(texts)) if class_names is None else list(class_names)
    places = {one: place for place, one in enumerate(names)}
    unknown = sorted(set(texts) - set(places))
    if unknown:
        raise ValueError(
            f"`{name}` must be among the classes {shortened(names)}. "
            f"Received: {shortened(unknown)}"
        )
    return np.array([places[text] for text in texts], "int64"), names


def _text(value, name):
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str) or not value.strip():
        raise ValueError(
            f"`{name}` must hold a name of a class for every example. "
            f"Received: {value!r}"
        )
    return value


def shortened(names: Sequence[str], most: int = 10) -> str:
    """Some names in a line, the first ones of many.

    >>> shortened(["cat", "dog", "owl"]), shortened(list("abcd"), 2)
    ('cat, dog, owl', 'a, b, … (4 in all)')
    """
    shown = ", ".join(map(str, names[:most]))
    return shown if len(names) <= most else f"{shown}, … ({len(names)} in all)"
