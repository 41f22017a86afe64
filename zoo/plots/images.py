import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from zoo.plots.canvas import PAGE
from zoo.plots.canvas import Picture
from zoo.plots.checks import expect
from zoo.plots.checks import finite_array

PAPER = 1.0
ROOM_FOR_NAMES = 1.0


def image_grid(
    images: Tensor, columns: int, image_shape: tuple[int, ...] | None = None
) -> np.ndarray:
    """Tile images into one array, row by row, with thin gaps between them.

    Values are clipped to [0, 1]. The gaps, and the tiles that are left over in
    the last row, are white.

    Args:
        images: Array of shape `(n, h, w)`, `(n, h, w, 1)`, `(n, h, w, 3)`,
            `(n, h, w, 4)` of RGB and alpha, or `(n, dim)` for flat images. The
            latter become squares when `dim` is a square (grey) or three times
            a square (colour).
        columns: Integer, tiles in a row.
        image_shape: `(h, w)` or `(h, w, channels)` of one image, for flat
            images that are not square. Defaults to `None`.

    Returns:
        Float array of shape `(height, width)`, or `(height, width, channels)`
        for colour images.

    Raises:
        ValueError: If `images` is empty, holds NaN or has no known shape, or if
            `columns` is below 1.

    Example:

    ```python
    import numpy as np
    from zoo import plots

    plots.image_grid(np.random.rand(6, 784), columns=3).shape  # (57, 86)
    ```
    """
    check_integer("columns", columns)
    tiles = as_tiles(images, image_shape)  # (n, h, w, c)
    count, height, width, channels = tiles.shape
    gap = max(1, round(min(height, width) / 28))
    rows = math.ceil(count / columns)

    cells = np.full(
        (rows * columns, height + gap, width + gap, channels), PAPER
    )
    cells[:count, :height, :width] = np.clip(tiles, 0, 1)
    cells = cells.reshape(rows, columns, *cells.shape[1:])
    grid = cells.swapaxes(1, 2).reshape(
        rows * (height + gap), columns * (width + gap), channels
    )[:-gap, :-gap]
    return grid[..., 0] if channels == 1 else grid


def as_tiles(
    images: Tensor, image_shape: tuple[int, ...] | None = None
) -> np.ndarray:
    """Images of any accepted layout → (n, h, w, channels)."""
    images = finite_array("images", images)
    if image_shape is None and images.ndim == 2:
        image_shape = square_shape(images.shape[1])
    if image_shape is not None:
        images = reshaped(images, tuple(image_shape))
    if images.ndim == 3:
        images = images[..., None]
    expect(
        images.ndim == 4 and images.shape[-1] in (1, 3, 4),
        "Images must have shape (n, h, w), (n, h, w, 1), (n, h, w, 3), "
        "(n, h, w, 4) or (n, dim)",
        shape=images.shape,
    )
    return images


def square_shape(dim: int) -> tuple[int, int, int]:
    for channels in (1, 3):
        side = math.isqrt(dim // channels)
        if side * side * channels == dim:
            return side, side, channels
    raise ValueError(
        "The size of flat images must be a square, or three times a square; "
        "pass `image_shape=(h, w)` or `image_shape=(h, w, channels)` "
        f"for others. Received: dim={dim}"
    )


def reshaped(images: np.ndarray, image_shape: tuple) -> np.ndarray:
    expect(
        len(image_shape) in (2, 3)
        and math.prod(image_shape) == math.prod(images.shape[1:]),
        "`image_shape` must be (h, w) or (h, w, channels), with as many "
        "values as an image",
        image_shape=image_shape,
        shape=images.shape,
    )
    return images.reshape(-1, *image_shape)


def grid_picture(
    images: Tensor,
    columns: int,
    image_shape: tuple[int, ...] | None = None,
    longest_side: float = 6.0,
) -> tuple[Picture, Axes]:
    grid = image_grid(images, columns, image_shape)
    height, width = grid.shape[:2]
    inches = longest_side / max(height, width)
    inches = min(inches, (PAGE - ROOM_FOR_NAMES) / width)
    figure = Picture(
        width * inches + ROOM_FOR_NAMES, height * inches + ROOM_FOR_NAMES
    )
    axes = figure.add_subplot()
    axes.imshow(grid, cmap="gray", vmin=0, vmax=1)
    axes.set_frame_on(False)
    axes.tick_params(length=0)
    axes.set_xticks([])
    axes.set_yticks([])
    return figure, axes


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    height = axes.images[0].get_array().shape[0]
    axes.set_yticks(tile_centres(height, len(names)), names)


def name_columns(axes: Axes, names: Sequence[str]) -> None:
    width = axes.images[0].get_array().shape[1]
    axes.set_xticks(tile_centres(width, len(names)), names)


def tile_centres(pixels: int, tiles: int) -> np.ndarray:
    return (np.arange(tiles) + 0.5) * pixels / tiles - 0.5
