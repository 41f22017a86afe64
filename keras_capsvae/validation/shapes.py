"""Shapes, in which `None` stands for any side."""

from collections.abc import Sequence


def shapes_agree(
    one: Sequence[int | None], other: Sequence[int | None]
) -> bool:
    """Whether two shapes may be those of one array."""
    return len(one) == len(other) and all(
        None in sides or sides[0] == sides[1] for sides in zip(one, other)
    )
