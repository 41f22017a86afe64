"""Functions that take the arguments of another one and more of their own."""

import functools
import inspect
from collections.abc import Callable
from typing import Any


def keyword_only(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The keyword-only parameters of a function."""
    parameters = inspect.signature(function).parameters.values()
    return [one for one in parameters if one.kind is one.KEYWORD_ONLY]


def extend(
    wrapper: Callable[..., Any],
    function: Callable[..., Any],
    more: list[inspect.Parameter],
) -> None:
    """Give a function the name and parameters of the one that it calls.

    `more` parameters come after those.
    """
    parameters = inspect.signature(function).parameters.values()
    functools.update_wrapper(wrapper, function)
    wrapper.__signature__ = inspect.Signature([*parameters, *more])
