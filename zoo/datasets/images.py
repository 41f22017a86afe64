"""From any image to float32 in [0, 1] with the shape a model wants."""

import functools
import math
import os
from collections.abc import Sequence
from typing import IO
from typing import Any

import numpy as np

from keras_capsvae.validation.numbers import check_integer
from zoo.datasets import headers

LUMINANCE = np.array([0.299, 0.587, 0.114], "float32")


def check_shape(shape: Any) -> tuple[int | None, ...] | None:
    """Return `shape` as a tuple of sizes (None: the source's own), or None."""
    if shape is None:
        return None
    if np.ndim(shape) != 1 or len(shape) not in (1, 3):
        raise ValueError(
            "`shape` must be `None`, `(height, width, channels)` or `(dim,)`. "
            f"Received: shape={shape!r}"
        )
    return tuple(
        None if size is None else check_integer("shape", size) for size in shape
    )


def resolve_shapes(
    shape: tuple[int | None, ...] | None, own_shape: tuple[int, ...]
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the image shape to make and the shape to yield it in.

    Args:
        shape: What the user asked for: `None`, `(h, w, c)` or `(dim,)`.
        own_shape: `(h, w, c)` or `(dim,)` of the source.
    """
    shape, own_shape = check_shape(shape), tuple(own_shape)
    if shape is None:
        return own_shape, own_shape
    if len(shape) == 3:
        own_image = as_image_shape(own_shape, shape)
        image_shape = tuple(
            own if size is None else size for size, own in zip(shape, own_image)
        )
        return image_shape, image_shape
    dim = math.prod(own_shape) if shape[0] is None else shape[0]
    if dim == math.prod(own_shape):
        return own_shape, (dim,)
    return _square(dim, own_shape), (dim,)


def fit_image(image: np.ndarray, image_shape: tuple[int, ...]) -> np.ndarray:
    """Resize one `(h, w, c)` image and convert grey to RGB or back.

    Bilinear, with antialiasing when the image shrinks, clipped to [0, 1].
    """
    height, width, channels = image_shape
    if image.shape[-1] > channels:
        image = _convert_channels(image, channels)
    if image.shape[:2] != (height, width):
        image = _resize(image, height, width)
    return _convert_channels(image, channels)


def fit_images(
    images: np.ndarray, shape: tuple[int | None, ...] | None
) -> np.ndarray:
    """Give a whole `(n, …)` array of images the shape a model wants."""
    image_shape, final_shape = resolve_shapes(shape, images.shape[1:])
    if images.shape[1:] == final_shape:
        return images
    if len(image_shape) == 3:
        own_shape = as_image_shape(images.shape[1:], image_shape)
        images = images.reshape(-1, *own_shape)
        if own_shape != image_shape:
            fitted = np.empty((len(images), *image_shape), "float32")
            for index, image in enumerate(images):
                fitted[index] = fit_image(image, image_shape)
            images = fitted
    return images.reshape(-1, *final_shape)


def read_image(file: str | os.PathLike | IO[bytes]) -> np.ndarray:
    """Read the first frame of an image, from its path or an open file.

    It is turned upright, as its EXIF data say; transparent pixels are laid on
    white.

    Returns:
        A float32 array `(h, w, 1)` or `(h, w, 3)` in [0, 1].

    Raises:
        BrokenImageError: If it cannot be decoded.
        ValueError: If it has more than 8 bits a channel.
    """
    from PIL import ImageOps

    with headers.opened(file) as image:
        is_deep = headers.is_deep(image)
        upright = ImageOps.exif_transpose(image)
        pixels = np.asarray(_grey_or_rgb(upright), "float32")
    if is_deep:
        raise ValueError(
            f"{headers.EIGHT_BITS}. Received: {headers.name_of(file)} with more"
        )
    return pixels.reshape(*pixels.shape[:2], -1) / 255


def problem_of(path: str | os.PathLike) -> str:
    """Why an image cannot be decoded, or an empty string.

    A file that is unchanged is decoded once.
    """
    state = os.stat(path)
    return _problem(os.fspath(path), state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=200_000)
def _problem(path, changed, size):
    try:
        read_image(path)
    except headers.BrokenImageError as error:
        return error.reason
    return ""


def read_images(
    files: Sequence[Any] | np.ndarray,
    image_shape: tuple[int, ...],
    final_shape: tuple[int, ...],
    where: Any = "a batch",
) -> np.ndarray:
    """Read image files into one `(n, *final_shape)` array."""
    images = np.empty((len(files), *image_shape), "float32")
    problems = [""] * len(files)
    for index, file in enumerate(files):
        try:
            images[index] = fit_image(read_image(file), image_shape)
        except headers.BrokenImageError as error:
            problems[index] = error.reason
    names = [headers.name_of(file) for file in files]
    headers.check_decodable(names, problems, where)
    return images.reshape(-1, *final_shape)


def as_image_shape(
    own_shape: tuple[int, ...], wanted: tuple[Any, ...]
) -> tuple[int, ...]:
    """Shape of the images that the rows of a flat source hold."""
    if len(own_shape) == 3:
        return own_shape
    if None not in wanted and math.prod(wanted) == own_shape[0]:
        return wanted
    return _square(own_shape[0], own_shape)


def _square(dim, own_shape):
    side = math.isqrt(dim)
    if side * side != dim:
        raise ValueError(
            "Flat images must be square grey ones or have as many values as "
            f"the source's own {own_shape}. The nearest squares are "
            f"{side**2} and {(side + 1) ** 2}. Received: {dim} values"
        )
    return side, side, 1


def _convert_channels(image, channels):
    own_channels = image.shape[-1]
    if own_channels == channels:
        return image
    if (own_channels, channels) == (1, 3):
        return np.repeat(image, 3, axis=-1)
    if (own_channels, channels) == (3, 1):
        return np.clip(image @ LUMINANCE[:, np.newaxis], 0, 1)
    raise ValueError(
        "Channels must be 1 and 3 to convert between grey and RGB. "
        f"Received: images of {own_channels} channels to convert to {channels}"
    )


def _resize(image, height, width):
    from PIL import Image

    bilinear = Image.Resampling.BILINEAR
    planes = [
        Image.fromarray(plane).resize((width, height), bilinear)
        for plane in np.ascontiguousarray(np.moveaxis(image, -1, 0))
    ]
    return np.clip(np.stack(list(map(np.asarray, planes)), axis=-1), 0, 1)


def _grey_or_rgb(image):
    if headers.has_alpha(image):
        from PIL import Image

        colours = image.convert("RGBA")
        white = Image.new("RGBA", colours.size, "white")
        laid = Image.alpha_composite(white, colours)
        return laid.convert("L" if image.mode in headers.GREY else "RGB")
    return image.convert("L" if image.mode in headers.GREY else "RGB")
