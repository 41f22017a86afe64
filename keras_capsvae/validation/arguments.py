"""Arguments that are taken, and the choices of one."""

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


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raise unless a value is one of those that there are.

    Raises:
        ValueError: If so.
    """
    choices = tuple(choices)
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"`{name}` must be one of {choices}. Received: {name}={value!r}"
        )
