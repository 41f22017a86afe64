import functools
import itertools
import math
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from matplotlib.axes import Axes

from keras_capsvae import ConvMatrixCapsuleEM
from keras_capsvae import MatrixCapsuleNetwork
from keras_capsvae import PrimaryMatrixCapsules
from keras_capsvae.layers.em_capsules import EMCapsules
from keras_capsvae.typing import Tensor
from zoo.plots.canvas import PAGE
from zoo.plots.canvas import PALETTE
from zoo.plots.canvas import Picture
from zoo.plots.canvas import remove_upper_frame
from zoo.plots.checks import expect
from zoo.plots.checks import expect_kind
from zoo.plots.checks import names_of
from zoo.plots.couplings import DIM
from zoo.plots.couplings import TINY
from zoo.plots.couplings import chosen_classes
from zoo.plots.couplings import draw_image
from zoo.plots.couplings import overlay
from zoo.plots.receptive_fields import fields_and_shape

IN_A_ROW = 4


def assignments(
    model: keras.Model,
    image: Tensor,
    classes: Iterable[int] | None = None,
    class_names: Sequence[str] | None = None,
) -> Picture:
    """Draw which primary capsules EM assigns to which class, and how it went.

    A child i gives the share R_ij of itself to its parent j, and the shares of
    one child add up to 1. So the share of a primary capsule in a class is the
    sum over all ways up, of the products of the shares along the way. The
    colour at a position of the map is the sum over its primary capsules,

        Σ_i |a_i − a°_i| · A_ij  with  A = R⁽¹⁾ R⁽²⁾ ⋯,

    each counted by how far its activation a_i is from a°_i, that on an empty
    image of zeros. (Capsules above an empty background are active too, and go
    to the class that wins; they would be the hottest and say nothing of the
    image.) All maps share a scale. Each position is a square at the centre of
    what the primary capsules there see of the image; a frame holds those that
    the layer above reads.

    The curves are the activations of the classes after each iteration of EM in
    the last layer.

    Args:
        model: A `MatrixCapsuleNetwork` of the zoo, or one of the same layers.
        image: Array of one image `(h, w, channels)` with values in [0, 1] that
            the model takes.
        classes: Integers, the classes to draw. Defaults to `None`: the three of
            the highest scores.
        class_names: Strings, the names of the classes in the order of their
            labels. Defaults to `None`: the labels.

    Returns:
        A `matplotlib.figure.Figure`: the image, a map for each class, and the
        curves.

    Raises:
        ValueError: If the model holds other layers, if `image` does not fit it,
            or if `classes` are none, twice the same or not among its.

    Example:

    ```python
    import numpy as np
    import zoo
    from zoo import plots

    image = np.random.rand(28, 28, 1)
    plots.assignments(zoo.matrix_capsnet(), image).savefig("assignments.png")
    ```

    Source: Hinton, Sabour and Frosst, 2018, figure 2 and section 3.
    """
    primary, routed = matrix_capsule_layers(model)
    batch = keras.ops.convert_to_numpy(image)[None]
    model.check_input(batch, model.inputs[0], "image (with a batch axis)")
    shares, active, scores = assigned(model, batch, routed)
    if classes is None:
        classes = np.argsort(-scores)[:3].tolist()
    chosen = chosen_classes(classes, scores)
    sides, _ = fields_and_shape(model, primary, batch.shape[1:])

    for side, seen in zip(sides, shares.shape):
        side.keep(seen)

    names = names_of(class_names, len(scores))
    figure, panels = panels_above_curves(1 + len(chosen))
    draw_image(panels[0], batch[0])
    panels[0].set_title("image", fontsize="small")
    strongest = max(shares[..., chosen].max(), TINY)
    for axes, label in zip(panels[1:-1], chosen):
        draw_image(axes, batch[0], DIM)
        overlay(axes, shares[..., label], sides, strongest)
        axes.set_title(
            f"class {names[label]} \u00b7 activation {scores[label]:.2f}",
            fontsize="small",
        )
    bar = figure.colorbar(panels[1].images[1], ax=panels[:-1], shrink=0.8)
    bar.set_label(
        "capsules assigned,\nas the image changes them", fontsize="small"
    )
    bar.outline.set_visible(False)
    bar.ax.set_facecolor("black")
    draw_activations(panels[-1], active, chosen, names)
    return figure


