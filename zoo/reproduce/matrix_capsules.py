"""Hinton 2018: matrix capsules with EM routing on MNIST."""

import json
import pathlib

import click
import numpy as np

from zoo import feeds
from zoo import plots
from zoo.reproduce import steps

EPOCHS = 10
SMALL = (32, 4, 8, 8)
SMALL_SEEDS = (1, 2, 3, 4, 5)
CLAIMED = {"Hinton 2018": 0.9956, "best open version, 30 epochs": 0.991}


def run(out, quick=False):
    """Train the net of the paper, and a small one briefly with five seeds.

    Writes accuracies on the test images and the assignments of one of them.
    """
    folder = pathlib.Path(out) / ("quick" if quick else "")
    data = steps.mnist_or_digits()
    figures = {"data": data, "claimed": CLAIMED, "small": {}}
    for seed in SMALL_SEEDS[:1] if quick else SMALL_SEEDS:
        click.echo(f"small, seed {seed}")
        model, small = _trained(
            folder / f"small_{seed}",
            data,
            seed=seed,
            epochs=1,
            arguments={"capsules": SMALL},
        )
        figures["small"][seed] = small
        _write(folder, figures)
    if not quick:
        click.echo(f"the paper's sizes, {EPOCHS} epochs")
        model, figures["full"] = _trained(
            folder / "full", data, seed=1, epochs=EPOCHS, margin_epochs=EPOCHS
        )
        _write(folder, figures)
    images = feeds.load(model, data).x_test
    path = folder / "assignments.png"
    plots.assignments(model, images[0]).savefig(path, bbox_inches="tight")
    return [folder / "figures.json", path]


def _trained(folder, data, **options):
    """The model, and the accuracy on the test images."""
    model = steps.train(folder, "matrix_capsnet", data, **options)
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
