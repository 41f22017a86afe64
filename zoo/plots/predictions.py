import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from matplotlib.axes import Axes

from keras_capsvae import Classifier
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.labels import multi_hot
from keras_capsvae.validation.numbers import check_integer
from zoo.plots.canvas import PALETTE
from zoo.plots.canvas import Picture
from zoo.plots.checks import expect
from zoo.plots.checks import expect_kind
from zoo.plots.checks import names_of
from zoo.plots.images import as_tiles

COLUMNS = 4
TALLEST = 2.5  # inches of an image
BARS = 3
BLUE, GREEN, RED = PALETTE[0], PALETTE[2], PALETTE[3]
GREY = (0.78, 0.78, 0.78)
TITLE: dict[str, Any] = {"fontsize": 10, "pad": 3}


def predictions(
    model: keras.Model,
    images: Tensor,
    labels: Tensor | None = None,
    count: int = 12,
    class_names: Sequence[str] | None = None,
) -> Picture:
    """Draw images above the classes that the model finds in them.

    Below each image are its highest scores, the lengths of the capsules in a
    capsule network. Above it stands its label; an image with k labels is right
    when they are its k highest scores, in any order: then there is a tick and
    these k bars are green, otherwise a cross and they are red. Without labels
    the class of the highest score stands above, as `predicted`.

    Args:
        model: A `CapsuleNetwork` or another `Classifier`.
        images: Array of images `(n, h, w, channels)` with values in [0, 1].
        labels: Integers `(n,)`, or one-hot or multi-hot `(n, classes)` with at
            least one label for each image. Defaults to `None`: nothing is
            judged and all bars are blue.
        count: Integer, how many of the first images to draw; all of them when
            there are fewer. Defaults to 12.
        class_names: Strings, the names of the classes in the order of their
            labels. Defaults to `None`: the labels.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If the model is no `Classifier`, if `images` or `labels` do
            not fit it or each other, or if `count` is below 1.

    Example:

    ```python
    import numpy as np
    import zoo
    from zoo import plots

    images, labels = np.random.rand(12, 28, 28, 1), np.arange(12) % 10
    figure = plots.predictions(zoo.capsule_cnn(), images, labels)
    figure.savefig("predictions.png")
    ```

    Source: Jianlin Su, https://kexue.fm/archives/5112.
    """
    check_integer("count", count)
    expect_kind(model, Classifier, "a classifier, such as a CapsuleNetwork")
    model.check_input(images, model.inputs[0], "images")
    truths = label_sets(model, labels, len(images))[:count]
    images = keras.ops.convert_to_numpy(images)[:count]
    tiles = as_tiles(images)
    scores = model.predict(images, verbose=0)
    names = names_of(class_names, scores.shape[1])
    most = max(len(truth) for truth in truths)
    bars = min(max(BARS, most + 1), scores.shape[1])
    figure, pairs = image_and_bar_axes(tiles, bars)
    for tile, score, truth, (above, below) in zip(tiles, scores, truths, pairs):
        ranking = np.argsort(-score, kind="stable")
        draw_image(above, tile)
        shown = ranking[:bars]
        best = [names[label] for label in shown]
        if truth:
            colours = judge(above, ranking, truth, names) + [GREY] * bars
        else:
            above.set_title(f"predicted {best[0]}", **TITLE)
            colours = [BLUE] * bars
        draw_bars(below, best, score[shown], colours[:bars])
    return figure


def label_sets(
    model: Classifier, labels: Tensor, count: int
) -> list[list[int]]:
    """The true classes of each image; none of them without labels."""
    if labels is None:
        return [[] for _ in range(count)]
    labels = keras.ops.convert_to_numpy(labels)
    model.check_targets(labels, "labels")
    expect(
        len(labels) == count,
        "`labels` must have as many rows as there are images",
        labels=len(labels),
        images=count,
    )
    hot = keras.ops.convert_to_numpy(multi_hot(labels, model.num_classes))
    expect(
        np.isin(hot, (0, 1)).all() and hot.any(axis=1).all(),
        "`labels` must be 0 or 1, with at least one 1 for each image",
        labels=np.unique(hot)[:5],
        unlabelled=(~hot.any(axis=1)).sum(),
    )
    return [np.flatnonzero(row).tolist() for row in hot]


def image_and_bar_axes(
    tiles: np.ndarray, bars: int
) -> tuple[Picture, list[tuple[Axes, Axes]]]:
    count, height, width, _ = tiles.shape
    wide = min(count, COLUMNS)
    high = math.ceil(count / wide)
    across = 1.25
    heights = [min(across * height / width, TALLEST), 0.17 * bars]
    figure = Picture((across + 0.6) * wide, (sum(heights) + 0.4) * high)
    figure.get_layout_engine().set(wspace=0.15)
    grid = figure.add_gridspec(2 * high, wide, height_ratios=heights * high)
    return figure, [
        (
            figure.add_subplot(grid[2 * (place // wide), place % wide]),
            figure.add_subplot(grid[2 * (place // wide) + 1, place % wide]),
        )
        for place in range(count)
    ]


def draw_image(axes: Axes, tile: np.ndarray) -> None:
    axes.imshow(
        tile.squeeze(-1) if tile.shape[-1] == 1 else tile,
        cmap="gray",
        vmin=0,
        vmax=1,
    )
    axes.set_xticks([])
    axes.set_yticks([])


def judge(
    axes: Axes, ranking: np.ndarray, truth: list[int], names: list[str]
) -> list:
    """Name the labels above the image; the colours of as many bars."""
    is_right = set(ranking[: len(truth)]) == set(truth)
    colour = GREEN if is_right else RED
    mark = "\u2713" if is_right else "\u2717"
    labels = ", ".join(names[label] for label in truth)
    axes.set_title(f"label {labels} {mark}", color=colour, **TITLE)
    return [colour] * len(truth)


def draw_bars(
    axes: Axes, names: list[str], scores: np.ndarray, colours: list
) -> None:
    places = np.arange(len(names))
    axes.barh(places, scores, height=0.72, color=colours)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(places, names, fontsize=8)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    for place, score in zip(places, scores):
        axes.text(
            1.04,
            float(place),
            f"{score:.2f}",
            fontsize=7,
            va="center",
            ha="left",
        )
