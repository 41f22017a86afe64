import math
from collections.abc import Iterable
from collections.abc import Sequence

import keras
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from keras_capsvae import CapsuleLayer
from keras_capsvae import CapsuleNetwork
from keras_capsvae.routing.named import routing_of
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from zoo.plots.canvas import PAGE
from zoo.plots.canvas import Picture
from zoo.plots.checks import expect
from zoo.plots.checks import expect_kind
from zoo.plots.checks import names_of
from zoo.plots.receptive_fields import fields_below

PANEL = 1.7  # inches of the width of a panel, at least
TALLEST = 4.0  # inches of an image
BAR = 1.2  # inches of the colour bar with its name
DIM = 1.8  # white of the images below the colours
PRESENT = 0.5  # a class is there when its capsule is longer
TINY = 1e-12


def couplings(
    model: keras.Model,
    image: Tensor,
    classes: Iterable[int] | None = None,
    class_names: Sequence[str] | None = None,
) -> Picture:
    """Draw which places of an image each class capsule is routed from.

    The colour at a position i of the feature map is its pull on the capsule of
    class j in the last routing iteration: the coupling times the length of the
    vote along the capsule,

        c_ij · ⟨û_ij, o_j / ‖o_j‖⟩  with  o_j = Σ_i c_ij û_ij.

    The pulls of a class add up to ‖o_j‖, the length of its capsule before the
    squash. Couplings alone would show less: they stay close to one over the
    number of classes where there is background, whose votes are short. Their
    range is written above each panel. Self-routing also counts each position by
    its length, and so does its pull: by a_i over their mean. Several capsules
    at a position, as in `capsnet`, add up. All panels share a scale; places
    without colour do not pull, or pull the other way.

    Each position is a square at the centre of what it sees of the image, which
    is wider: 14 × 14 pixels in `capsule_cnn`, 17 × 17 in `capsnet`.

    Args:
        model: A `CapsuleNetwork` of the zoo, or one whose class capsules come
            from a `CapsuleLayer` that reads the positions of a feature map
            through a reshape.
        image: Array of one image `(h, w, channels)` with values in [0, 1], of
            any size that the model takes.
        classes: Integers, the classes to draw. Defaults to `None`: those whose
            capsule is longer than 0.5, or the one of the longest.
        class_names: Strings, the names of the classes in the order of their
            labels. Defaults to `None`: the labels.

    Returns:
        A `matplotlib.figure.Figure`: the image, and a panel for each class.

    Raises:
        ValueError: If the model has no `CapsuleLayer` on the positions of a
            feature map, if `image` does not fit it, or if `classes` are none,
            twice the same or not among those of the model.

    Example:

    ```python
    import numpy as np
    import zoo
    from zoo import plots

    image = np.random.rand(56, 28, 1)
    figure = plots.couplings(zoo.capsule_cnn(), image, classes=[3, 7])
    figure.savefig("couplings.png")
    ```

    Source: Jianlin Su, https://kexue.fm/archives/5112.
    """
    layer = capsules_layer(model)
    batch = keras.ops.convert_to_numpy(image)[None]
    model.check_input(batch, model.inputs[0], "image (with a batch axis)")
    sides = fields_below(model, layer, batch.shape[1:])
    parts = keras.Model(model.inputs[0], layer.input).predict(batch, verbose=0)
    scores = model.predict(batch, verbose=0)[0]
    chosen = chosen_classes(classes, scores)
    coupled, pulls = couplings_and_pulls(layer, parts)
    places = tuple(side.positions for side in sides)
    maps = pulls.reshape(*places, -1, len(scores)).sum(axis=2)
    strongest = max(maps[..., chosen].max(), TINY)

    figure, panels = panel_row(batch.shape[1:3], 1 + len(chosen))
    draw_image(panels[0], batch[0])
    panels[0].set_title("image", fontsize="small")
    names = names_of(class_names, len(scores))
    for axes, label in zip(panels[1:], chosen):
        draw_image(axes, batch[0], DIM)
        overlay(axes, maps[..., label], sides, strongest)
        least, most = coupled[:, label].min(), coupled[:, label].max()
        axes.set_title(
            f"capsule {names[label]} \u00b7 length {scores[label]:.2f}\n"
            f"couplings {least:.2f}\u2013{most:.2f}",
            fontsize="small",
        )
    bar = figure.colorbar(panels[1].images[1], ax=panels, shrink=0.8)
    bar.set_label("pull on the capsule")
    bar.outline.set_visible(False)
    bar.ax.set_facecolor("black")
    return figure


