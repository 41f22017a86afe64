"""Names of random changes of images, readable without Keras."""

from typing import Any

from zoo.nearest import did_you_mean

FLIPS = ("horizontal", "vertical", "horizontal_and_vertical")
FILLS = ("reflect", "constant", "nearest", "wrap")
NUMBERS = (  # shares of a turn, a side, the area or the range of values
    *("rotation", "shift", "zoom", "squeeze"),
    *("erase", "brightness", "contrast"),
)
WORDS = {"flip": FLIPS, "fill": FILLS}
KNOWN = (*NUMBERS, *WORDS)


def changes_of(text: str) -> dict[str, Any]:
    """Name → value of each change that a text asks for.

    Args:
        text: As `"rotation=0.1,shift=0.1,flip=horizontal"`.

    Raises:
        ValueError: If there is no such change, it lacks its value, or the value
            is none that it takes.
        TypeError: If it is no text.

    Example:

    >>> changes_of("rotation=0.1,flip=horizontal")
    {'rotation': 0.1, 'flip': 'horizontal'}
    """
    if not isinstance(text, str):
        raise TypeError(
            "Changes of images must be a text, as "
            f'"rotation=0.1,flip=horizontal". Received: {text!r} of type '
            f"{type(text).__name__}"
        )
    changes = {}
    for part in text.strip().removesuffix(",").split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        if name not in KNOWN:
            raise ValueError(
                "`augment` must be changes with their values and commas "
                f"between them, as rotation=0.1,flip=horizontal, out of "
                f"{list(KNOWN)}. {did_you_mean(name, KNOWN)}"
                f"Received: {part.strip()!r} in augment={text!r}"
            )
        if not value:
            example = WORDS[name][0] if name in WORDS else 0.1
            raise ValueError(
                f"`{name}` of `augment` must have a value, as {name}={example}."
                f" Received: {part.strip()!r} in augment={text!r}"
            )
        if name in changes:
            raise ValueError(
                f"`augment` must name each change once. Received: {text!r}"
            )
        changes[name] = _value(name, value)
    if changes.keys() <= {"fill"}:
        raise ValueError(
            f"`augment` must name a change of the images. Received: {text!r}"
        )
    return changes


def _value(name, value):
    if name in WORDS:
        if value not in WORDS[name]:
            raise ValueError(
                f"`{name}` of `augment` must be one of {list(WORDS[name])}. "
                f"Received: {name}={value}"
            )
        return value
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not 0 < number <= 1:
        raise ValueError(
            f"`{name}` of `augment` must be a number above 0 and at most 1. "
            f"Received: {name}={value}"
        )
    return number
