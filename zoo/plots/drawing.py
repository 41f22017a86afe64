"""Of several pictures those that can be drawn."""

import warnings
from collections.abc import Callable
from collections.abc import Mapping

from zoo.plots.canvas import Picture


def drawn(pictures: Mapping[str, Callable[[], Picture]]) -> dict[str, Picture]:
    """Name → picture, of those that can be drawn.

    A warning says why another one cannot.

    Args:
        pictures: Name → what draws it.

    Raises:
        ValueError: If there are some and none can be drawn: that of the first.
    """
    figures, errors = {}, {}
    for name, picture in pictures.items():
        try:
            figures[name] = picture()
        except ValueError as error:
            errors[name] = error
    if errors and not figures:
        raise next(iter(errors.values()))
    for name, error in errors.items():
        warnings.warn(f"No picture of {name}: {error}", stacklevel=3)
    return figures
