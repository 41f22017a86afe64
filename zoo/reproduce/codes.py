"""kexue.fm 6760 and 9826: codes with a codebook and without, trick by trick."""

import math
import pathlib
from typing import Any

import keras
import numpy as np

from zoo import evaluation
from zoo.datasets import feeds
from zoo.plots.images import grid_picture
from zoo.plots.images import name_rows
from zoo.reproduce import steps
from zoo.reproduce.expectations import Figure
from zoo.runs.progress import Progress

EPOCHS, QUICK_EPOCHS = 10, 3
FILTERS, QUICK_FILTERS = 64, 32
SHOWN = 12  # images in a row of the picture
SEEDS = {"mnist": (1, 2, 3), "fashion_mnist": (1,)}

NUM_CODES, TOKENS = 64, 7 * 7  # of every form

# With a prior, on all data and seeds:
WITH_PRIOR: dict[str, tuple[str, dict[str, Any]]] = {
    "vq": ("vq_vae", {}),
    "fsq": ("fsq_vae", {}),
}
# Without one, on MNIST, one seed:
TRICKS: dict[str, tuple[str, dict[str, Any]]] = {
    "vq without averages": ("vq_vae", {"codebook": "loss"}),
    "vq without k-means": ("vq_vae", {"k_means_start": False}),
    "vq without resets": ("vq_vae", {"reset_below": 0.0}),
    "vq without any": (
        "vq_vae",
        {"codebook": "loss", "k_means_start": False, "reset_below": 0.0},
    ),
    "vq with rotation": ("vq_vae", {"gradient": "rotation"}),
    "simvq": ("vq_vae", {"codebook": "simvq"}),
    "diveq": ("vq_vae", {"gradient": "diveq"}),
}
QUICK_TRICKS = ("vq without any", "simvq")


def epochs(quick: bool) -> int:
    """Epochs of all trainings, those of priors among them."""
    return sum(
        (1 + with_prior) * len(seeds) * _epochs(quick)
        for _, _, seeds, with_prior in _runs(quick)
    )


def run(
    folder: pathlib.Path, quick: bool, progress: Progress
) -> tuple[dict[str, Figure], list[pathlib.Path]]:
    """Train every form; judge codes, errors and bounds on test images."""
    sources = {"mnist": steps.mnist(quick), "fashion_mnist": "fashion_mnist"}
    figures, shown = {}, {}
    for form, data, seeds, with_prior in _runs(quick):
        found = []
        for seed in seeds:
            place = folder / f"{data}_{form.replace(' ', '_')}_{seed}"
            source = sources[data]
            model = _trained(
                place, form, source, seed, quick, with_prior, progress
            )
            x = feeds.load(model, source).x_test
            found.append(_judged(model, x))
            if with_prior and data == "mnist" and seed == seeds[0]:
                shown |= _rows(form, model, x)
        for name in found[0]:
            values = tuple(one[name] for one in found)
            figures[f"{form}, {data}, {name}"] = Figure(values)
    figures["uniform codes, nats"] = Figure((TOKENS * math.log(NUM_CODES),))
    path = folder / "codes.png"
    _drawn(shown).savefig(path, bbox_inches="tight")
    return figures, [path]


def _runs(quick):
    """Form, data, seeds and whether a prior is fitted, of each training."""
    data_sets = {"mnist": (1,)} if quick else SEEDS
    for data, seeds in data_sets.items():
        for form in WITH_PRIOR:
            yield form, data, seeds, True
    for form in QUICK_TRICKS if quick else TRICKS:
        yield form, "mnist", (1,), False


def _epochs(quick):
    return QUICK_EPOCHS if quick else EPOCHS


def _trained(folder, form, data, seed, quick, with_prior, progress):
    name, arguments = (WITH_PRIOR | TRICKS)[form]
    filters = QUICK_FILTERS if quick else FILTERS
    return steps.train(
        folder,
        name,
        data,
        progress,
        seed=seed,
        epochs=_epochs(quick),
        prior_epochs=_epochs(quick) if with_prior else 0,
        arguments={"filters": filters, **arguments},
    )


def _judged(model: keras.Model, x: np.ndarray) -> dict[str, float]:
    """Figures of the test images, by name."""
    figures = evaluation.evaluate(model, x, verbose=0)
    judged = {
        "squared error in thousandths": 1000 * figures["squared_error"],
        "perplexity": figures["perplexity"],
        "dead codes": float(figures["dead_codes"]),
        "nats of the codes": figures["kl_loss"],
        "bound in nats": figures["negative_elbo"],
    }
    return judged


def _rows(form, model, x):
    """Rows of a picture: images, what becomes of them, and new ones."""
    return {
        "images": x[:SHOWN],
        f"{form} of them": model.reconstruct(x[:SHOWN]),
        f"{form}, new": model.generate(SHOWN, seed=0),
    }


def _drawn(rows):
    images = np.concatenate(list(rows.values()))
    figure, axes = grid_picture(images, columns=SHOWN)
    name_rows(axes, list(rows))
    return figure
