import keras
import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from keras_capsvae import VariationalAutoencoder
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from zoo.plots.canvas import Picture
from zoo.plots.checks import as_given
from zoo.plots.checks import example_arrays
from zoo.plots.checks import expect_kind
from zoo.plots.images import as_tiles
from zoo.plots.images import grid_picture
from zoo.plots.images import name_columns
from zoo.plots.images import name_rows
from zoo.plots.pictures import expect_unit_range

COLOURS = "magma"
ROWS = ["image", "reconstruction", "nats of a pixel"]


def score_maps(
    model: keras.Model,
    x: Tensor,
    count: int = 8,
    image_shape: tuple[int, ...] | None = None,
) -> Picture:
    """Draw where a VAE finds images unlikely, those with high scores first.

    Below each image stands what the model makes of it, and then −ln q(x_i|z) of
    each pixel, summed over its channels: what an outlier has and the training
    had not is bright. Scores, in nats, are written below.

    Args:
        model: A variational autoencoder of images, compiled with a likelihood.
        x: Array of images with values in [0, 1]; for a conditional model the
            list `[images, one_hot]`.
        count: Integer, how many images to draw, of the highest scores; all of
            them when there are fewer. Defaults to 8.
        image_shape: `(h, w)` or `(h, w, channels)`, needed for flat images
            that are not square. Defaults to `None`.

    Returns:
        A `matplotlib.figure.Figure` of three rows.

    Raises:
        ValueError: If `x` is empty, holds NaN or values outside [0, 1], if
            `count` is below 1 or the model is no VAE with a likelihood.

    Example:

    ```python
    import numpy as np
    import zoo
    from zoo import plots

    images = np.random.rand(20, 28, 28, 1)
    figure = plots.score_maps(zoo.conv_vae(), images)
    figure.savefig("score_maps.png")
    ```
    """
    check_integer("count", count)
    expect_kind(model, VariationalAutoencoder)
    arrays = example_arrays(model, x)
    expect_unit_range(arrays[0])
    scores = model.score_samples(as_given(arrays))
    worst = np.argsort(-scores)[:count]
    arrays = [array[worst] for array in arrays]
    originals = as_tiles(arrays[0], image_shape)
    decoded = as_tiles(model.reconstruct(as_given(arrays)), image_shape)
    nats = model.score_values(as_given(arrays))
    nats = nats.reshape(originals.shape).sum(axis=-1)
    scale = Normalize(min(nats.min(), 0.0), nats.max())
    colours = colormaps[COLOURS]

    rows = [*map(_in_colour, (originals, decoded)), colours(scale(nats))]
    figure, axes = grid_picture(
        np.concatenate([row[..., :3] for row in rows]), len(worst)
    )
    name_rows(axes, ROWS)
    name_columns(axes, [f"{score:.0f}" for score in scores[worst]])
    axes.set_xlabel("score, nats")
    bar = figure.colorbar(ScalarMappable(scale, colours), ax=axes, shrink=0.8)
    bar.outline.set_visible(False)
    return figure


def _in_colour(tiles):
    """Tiles of three channels."""
    if tiles.shape[-1] == 1:
        return np.repeat(tiles, 3, axis=-1)
    return tiles[..., :3]
