from collections.abc import Sequence
from statistics import NormalDist

import keras
import numpy as np

from keras_capsvae.validation.numbers import check_integer
from zoo.plots.canvas import Picture
from zoo.plots.checks import expect
from zoo.plots.images import grid_picture
from zoo.plots.images import name_columns
from zoo.plots.images import name_rows


def manifold(
    model: keras.Model,
    size: int = 15,
    limits: tuple[float, float] = (0.05, 0.95),
    image_shape: tuple[int, ...] | None = None,
) -> Picture:
    """Draw what the decoder makes of a grid of points of the latent space.

    The points lie on quantiles of the standard normal, evenly spaced in
    probability. The first latent dim grows to the right, the second upwards,
    others are 0. A single latent dim gives one row.

    Args:
        model: A variational autoencoder of the zoo.
        size: Integer, images on a side. Defaults to 15.
        limits: Probabilities of the first and the last quantile, between 0 and
            1. Defaults to (0.05, 0.95).
        image_shape: `(h, w)` or `(h, w, channels)`, needed for flat images
            that are not square. Defaults to `None`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If `size` is below 1, or `limits` are not two growing
            probabilities.

    Example:

    ```python
    import zoo
    from zoo import plots

    figure = plots.manifold(zoo.dense_vae(), size=10)
    figure.savefig("manifold.png")
    ```

    Source: Jianlin Su, https://kexue.fm/archives/5253.
    """
    check_integer("size", size)
    quantiles = normal_quantiles(size, limits)
    latent_dim = model.decoder.inputs[0].shape[-1]
    points = grid_points(quantiles, latent_dim)
    decoded = model.decode(points, batch_size=256)
    images = keras.tree.flatten(decoded)[0]
    longest_side = 6.0 if latent_dim > 1 else 9.0
    figure, axes = grid_picture(images, size, image_shape, longest_side)
    names = sparse_names(quantiles)
    name_columns(axes, names)
    axes.set_xlabel("$z_1$")
    if latent_dim > 1:
        name_rows(axes, names[::-1])
        axes.set_ylabel("$z_2$")
    if latent_dim > 2:
        axes.set_title(f"the other {latent_dim - 2} latent dims at 0")
    return figure


def normal_quantiles(size: int, limits: Sequence[float]) -> np.ndarray:
    limits = np.ravel(limits).tolist()
    expect(
        len(limits) == 2 and 0 < limits[0] < limits[1] < 1,
        "`limits` must be two growing probabilities between 0 and 1",
        limits=limits,
    )
    normal = NormalDist()
    return np.array([normal.inv_cdf(p) for p in np.linspace(*limits, size)])


def grid_points(quantiles: np.ndarray, latent_dim: int) -> np.ndarray:
    """Points (n, latent_dim) in reading order: the top row comes first."""
    if latent_dim == 1:
        return quantiles[:, None]
    right, up = np.meshgrid(quantiles, quantiles[::-1])
    plane = np.stack([right.ravel(), up.ravel()], axis=-1)
    return np.pad(plane, [(0, 0), (0, latent_dim - 2)])


def sparse_names(quantiles: np.ndarray) -> list[str]:
    size = len(quantiles)
    named = np.linspace(0, size - 1, size if size <= 9 else 5).round()
    return [
        signed(value) if place in named else ""
        for place, value in enumerate(quantiles)
    ]


def signed(value: float) -> str:
    rounded = round(value, 2) + 0.0
    return f"{rounded:.2f}".replace("-", "\u2212")
