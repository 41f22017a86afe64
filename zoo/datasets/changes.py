"""What becomes of images that a model takes in another form."""

from typing import NamedTuple

from zoo.datasets.images import as_image_shape
from zoo.datasets.images import resolve_shapes


class Change(NamedTuple):
    """What `datasets.load` does to images to give them a shape.

    Attributes:
        own: `(height, width, channels)` before.
        made: The same after.
        options: What asks for it on the command line; nothing asks for grey
            images to be repeated in the channels of colours.
    """

    own: tuple[int, ...]
    made: tuple[int, ...]
    options: list[str]


def change_of(
    own_shape: tuple[int, ...], shape: tuple[int | None, ...]
) -> Change | None:
    """The `Change` of images of one shape that `datasets.load` gives another.

    Args:
        own_shape: `(height, width, channels)` or `(dim,)` of the source.
        shape: What `datasets.load` takes.

    Returns:
        `None` where no value changes: of flat images of as many values.

    Example:

    >>> change_of((40, 56, 3), (784,)).options
    ['--resize 28', '--grey']
    >>> change_of((28, 28, 1), (784,)) is None
    True
    """
    made, _ = resolve_shapes(shape, own_shape)
    if len(made) == 1:
        return None
    own = as_image_shape(own_shape, made)
    options = []
    if own[:2] != made[:2]:
        height, width = made[:2]
        sides = f"{height}" if height == width else f"{height}x{width}"
        options.append(f"--resize {sides}")
    if own[-1] > made[-1]:
        options.append("--grey")
    return None if own == made else Change(own, made, options)


def as_sizes(shape: tuple[int, ...]) -> str:
    """A shape in words, as `"40 × 56 × 3"`."""
    return " × ".join(map(str, shape))
