"""The groups of one-hot columns of a table."""

from collections.abc import Mapping
from collections.abc import Sequence

from keras_capsvae.validation.numbers import check_integer

Categories = Mapping[str, int] | Sequence[int]


def check_categories(categories: Categories, columns: int) -> dict[str, int]:
    """Name → size of each group; groups without names have numbers.

    Raises:
        ValueError: If the groups have more columns than there are.
        TypeError: If a size is no integer.

    >>> check_categories([3, 2], columns=9)
    {'0': 3, '1': 2}
    """
    if not isinstance(categories, Mapping):
        categories = {str(at): size for at, size in enumerate(categories)}
    sizes = {
        str(name): check_integer(f"categories[{name!r}]", size)
        for name, size in categories.items()
    }
    if sum(sizes.values()) > columns:
        raise ValueError(
            f"`categories` must take no more than the {columns} columns that "
            f"there are. Received: {sizes}, {sum(sizes.values())} columns"
        )
    return sizes
