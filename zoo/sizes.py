"""Checks of the sizes that builders take."""


def check_sizes(arguments, *names):
    for name in names:
        size = arguments[name]
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError(
                f"`{name}` must be an integer. Received: {name}={size!r} of "
                f"type {type(size).__name__}"
            )
        if size < 1:
            raise ValueError(
                f"`{name}` must be at least 1. Received: {name}={size}"
            )


def check_image_shape(input_shape, multiple_of):
    if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 3:
        raise ValueError(
            "`input_shape` must be (height, width, channels). "
            f"Received: input_shape={input_shape!r}"
        )
    sizes = dict(zip(("height", "width", "channels"), input_shape))
    check_sizes(sizes, *sizes)
    for name in ("height", "width"):
        if sizes[name] % multiple_of:
            near = -(-sizes[name] // multiple_of) * multiple_of
            raise ValueError(
                f"The {name} must be a multiple of {multiple_of}, or the "
                f"decoder cannot give it back; resize or pad to {near}. "
                f"Received: input_shape={tuple(input_shape)}"
            )
