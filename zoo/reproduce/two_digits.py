"""kexue.fm 5112: nets that learn single digits and read two at once."""

import pathlib
from typing import Any

import keras
import numpy as np

from keras_capsvae import LabelAccuracy
from zoo import datasets
from zoo import plots
from zoo.datasets import feeds
from zoo.reproduce import steps
from zoo.reproduce.bars import bars_of_nets
from zoo.reproduce.claims import CLAIMS
from zoo.reproduce.expectations import Figure
from zoo.runs.progress import Progress

SEEDS = (1, 2, 3)
# Builder, arguments and, as in the script of the post, epochs.
NETS = {
    "pooling": ("pooling_cnn", {}, 20),
    "agreement": ("capsule_cnn", {"routing": "agreement"}, 10),
    "kmeans": ("capsule_cnn", {"routing": "kmeans"}, 10),
    "dynamic": ("capsule_cnn", {"routing": "dynamic"}, 10),
}
QUICK_NETS = ("pooling", "kmeans")
QUICK = {"epochs": 5, "batch_size": 64}
COUNTED = {
    "single": "one digit",
    "two": "two digits",
    "two_above_half": "two, both above ½",
    "three": "three digits",
}
PAIR_SEED = 0


def epochs(quick: bool) -> int:
    """Epochs of all trainings."""
    if quick:
        return len(QUICK_NETS) * QUICK["epochs"]
    return len(SEEDS) * sum(length for _, _, length in NETS.values())


def run(
    folder: pathlib.Path, quick: bool, progress: Progress
) -> tuple[dict[str, Figure], list[pathlib.Path]]:
    """Train every net with its seeds; accuracies and two pictures."""
    data = steps.mnist(quick)
    arrays, models, figures = None, {}, {}
    for net in QUICK_NETS if quick else NETS:
        name, arguments, length = NETS[net]
        options = QUICK if quick else {"epochs": length}
        accuracies = []
        for seed in SEEDS[:1] if quick else SEEDS:
            model = steps.train(
                folder / f"{net}_{seed}",
                name,
                data,
                progress,
                seed=seed,
                arguments=arguments,
                **options,
            )
            arrays = arrays or datasets.load(
                data, feeds.image_shape(model, data)
            )
            models.setdefault(net, model)
            accuracies.append(accuracy(model, arrays.x_test, arrays.y_test))
        for key, counted in COUNTED.items():
            values = tuple(one[key] for one in accuracies)
            figures[f"{net}, {counted}"] = Figure(values, len(arrays.x_test))
    paths = [folder / "two_digits.png", folder / "examples.png"]
    measured = {counted: counted for counted in COUNTED.values()}
    published = CLAIMS["two-digits"].published
    picture = bars_of_nets(
        figures, list(models), measured, "{:.0%}", 1.0, published
    )
    picture.savefig(paths[0], dpi=150)
    images, labels = side_by_side(arrays.x_test, arrays.y_test, 2)
    examples = plots.predictions(models["kmeans"], images[:12], labels[:12])
    examples.savefig(paths[1], bbox_inches="tight")
    return figures, paths


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


def _predicted(model, images):
    return model.predict(images, batch_size=128, verbose=0)


def _share_right(scores, labels, threshold=None):
    return round(float(LabelAccuracy(threshold)(labels, scores)), 4)
