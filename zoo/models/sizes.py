"""Checks of the image shapes that builders take."""

from keras_capsvae.sizes import check_sizes


def check_image_shape(input_shape, multiple_of=1, at_least=1, variable=False):
    """Raise unless `input_shape` is (height, width, channels).

    Both sides must be multiples of `multiple_of` and not below `at_least`, or
    `None` if they may be `variable`.
    """
    if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 3:
        raise ValueError(
            "`input_shape` must be (height, width, channels). "
            f"Received: input_shape={input_shape!r}"
        )
    sizes = dict(zip(("height", "width", "channels"), input_shape))
    if variable:
        sizes = {
            name: size
            for name, size in sizes.items()
            if size is not None or name == "channels"
        }
    check_sizes(**sizes)
    for name in {"height", "width"} & set(sizes):
        if sizes[name] % multiple_of:
            near = -(-sizes[name] // multiple_of) * multiple_of
            raise ValueError(
                f"The {name} must be a multiple of {multiple_of}, or the "
                f"decoder cannot give it back; resize or pad to {near}. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        if sizes[name] < at_least:
            raise ValueError(
                f"The {name} must be at least {at_least}, or nothing is left "
                "of the image after the convolutions. "
                f"Received: input_shape={tuple(input_shape)}"
            )
