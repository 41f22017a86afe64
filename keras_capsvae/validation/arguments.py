"""A check of the arguments that a kind of model takes beside others'."""

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any


def check_known(
    function: str, given: Mapping[str, Any], known: Iterable[str]
) -> None:
    """Raise where a function is given an argument that it does not take.

    Raises:
        TypeError: If so.
    """
    known = list(known)
    for name, value in given.items():
        if name not in known:
            raise TypeError(
                f"{function} must be given none but {known}. "
                f"Received: {name}={value!r:.60}"
            )