def panels_above_curves(count: int) -> tuple[Picture, list[Axes]]:
    """Panels in rows of four, and below them one as wide as the rows."""
    high = math.ceil(count / IN_A_ROW)
    figure = Picture(PAGE, 2.1 * high + 2.2)
    grid = figure.add_gridspec(
        high + 1, IN_A_ROW, height_ratios=[2.1] * high + [2.2]
    )
    panels = [
        figure.add_subplot(grid[place // IN_A_ROW, place % IN_A_ROW])
        for place in range(count)
    ]
    return figure, [*panels, figure.add_subplot(grid[-1, :])]


def matrix_capsule_layers(
    model: keras.Model,
) -> tuple[keras.layers.Layer, list[keras.layers.Layer]]:
    """The primary capsules and the layers that route, from below."""
    expect_kind(model, MatrixCapsuleNetwork)
    primary = [
        layer
        for layer in model.layers
        if isinstance(layer, PrimaryMatrixCapsules)
    ]
    routed = [layer for layer in model.layers if isinstance(layer, EMCapsules)]
    chain = [*primary[:1], *routed]
    fits = len(primary) == 1 and all(
        above.input[0] is below.output[0]
        for below, above in itertools.pairwise(chain)
    )
    expect(
        fits and routed and routed[-1].output[1] is model.outputs[0],
        "`model` must have one layer PrimaryMatrixCapsules and above it "
        "nothing but layers of matrix capsules",
        layers=[layer.name for layer in model.layers],
    )
    return primary[0], routed


def assigned(
    model: keras.Model,
    batch: np.ndarray,
    routed: list[keras.layers.Layer],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of one image: shares in each class, activations, scores.

    Returns:
        `(height, width, classes)` summed over the primary capsules that the
        layer above reads, each as the image changes its activation;
        `(iterations, classes)` of the last layer; and `(classes,)`.
    """
    below = keras.Model(model.inputs, [layer.input for layer in routed])
    inputs = below.predict(batch, verbose=0)
    _, empty = below.predict(np.zeros_like(batch), verbose=0)[0]
    upper: Any = None  # (grid of the layer's children, types, classes)
    for layer, capsules in reversed(list(zip(routed, inputs))):
        shares, active = (
            keras.ops.convert_to_numpy(one)
            for one in layer.assignments(capsules)
        )
        if upper is None:
            by_iteration = active[:, 0]
        upper = _to_children(layer, shares[0], upper, capsules[1].shape[1:])
    _, activations = inputs[0]
    changes = np.abs(activations[0] - empty[0])
    maps = np.einsum("hwn,hwnk->hwk", changes, upper)
    read = upper.any(axis=(2, 3))
    rows, columns = read.any(axis=1).sum(), read.any(axis=0).sum()
    return maps[:rows, :columns], by_iteration, by_iteration[-1]


@functools.singledispatch
def _to_children(layer, shares, upper, shape):
    """Shares of the layer's children, `shape`, in the classes."""
    if upper is not None:
        shares = shares @ upper
    return shares.reshape(*shape, -1)


@_to_children.register
def _(layer: ConvMatrixCapsuleEM, shares, upper, shape):
    height, width, types = shape
    windows = layer.windows(height, width)
    of_windows = np.einsum("rcsp,rcpk->rcsk", shares, upper)
    of_cells = np.zeros((height * width, types, upper.shape[-1]))
    values = of_windows.reshape(*windows.cells.shape, types, -1)
    np.add.at(of_cells, windows.cells, values)
    return of_cells.reshape(*shape, -1)


def draw_activations(
    axes: Axes, active: np.ndarray, chosen: list, names: list[str]
) -> None:
    iterations = np.arange(1, len(active) + 1)
    for label, curve in enumerate(active.T):
        if label not in chosen:
            axes.plot(iterations, curve, color="lightgray", lw=1)
    for place, label in enumerate(chosen):
        colour = PALETTE[place % len(PALETTE)]
        axes.plot(
            iterations, active[:, label], "o-", color=colour, label=names[label]
        )
    axes.set(xlabel="EM iteration", title="activations", ylim=(-0.03, 1.03))
    axes.set_xticks(iterations)
    axes.legend(fontsize="small", frameon=False)
    remove_upper_frame(axes)
