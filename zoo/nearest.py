"""A hint for a name that is none."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The nearest of these names, as the middle of an error; else `""`.

    Example:

    >>> did_you_mean("lst", ["list", "show"])
    'Did you mean list? '
    """
    near = difflib.get_close_matches(name, names, cutoff=0.4)
    return f"Did you mean {' or '.join(near)}? " if near else ""
