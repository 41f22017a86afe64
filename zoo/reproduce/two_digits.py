"""kexue.fm 5112: nets that learn single digits and read two at once."""

import json
import os
import pathlib
import statistics
from typing import Any

import click
import keras
import numpy as np
from matplotlib.figure import Figure

from keras_capsvae import LabelAccuracy
from zoo import datasets
from zoo import plots
from zoo.datasets import feeds
from zoo.reproduce import steps

EPOCHS = 10
SEEDS = (1, 2, 3)
NETS = {
    "pooling": ("pooling_cnn", {}),
    "agreement": ("capsule_cnn", {"routing": "agreement"}),
    "kmeans": ("capsule_cnn", {"routing": "kmeans"}),
    "dynamic": ("capsule_cnn", {"routing": "dynamic"}),
}
QUICK_NETS = ("pooling", "kmeans")
CLAIMED = {"pooling": 0.40, "agreement": 0.91, "kmeans": 0.95}  # two digits
PAIR_SEED = 0


def run(out: str | os.PathLike, quick: bool = False) -> list[pathlib.Path]:
    """Train every net with its seeds; write accuracies and two pictures."""
    folder = pathlib.Path(out) / ("quick" if quick else "")
    data = steps.mnist_or_digits()
    arrays, models, figures = None, {}, {}
    for net in QUICK_NETS if quick else NETS:
        for seed in SEEDS[:1] if quick else SEEDS:
            click.echo(f"{net}, seed {seed}")
            model = _train(folder / f"{net}_{seed}", net, seed, data, quick)
            if arrays is None:
                shape = feeds.image_shape(model, data)
                arrays = datasets.load(data, shape)
            models.setdefault(net, model)
            accuracies = accuracy(model, arrays.x_test, arrays.y_test)
            for name, value in accuracies.items():
                figures.setdefault(net, {}).setdefault(name, []).append(value)
            _write(folder / "figures.json", data, quick, figures)
    paths = [folder / "figures.json"]
    paths += [folder / "two_digits.png", folder / "examples.png"]
    _drawn(figures).savefig(paths[1], dpi=150)
    images, labels = side_by_side(arrays.x_test, arrays.y_test, 2)
    examples = plots.predictions(models["kmeans"], images[:12], labels[:12])
    examples.savefig(paths[2], bbox_inches="tight")
    return paths


def accuracy(
    model: keras.Model, images: np.ndarray, labels: Any
) -> dict[str, float]:
    """Accuracy on single digits, two and three, as the post counts them.

    Args:
        model: A classifier of images of any size.
        images: Single digits, `(n, height, width, channels)`.
        labels: Their integer labels.

    Returns:
        Dict of `single`, `two` and `two_above_half` (two digits one above the
        other; right when the two highest scores are the two digits, and when
        both are above 0.5 too), and `three` (three side by side).
    """
    pairs, pair_labels = side_by_side(images, labels, 2)
    triples, triple_labels = side_by_side(images, labels, 3)
    of_pairs = _predicted(model, pairs)
    return {
        "single": _share_right(_predicted(model, images), labels),
        "two": _share_right(of_pairs, pair_labels),
        "two_above_half": _share_right(of_pairs, pair_labels, 0.5),
        "three": _share_right(_predicted(model, triples), triple_labels),
    }


def side_by_side(
    images: np.ndarray, labels: Any, count: int, seed: int = PAIR_SEED
) -> tuple[np.ndarray, np.ndarray]:
    """Images of several different digits, and their multi-hot labels.

    The images are joined with random permutations of themselves: two along the
    height, as in the post, more along the width. Groups in which a digit comes
    twice are dropped.
    """
    random = np.random.default_rng(seed)
    orders = [np.arange(len(images))]
    orders += [random.permutation(len(images)) for _ in range(count - 1)]
    groups = np.stack([labels[order] for order in orders], axis=-1)
    ordered = np.sort(groups, axis=-1)
    differ = (np.diff(ordered, axis=-1) > 0).all(-1)
    axis = 1 if count == 2 else 2
    joined = np.concatenate([images[order[differ]] for order in orders], axis)
    several = np.zeros((int(differ.sum()), labels.max() + 1), "float32")
    np.put_along_axis(several, groups[differ], 1.0, axis=-1)
    return joined, several


def _train(folder, net, seed, data, quick):
    name, arguments = NETS[net]
    epochs = _epochs(data, quick)
    return steps.train(
        folder, name, data, epochs=epochs, seed=seed, arguments=arguments
    )


def _epochs(data, quick):
    return 1 if quick and data == "mnist" else EPOCHS


def _predicted(model, images):
    return model.predict(images, batch_size=128, verbose=0)


def _share_right(scores, labels, threshold=None):
    return round(float(LabelAccuracy(threshold)(labels, scores)), 4)


def _write(path, data, quick, figures):
    figures = {
        "data": data,
        "epochs": _epochs(data, quick),
        "accuracy": figures,
        "claimed": CLAIMED,
    }
    path.write_text(json.dumps(figures, indent=2) + "\n")


def _drawn(figures):
    """Bars: mean accuracy of each net; dots: the seeds; lines: the post."""
    titles = {
        "single": "one digit",
        "two": "two digits",
        "two_above_half": "two, both above ½",
        "three": "three digits",
    }
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(figures)
    for number, (net, accuracies) in enumerate(figures.items()):
        places = np.arange(len(titles)) + (number + 0.5) * width - 0.4
        values = [accuracies[name] for name in titles]
        means = [statistics.mean(seeds) for seeds in values]
        bars = axes.bar(places, means, 0.9 * width, label=net)
        axes.bar_label(bars, [f"{mean:.0%}" for mean in means], fontsize=7)
        for place, seeds in zip(places, values):
            axes.plot([place] * len(seeds), seeds, "k.", markersize=3)
        if net in CLAIMED:
            reach = width / 2
            axes.hlines(CLAIMED[net], places[1] - reach, places[1] + reach, "k")
    axes.set_xticks(range(len(titles)), titles.values())
    axes.set_ylabel("accuracy")
    axes.set_ylim(0, 1.08)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(figures), frameon=False)
    axes.annotate(
        "dots: seeds · lines: the post",
        (1, 0.98),
        xycoords="axes fraction",
        ha="right",
        fontsize=8,
        color="0.4",
    )
    return figure
