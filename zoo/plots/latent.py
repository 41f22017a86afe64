import math
from typing import Any

import keras
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from keras_capsvae.typing import Tensor
from zoo.plots.canvas import PALETTE
from zoo.plots.canvas import Picture
from zoo.plots.canvas import remove_upper_frame
from zoo.plots.checks import as_given
from zoo.plots.checks import example_arrays
from zoo.plots.checks import expect
from zoo.plots.checks import finite_array

NAMED_CLASSES = len(PALETTE)


def latent_scatter(
    model: keras.Model, x: Tensor, labels: Tensor | None = None
) -> Picture:
    """Draw the posterior means of examples, coloured by label.

    Two latent dims are drawn as they are, more of them through their first two
    principal components. A single one is drawn as a strip for each class, or
    as a histogram without labels.

    Args:
        model: A variational autoencoder of the zoo.
        x: Array of examples; for a conditional model the list
            `[images, one_hot]`.
        labels: Array of one label for each example, numbers or names. Up to
            ten classes are named, more are read off a colour bar. Defaults to
            `None`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If `x` is empty or holds NaN, or if `labels` are not one for
            each example.

    Example:

    ```python
    import numpy as np
    import zoo
    from zoo import plots

    images, labels = np.random.rand(50, 784), np.arange(50) % 10
    figure = plots.latent_scatter(zoo.dense_vae(), images, labels)
    figure.savefig("latent.png")
    ```

    Source: Jianlin Su, https://kexue.fm/archives/5253.
    """
    arrays = example_arrays(model, x)
    classes, codes = classes_and_codes(labels, len(arrays[0]))
    z_mean = posterior_means(model, arrays)  # (n, latent_dim)
    if z_mean.shape[1] == 1:
        return line_picture(z_mean[:, 0], classes, codes)
    return plane_picture(z_mean, classes, codes)


def classes_and_codes(labels: Tensor | None, count: int) -> tuple:
    """Labels → the classes in order, and the place of each label in them."""
    if labels is None:
        return None, None
    labels = np.asarray(labels)
    expect(
        labels.shape == (count,),
        "`labels` must be one integer, number or name for each example",
        shape=labels.shape,
        examples=count,
    )
    if np.issubdtype(labels.dtype, np.number):
        finite_array("labels", labels)
    return np.unique(labels, return_inverse=True)


def posterior_means(model: keras.Model, arrays: list) -> np.ndarray:
    z_mean = finite_array("z_mean", model.encode(as_given(arrays), 256))
    expect(
        z_mean.ndim == 2,
        "The encoder's z_mean must have shape (batch, latent_dim)",
        shape=z_mean.shape,
    )
    return z_mean


def plane_picture(z_mean: np.ndarray, classes: Any, codes: Any) -> Picture:
    points, axis_names = plane_of(z_mean)
    figure = Picture(6.4, 5.4)
    axes = figure.add_subplot()
    remove_upper_frame(axes)
    scatter(axes, points[:, 0], points[:, 1], classes, codes)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel(axis_names[0])
    axes.set_ylabel(axis_names[1])
    if classes is not None:
        explain_colours(figure, axes, classes)
        name_clouds(axes, points, classes, codes)
    return figure


def plane_of(z_mean: np.ndarray) -> tuple[np.ndarray, list[str]]:
    latent_dim = z_mean.shape[1]
    if latent_dim == 2:
        return z_mean, [f"posterior mean of $z_{i}$" for i in (1, 2)]
    components, shares = principal_components(z_mean, 2)
    names = [
        f"principal component {i} of {latent_dim} latent dims ({share:.0%})"
        for i, share in enumerate(shares, start=1)
    ]
    return components, names


def principal_components(
    points: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along the widest directions, and their variance shares."""
    centred = points.astype("float64") - points.mean(axis=0, dtype="float64")
    directions, variances, _ = np.linalg.svd(centred.T @ centred)
    directions = directions[:, :count]
    largest = np.abs(directions).argmax(axis=0)
    directions *= np.sign(directions[largest, np.arange(count)])
    total = max(variances.sum(), np.finfo("float64").tiny)
    return centred @ directions, variances[:count] / total


def line_picture(z_mean: np.ndarray, classes: Any, codes: Any) -> Picture:
    figure = Picture(6.4, 4.0)
    axes = figure.add_subplot()
    remove_upper_frame(axes)
    axes.set_xlabel("posterior mean of $z_1$")
    if classes is None:
        axes.hist(z_mean, bins="auto", color=PALETTE[0])
        axes.set_ylabel("examples")
        return figure
    jitter = np.random.default_rng(0).uniform(-0.35, 0.35, len(codes))
    scatter(axes, z_mean, codes + jitter, classes, codes)
    step = math.ceil(len(classes) / NAMED_CLASSES)
    places = np.arange(len(classes))[::step]
    axes.set_yticks(places, [str(name) for name in classes[::step]])
    axes.set_ylabel("class")
    return figure


def scatter(
    axes: Axes, x: np.ndarray, y: np.ndarray, classes: Any, codes: Any
) -> None:
    colours: dict[str, Any]
    if classes is None:
        colours = {"color": PALETTE[0]}
    elif len(classes) <= NAMED_CLASSES:
        colours = {"color": np.array(PALETTE)[codes]}
    else:
        values = classes if is_numeric(classes) else np.arange(len(classes))
        low, high = values[[0, -1]]  # of all, not of those drawn here alone
        colours = {"c": values[codes], "vmin": low, "vmax": high}
    area = np.clip(600 / np.sqrt(max(len(x), 1)), 5, 30)
    axes.scatter(x, y, s=area, alpha=0.7, linewidths=0, **colours)


def explain_colours(figure: Picture, axes: Axes, classes: np.ndarray) -> None:
    if len(classes) <= NAMED_CLASSES:
        figure.legend(
            handles=[
                Line2D([], [], ls="", marker="o", color=colour, label=str(name))
                for name, colour in zip(classes, PALETTE)
            ],
            title="class",
            loc="outside right center",
            frameon=False,
        )
        return
    bar = figure.colorbar(axes.collections[0], ax=axes, label="label")
    bar.outline.set_visible(False)
    bar.solids.set_alpha(1)
    if not is_numeric(classes):
        step = math.ceil(len(classes) / NAMED_CLASSES)
        places = np.arange(len(classes))[::step]
        bar.set_ticks(
            places.tolist(), labels=[str(name) for name in classes[::step]]
        )


def name_clouds(
    axes: Axes, points: np.ndarray, classes: Any, codes: Any
) -> None:
    if len(classes) > NAMED_CLASSES:
        return
    halo = [patheffects.withStroke(linewidth=3, foreground="white")]
    for code in np.unique(codes):
        across, up = np.median(points[codes == code], axis=0)
        axes.text(
            across,
            up,
            str(classes[code]),
            weight="bold",
            ha="center",
            va="center",
            path_effects=halo,
        )


def is_numeric(values: np.ndarray) -> bool:
    return np.issubdtype(values.dtype, np.number)
