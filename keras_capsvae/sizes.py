"""Checks of the sizes that layers and builders take."""


def check_sizes(**sizes):
    """Raise unless every size is an integer of at least 1."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError(
                f"`{name}` must be an integer. Received: {name}={size!r} of "
                f"type {type(size).__name__}"
            )
        if size < 1:
            raise ValueError(
                f"`{name}` must be at least 1. Received: {name}={size}"
            )
