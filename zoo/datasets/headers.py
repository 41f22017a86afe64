"""What the headers of image files tell before any is decoded."""

import contextlib
import functools
import os
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import IO
from typing import Any
from typing import NamedTuple

from zoo.datasets.labels import shortened

TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange height and width
ORIENTATION = 0x0112
GREY = ("1", "L", "LA")
COLOUR = ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB")
UNREADABLE = "An image must be one that can be decoded"
EIGHT_BITS = "Images must have 8 bits a channel"


class Header(NamedTuple):
    """Form of an image; `problem` says why it cannot be decoded."""

    height: int = 0
    width: int = 0
    channels: int = 0
    has_alpha: bool = False
    is_deep: bool = False
    problem: str = ""


def header_of(path: str | os.PathLike) -> Header:
    """The `Header` of an image file; a file that is unchanged is read once."""
    state = os.stat(path)
    return _header(os.fspath(path), state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=200_000)
def _header(path, changed, size):
    try:
        with opened(path) as image:
            height, width = image.height, image.width
            if orientation(image) in TURNED:
                height, width = width, height
            return Header(
                height,
                width,
                1 if image.mode in GREY or is_deep(image) else 3,
                has_alpha(image),
                is_deep(image),
            )
    except BrokenImageError as error:
        return Header(problem=error.reason)


class BrokenImageError(ValueError):
    """An image that cannot be decoded, and the reason."""

    def __init__(self, file: Any, cause: Exception):
        self.reason = _reason(cause)
        super().__init__(
            f"{UNREADABLE}. Received: {name_of(file)} ({self.reason})"
        )


@contextlib.contextmanager
def opened(file: str | os.PathLike | IO[bytes]) -> Iterator[Any]:
    """Open an image with Pillow, to read it inside.

    Raises:
        BrokenImageError: If it cannot be decoded.
    """
    from PIL import Image

    try:
        with Image.open(file) as image:
            yield image
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
    ) as error:
        raise BrokenImageError(file, error) from error


def orientation(image: Any) -> int:
    """EXIF orientation; a PNG tells it here only ahead of its pixels."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return image.getexif().get(ORIENTATION, 1)


def has_alpha(image: Any) -> bool:
    """Whether an image of Pillow's may have transparent pixels."""
    return image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info


def is_deep(image: Any) -> bool:
    """Whether an opened image has more than 8 bits a channel.

    Pillow reads coloured ones as if they had 8: their tiles tell.
    """
    raw = [part for tile in image.tile for part in _flat(tile[3])]
    return image.mode not in GREY + COLOUR or any(";16" in one for one in raw)


def _flat(arguments):
    parts = arguments if isinstance(arguments, tuple) else (arguments,)
    return [part for part in parts if isinstance(part, str)]


def _reason(error: Exception) -> str:
    """Why an image cannot be decoded, without Pillow's name of the file."""
    text = str(error) or type(error).__name__
    if text.startswith("cannot identify image file"):
        return "no image of a known kind"
    return text


def check_decodable(
    paths: Sequence[str], problems: Sequence[str], folder: Any
) -> None:
    """Raise a ValueError that counts and names the images with a problem."""
    broken = [
        f"{path} ({problem})"
        for path, problem in zip(paths, problems)
        if problem
    ]
    if broken:
        raise ValueError(
            f"{UNREADABLE}. Received: {len(broken)} of {len(paths)} images in "
            f"{folder} that cannot: {shortened(broken)}. Mend or remove them, "
            "or leave them out: --skip-broken (`skip_broken=True`)"
        )


def name_of(file: Any) -> str:
    """What a message calls an image file or stream."""
    is_path = isinstance(file, str | os.PathLike)
    return str(Path(file)) if is_path else "bytes"
