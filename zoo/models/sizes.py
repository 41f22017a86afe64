"""The form of images that builders take, and checks of it."""

from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

from keras_capsvae.validation.numbers import check_integer

CHANNELS = "channels_last"  # whatever `keras.config` says of images


ROOMY = 28  # sides to which what is too small is best enlarged


def check_image_shape(
    input_shape: Sequence[int | None],
    multiple_of: int = 1,
    at_least: int = 1,
    variable: bool = False,
) -> tuple[Any, Any, int]:
    """The shape (height, width, channels) in Python's integers.

    Both sides must be multiples of `multiple_of` and not below `at_least`, or
    `None` if they may be `variable`; otherwise a ValueError says so.
    """
    if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 3:
        raise ValueError(
            "`input_shape` must be (height, width, channels). "
            f"Received: input_shape={input_shape!r}"
        )
    height, width, channels = input_shape
    for name, side in {"height": height, "width": width}.items():
        if side is None and variable:
            continue
        if side is None:
            raise ValueError(
                f"The {name} must be known, as weights depend on it. Received: "
                f"input_shape={tuple(input_shape)}"
            )
        side = check_integer(name, side)
        if side % multiple_of:
            raise ValueError(
                f"The {name} must be a multiple of {multiple_of}, or the "
                "decoder cannot give it back. "
                + _advice(input_shape, multiple_of, at_least)
            )
        if side < at_least:
            raise ValueError(
                f"The {name} must be at least {at_least}, or nothing is left "
                "of the image after the convolutions. "
                + _advice(input_shape, multiple_of, at_least)
            )
    height, width = (side and int(side) for side in (height, width))
    return height, width, check_integer("channels", channels)


def check_filters(
    filters: Sequence[int], name: str = "filters"
) -> tuple[int, ...]:
    """Sizes of layers in Python's integers, of one layer at least."""
    counts = tuple(filters) if isinstance(filters, Iterable) else ()
    if not counts:
        raise ValueError(
            f"`{name}` must be a number for each layer, as (32, 64). "
            f"Received: {name}={filters!r}"
        )
    return tuple(check_integer(name, count) for count in counts)


def _advice(input_shape, multiple_of, at_least):
    """What was received, and how to give images sides that fit."""
    sides = [int(side) for side in input_shape[:2] if side is not None]
    roomy = max(ROOMY, at_least)
    grow = max(1, -(-roomy // min(sides))) if min(sides) < at_least else 1
    fitting = [
        max(round(side * grow / multiple_of), 1) * multiple_of for side in sides
    ]
    words = "x".join(map(str, fitting))
    return (
        f"Received: input_shape={tuple(input_shape)}. Images of "
        f"{' × '.join(map(str, fitting))} fit: datasets.load resizes them "
        f"(`shape=`), and on the command line --resize {words}"
    )
