"""A hint for a name that is none."""

import difflib
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The nearest of these names, as the middle of an error; else `""`.

    Case does not count.

    Example:

    >>> did_you_mean("lst", ["list", "show"])
    'Did you mean list? '
    """
    lower = {one.lower(): one for one in names}
    near = difflib.get_close_matches(name.lower(), lower, cutoff=0.5)
    if not near:
        return ""
    return f"Did you mean {' or '.join(lower[one] for one in near)}? "


def check_arguments(
    name: str, given: Mapping[str, Any], known: Iterable[str]
) -> None:
    """Raise where a builder is given an argument that it does not take.

    Args:
        name: That of the builder.
        given: What it is given.
        known: Names of what it takes.

    Raises:
        TypeError: If one is not among them; names the nearest.
    """
    known = list(known)
    for argument, value in given.items():
        if argument not in known:
            raise TypeError(
                f"{name}() has no argument {argument!r}. "
                f"{did_you_mean(argument, known)}Its arguments are {known}. "
                f"Received: {argument}={value!r:.60}"
            )
