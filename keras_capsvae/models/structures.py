"""One thing or several, as Keras takes and gives them."""

from typing import Any


def alone(parts: Any) -> Any:
    """Several things as they are, and the only one without its list."""
    return parts if len(parts) > 1 else parts[0]


def first_of(parts: Any) -> Any:
    """The first of several, or what comes alone."""
    return parts[0] if isinstance(parts, (list, tuple)) else parts
