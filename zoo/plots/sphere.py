from typing import Any

import keras
import numpy as np
from matplotlib.axes import Axes

from keras_capsvae.typing import Tensor
from zoo.plots.canvas import Picture
from zoo.plots.checks import example_arrays
from zoo.plots.checks import expect
from zoo.plots.latent import classes_and_codes
from zoo.plots.latent import explain_colours
from zoo.plots.latent import name_clouds
from zoo.plots.latent import posterior_means
from zoo.plots.latent import scatter

PARALLELS = (-60, -30, 0, 30, 60)  # degrees
MERIDIANS = range(-90, 91, 30)
LINE = {"color": "0.85", "linewidth": 0.6, "zorder": 0}


def latent_sphere(
    model: keras.Model, x: Tensor, labels: Tensor | None = None
) -> Picture:
    """Draw the directions of examples on both sides of the sphere.

    The projection keeps areas, so that evenly spread latents look evenly
    spread: Lambert's, of the half of the sphere towards the reader and of the
    half behind, seen from there. Latitude is that of the third latent dim.

    Args:
        model: A variational autoencoder with latents on a sphere in three
            dims, such as `zoo.vmf_vae(latent_dim=3)`.
        x: Array of examples; with conditions the list `[x, conditions]`.
        labels: Array of one label for each example, numbers or names. Up to
            ten classes are named, more are read off a colour bar. Defaults to
            `None`.

    Returns:
        A `matplotlib.figure.Figure` of two discs.

    Raises:
        ValueError: If the latents are no directions in three dims, `x` is empty
            or holds NaN, or `labels` are not one for each example.

    Example:

    ```python
    import numpy as np
    import zoo
    from zoo import plots

    images, labels = np.random.rand(50, 784), np.arange(50) % 10
    figure = plots.latent_sphere(zoo.vmf_vae(latent_dim=3), images, labels)
    figure.savefig("sphere.png")
    ```

    Source: Jianlin Su, https://kexue.fm/archives/8404.
    """
    arrays = example_arrays(model, x)
    classes, codes = classes_and_codes(labels, len(arrays[0]))
    directions = posterior_means(model, arrays)  # (n, 3)
    expect(
        directions.shape[1] == 3
        and np.allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-3),
        "The latents must be vectors of length 1 in three dims",
        shape=directions.shape,
    )
    figure = Picture(8.0, 4.2)
    sides = figure.subplots(1, 2)
    halves = {"front": directions, "back": directions * [-1, -1, 1]}
    for axes, (name, turned) in zip(sides, halves.items()):
        _draw_half(axes, turned, classes, codes)
        axes.set_title(f"{name}, $z_1$ {'>' if name == 'front' else '<'} 0")
    if classes is not None:
        explain_colours(figure, sides[-1], classes)
    return figure


def _draw_half(axes: Axes, directions: np.ndarray, classes: Any, codes: Any):
    """The half with a positive first coordinate, seen from there."""
    _draw_grid(axes)
    seen = directions[:, 0] > 0
    points = equal_area(directions[seen])
    of_seen = None if codes is None else codes[seen]
    scatter(axes, points[:, 0], points[:, 1], classes, of_seen)
    if classes is not None:
        name_clouds(axes, points, classes, of_seen)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _draw_grid(axes):
    along = np.linspace(-90, 90, 91)
    for latitude in PARALLELS:
        axes.plot(*_on_disc(along, np.full(91, latitude)), **LINE)
    for longitude in MERIDIANS:
        axes.plot(*_on_disc(np.full(91, longitude), along), **LINE)


def _on_disc(longitude, latitude):
    """Lines of degrees as x and y."""
    longitude, latitude = np.radians(longitude), np.radians(latitude)
    across = np.cos(latitude)
    directions = np.stack(
        [
            across * np.cos(longitude),
            across * np.sin(longitude),
            np.sin(latitude),
        ],
        axis=-1,
    )
    return equal_area(directions).T


def equal_area(directions: np.ndarray) -> np.ndarray:
    """Lambert's projection of directions around the first axis, (n, 2)."""
    return directions[:, 1:] * np.sqrt(2 / (1 + directions[:, :1]))