def capsules_layer(model: keras.Model) -> CapsuleLayer:
    expect_kind(model, CapsuleNetwork)
    capsules = model.encoder.outputs[0]
    found = [layer for layer in model.layers if layer.output is capsules]
    expect(
        bool(found) and isinstance(found[0], CapsuleLayer),
        "`model` must have its class capsules from a CapsuleLayer",
        layers=[type(layer).__name__ for layer in found],
    )
    return found[0]


def chosen_classes(
    classes: Iterable[int] | None, scores: np.ndarray
) -> list[int]:
    if classes is None:
        present = np.flatnonzero(scores > PRESENT)
        return present.tolist() or [int(scores.argmax())]
    chosen = list(classes) if isinstance(classes, Iterable) else [classes]
    chosen = [check_integer("classes", label, 0) for label in chosen]
    expect(
        0 < len(chosen) == len(set(chosen)) and max(chosen) < len(scores),
        f"`classes` must be different integers from 0 to {len(scores) - 1}, "
        "at least one",
        classes=classes,
    )
    return chosen


def couplings_and_pulls(
    layer: CapsuleLayer, parts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both (n_in, classes), of the last iteration, for parts (1, n_in, d)."""
    _, coupled = layer(parts, return_couplings=True)
    coupled = keras.ops.convert_to_numpy(coupled)[0]
    parts = parts[0].astype("float32")
    kernel = keras.ops.convert_to_numpy(layer.kernel).astype("float32")
    formula = "id,djk->ijk" if layer.share_weights else "id,idjk->ijk"
    votes = np.einsum(formula, parts, kernel)
    if layer.use_bias:
        votes = votes + keras.ops.convert_to_numpy(layer.bias)
    activations = routing_of(layer.routing).activations(parts[None])
    activations = keras.ops.convert_to_numpy(activations)[0]
    shares = coupled * (activations / activations.mean())[:, None]
    sums = np.einsum("ij,ijk->jk", shares, votes)
    lengths = np.linalg.norm(sums, axis=-1, keepdims=True)
    directions = sums / np.maximum(lengths, TINY)
    return coupled, shares * np.einsum("ijk,jk->ij", votes, directions)


def panel_row(size: tuple[int, int], count: int) -> tuple[Picture, list[Axes]]:
    """Panels for images of a size, as many in a row as fit on a page."""
    height, width = size
    across = min(max(PANEL, PANEL * width / height), PAGE - BAR)
    wide = min(count, int((PAGE - BAR) / across))
    high = math.ceil(count / wide)
    up = min(across * height / width, TALLEST) + 0.6
    figure = Picture(across * wide + BAR, up * high)
    return figure, [
        figure.add_subplot(high, wide, 1 + place) for place in range(count)
    ]


def draw_image(axes: Axes, image: np.ndarray, white: float = 1) -> None:
    axes.imshow(image.mean(axis=-1), cmap="gray", vmin=0, vmax=white)
    axes.set_xticks([])
    axes.set_yticks([])


def overlay(axes: Axes, pulls: np.ndarray, sides: tuple, most: float) -> None:
    limits = axes.get_xlim(), axes.get_ylim()
    (top, bottom), (left, right) = (side.edges for side in sides)
    axes.imshow(
        pulls,
        cmap=glow(),
        vmin=0,
        vmax=most,
        extent=(left, right, bottom, top),
    )
    corner, size = (left, top), (right - left, bottom - top)
    axes.add_patch(Rectangle(corner, *size, fill=False, ec="gray", ls=":"))
    axes.set(xlim=limits[0], ylim=limits[1])


def glow() -> ListedColormap:
    """Red to yellow, clear at 0 and soon opaque."""
    colours = colormaps["autumn"](np.linspace(0, 0.9, 256))
    colours[:, 3] = np.minimum(np.linspace(0, 2.5, 256), 0.9)
    return ListedColormap(colours)
