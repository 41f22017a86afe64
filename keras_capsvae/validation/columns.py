"""The groups of one-hot columns of a table."""

from collections.abc import Mapping
from collections.abc import Sequence

from keras_capsvae.validation.numbers import check_integer

Categories = Mapping[str, int] | Sequence[int]


def check_categories(categories: Categories) -> dict[str, int]:
    """Name → size of each group; groups without names have numbers.

    Raises:
        ValueError: If a size is below 1.
        TypeError: If a size is no integer.

    >>> check_categories([3, 2])
    {'0': 3, '1': 2}
    """
    if not isinstance(categories, Mapping):
        categories = {str(at): size for at, size in enumerate(categories)}
    return {
        str(name): check_integer(f"categories[{name!r}]", size)
        for name, size in categories.items()
    }


def check_columns(categories: Mapping[str, int], columns: int) -> None:
    """Raise if the groups have more columns than there are."""
    taken = sum(categories.values())
    if taken > columns:
        raise ValueError(
            f"`categories` must take no more than the {columns} columns that "
            f"there are. Received: {dict(categories)}, {taken} columns"
        )
