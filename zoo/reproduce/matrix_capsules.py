"""Hinton 2018: matrix capsules with EM routing on MNIST."""

import functools
import pathlib

from zoo import plots
from zoo.datasets import feeds
from zoo.reproduce import steps
from zoo.reproduce.expectations import Figure
from zoo.runs.progress import Progress

EPOCHS = 5
BATCH_SIZE = 32
LEARNING_RATE = 5e-3
SETTINGS = {"routings": 2, "batch_normalization": True}
SMALL = (32, 4, 8, 8)
SMALL_SEEDS = (1, 2, 3, 4, 5)
QUICK_EPOCHS = 3  # of the small net on the sample, on the whole one


def epochs(quick: bool) -> int:
    """Epochs of all trainings."""
    return QUICK_EPOCHS if quick else len(SMALL_SEEDS) + EPOCHS


def run(
    folder: pathlib.Path, quick: bool, progress: Progress
) -> tuple[dict[str, Figure], list[pathlib.Path]]:
    """Train a small net with five seeds, then one of full size.

    Both with two iterations and batch normalisation, which the paper's has not.
    Accuracies on the test images, and the assignments of one of them; the short
    form trains one small net alone.
    """
    data = steps.mnist(quick)
    train = functools.partial(_trained, data, progress)
    small = [
        train(
            folder / f"small_{seed}",
            seed,
            QUICK_EPOCHS if quick else 1,
            capsules=SMALL,
        )
        for seed in (SMALL_SEEDS[:1] if quick else SMALL_SEEDS)
    ]
    arrays = feeds.load(small[0], data)
    figures = {"small net": _accuracy(small, arrays)}
    model = small[0]
    if not quick:
        model = train(folder / "full", 1, EPOCHS)
        figures["full net"] = _accuracy([model], arrays)
    path = folder / "assignments.png"
    picture = plots.assignments(model, arrays.x_test[0])
    picture.savefig(path, bbox_inches="tight")
    return figures, [path]


def _trained(data, progress, folder, seed, epochs, **arguments):
    return steps.train(
        folder,
        "matrix_capsnet",
        data,
        progress,
        seed=seed,
        epochs=epochs,
        batch_size=BATCH_SIZE,
        shift=1,
        margin_epochs=2 * epochs,
        learning_rate=LEARNING_RATE,
        decay="cosine",
        arguments={**SETTINGS, **arguments},
    )


def _accuracy(models, arrays):
    """On the test images, of each model."""
    values = [
        model.evaluate(
            arrays.x_test, arrays.y_test, verbose=0, return_dict=True
        )["accuracy"]
        for model in models
    ]
    return Figure(tuple(values), len(arrays.x_test))
