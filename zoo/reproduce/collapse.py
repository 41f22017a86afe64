"""kexue.fm 7381: what keeps the latents of a VAE of texts in use.

One net, trained equally long, once as it is and once with each cure.
"""

import os
import pathlib
from typing import Any

from matplotlib.figure import Figure as MatplotlibFigure

from zoo import evaluation
from zoo.datasets import feeds
from zoo.reproduce import steps
from zoo.reproduce.expectations import Figure
from zoo.runs.progress import Progress

EPOCHS, QUICK_EPOCHS = 10, 20  # the embedded couplets are 9 steps
SEEDS = (1, 2, 3)
LATENTS = 64
GAMMA = 0.5
# Free bits to the amount that normalised means guarantee, 8 nats in all.
FREE_BITS = GAMMA**2 / 2
MEASURED = {
    "active_units": "active latents",
    "kl_loss": "KL",
    "negative_elbo": "negative ELBO",
}


def cures(quick: bool) -> dict[str, dict[str, Any]]:
    """Name → options of a run, of the net as it is and of each cure."""
    half = (QUICK_EPOCHS if quick else EPOCHS) // 2
    return {
        "no cure": {},
        "KL warm-up": {"kl_warm_up": half},
        "free bits": {"arguments": {"free_bits": FREE_BITS}},
        "normalised mean": {"arguments": {"normalised_mean": GAMMA}},
    }


def epochs(quick: bool) -> int:
    """Epochs of all trainings."""
    seeds, length = (1, QUICK_EPOCHS) if quick else (len(SEEDS), EPOCHS)
    return len(cures(quick)) * seeds * length


def run(
    folder: pathlib.Path,
    quick: bool,
    progress: Progress,
    data: str | os.PathLike = "tang",
) -> tuple[dict[str, Figure], list[pathlib.Path]]:
    """Train with each cure; latents in use, KL and ELBO of held-out texts."""
    figures = {}
    for name, options in cures(quick).items():
        found = [
            _measured(folder, name, seed, options, quick, progress, data)
            for seed in (SEEDS[:1] if quick else SEEDS)
        ]
        for key, measured in MEASURED.items():
            values = tuple(float(one[key]) for one in found)
            figures[f"{name}, {measured}"] = Figure(values)
    path = folder / "collapse.png"
    _drawn(figures, list(cures(quick))).savefig(path, dpi=150)
    return figures, [path]


def _measured(folder, name, seed, options, quick, progress, data):
    arguments = {"latent_dim": LATENTS, **options.get("arguments", {})}
    model = steps.train(
        folder / f"{name.replace(' ', '_')}_{seed}",
        "poem_vae",
        data,
        progress,
        seed=seed,
        epochs=QUICK_EPOCHS if quick else EPOCHS,
        **{**options, "arguments": arguments},
    )
    held_out = feeds.load(model, data).x_test
    return evaluation.evaluate(model, held_out, verbose=0)


def _drawn(figures, names):
    figure = MatplotlibFigure(figsize=(8, 2.4), layout="constrained")
    panels = figure.subplots(1, len(MEASURED), sharey=True)
    for axes, measured in zip(panels, MEASURED.values()):
        means = [figures[f"{name}, {measured}"].mean for name in names]
        bars = axes.barh(names, means, color="C0")
        axes.bar_label(bars, [f"{value:.1f}" for value in means], padding=3)
        axes.margins(x=0.25)
        axes.set_title(measured)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()
    return figure
