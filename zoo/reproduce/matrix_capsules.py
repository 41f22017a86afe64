"""Hinton 2018: matrix capsules with EM routing on MNIST."""

import json
import os
import pathlib

import click
import numpy as np

from zoo import plots
from zoo.datasets import feeds
from zoo.reproduce import steps

EPOCHS = 5
BATCH_SIZE = 32
LEARNING_RATE = 5e-3
SETTINGS = {"routings": 2, "batch_normalization": True}
SMALL = (32, 4, 8, 8)
SMALL_SEEDS = (1, 2, 3, 4, 5)
CLAIMED = {"Hinton 2018": 0.9956, "best open version, 30 epochs": 0.991}


def run(out: str | os.PathLike, quick: bool = False) -> list[pathlib.Path]:
    """Train a small net for an epoch with five seeds, then one of full size.

    Both with two iterations and batch normalisation, which the paper's has not.
    Writes accuracies on the test images and the assignments of one of them;
    `quick` trains one small net alone.
    """
    folder = pathlib.Path(out) / ("quick" if quick else "")
    data = steps.mnist_or_digits()
    figures = {"data": data, "claimed": CLAIMED, "small": {}}
    for seed in SMALL_SEEDS[:1] if quick else SMALL_SEEDS:
        click.echo(f"small, seed {seed}")
        model, small = _trained(
            folder / f"small_{seed}", data, seed, 1, capsules=SMALL
        )
        figures["small"][seed] = small
        _write(folder, figures)
    if not quick:
        click.echo(f"(64, 8, 16, 16), {EPOCHS} epochs")
        model, figures["full"] = _trained(folder / "full", data, 1, EPOCHS)
        _write(folder, figures)
    images = feeds.load(model, data).x_test
    path = folder / "assignments.png"
    plots.assignments(model, images[0]).savefig(path, bbox_inches="tight")
    return [folder / "figures.json", path]


def _trained(folder, data, seed, epochs, **arguments):
    """The model, and the accuracy on the test images."""
    model = steps.train(
        folder,
        "matrix_capsnet",
        data,
        seed=seed,
        epochs=epochs,
        batch_size=BATCH_SIZE,
        shift=1,
        margin_epochs=2 * epochs,
        learning_rate=LEARNING_RATE,
        decay="cosine",
        arguments={**SETTINGS, **arguments},
    )
    arrays = feeds.load(model, data)
    figures = model.evaluate(
        arrays.x_test, arrays.y_test, verbose=0, return_dict=True
    )
    finite = all(np.isfinite(one).all() for one in model.get_weights())
    return model, {
        "accuracy": round(figures["accuracy"], 4),
        "finite_weights": bool(finite),
    }


def _write(folder, figures):
    path = folder / "figures.json"
    path.write_text(json.dumps(figures, indent=2) + "\n")
