"""Data frames, of pandas or others, by the names of their columns."""

from collections.abc import Sequence
from typing import Any

from keras_capsvae.validation.forms import as_array


def column_names(data: Any) -> tuple[str, ...] | None:
    """The names of a data frame's columns, `None` of other data."""
    if not hasattr(data, "to_numpy") or not hasattr(data, "columns"):
        return None
    return tuple(map(str, data.columns))


def in_order(data: Any, expected: Sequence[str], name: str) -> Any:
    """A data frame as an array with its columns in the order expected.

    Other data come back as they are. So do frames by number, 0, 1, … as those
    that were made of an array, and all frames where such are expected.

    Raises:
        ValueError: If a frame has other columns.
    """
    names, expected = column_names(data), tuple(expected)
    if names is None or names == expected:
        return data
    is_same = len(set(names)) == len(names) and set(names) == set(expected)
    if is_same:
        places = [names.index(column) for column in expected]
        return as_array(data, name)[:, places]
    if _are_numbers(names) or _are_numbers(expected):
        return data
    missing = [column for column in expected if column not in names]
    extra = [column for column in names if column not in expected]
    said = [f"without {', '.join(missing)}"] if missing else []
    if extra:
        said.append(f"with {', '.join(extra)} besides")
    raise ValueError(
        f"`{name}` must have the columns that the model was fitted on, "
        f"{', '.join(expected)}, in whatever order. Received: a "
        f"{type(data).__name__} {' and '.join(said) or 'with some twice'}"
    )


def _are_numbers(names):
    return names == tuple(map(str, range(len(names))))
