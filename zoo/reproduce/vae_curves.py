"""kexue.fm 5253: the nets of the post, trained as in the post on MNIST."""

import csv
import json
import os
import pathlib
import statistics

import click
from matplotlib.figure import Figure

from zoo import runs
from zoo.reproduce import steps

SEEDS = {"dense_vae": (1, 2, 3), "conv_vae": (1, 2, 3), "conditional_vae": (1,)}
QUICK_EPOCHS = 2

# The original snippets under the Keras 2 API on the same data: epochs, and
# final training and test loss of each seed, in nats an image.
ORIGINALS = {
    "dense_vae": {
        "epochs": 50,
        "training": [149.58, 149.24, 149.45],
        "test": [151.72, 151.13, 151.94],
    },
    "conv_vae": {"epochs": 30, "training": [145.43], "test": [146.78]},
    "conditional_vae": {"epochs": 50, "training": [147.94], "test": [149.98]},
}


def run(out: str | os.PathLike, quick: bool = False) -> list[pathlib.Path]:
    """Train every net with its seeds; write figures and the loss curves."""
    folder = pathlib.Path(out)
    curves = {}
    for name, original in ORIGINALS.items():
        epochs = QUICK_EPOCHS if quick else original["epochs"]
        for seed in SEEDS[name][:1] if quick else SEEDS[name]:
            click.echo(f"{name}, seed {seed}, {epochs} epochs")
            curve = _train(folder / f"{name}_{seed}", name, seed, epochs)
            curves.setdefault(name, []).append(curve)
    figures = {name: _summary(name, curves[name]) for name in curves}
    paths = [folder / "figures.json", folder / "vae_curves.png"]
    paths[0].write_text(json.dumps(figures, indent=2) + "\n")
    _draw(curves).savefig(paths[1], dpi=150)
    return paths


def _train(folder, name, seed, epochs):
    """Training and test loss of each epoch."""
    steps.train(folder, name, "mnist", epochs=epochs, seed=seed)
    with open(folder / runs.HISTORY, newline="") as file:
        rows = list(csv.DictReader(file))[:epochs]
    return {
        "training": [float(row["loss"]) for row in rows],
        "test": [float(row["val_loss"]) for row in rows],
    }


def _summary(name, curves):
    return {
        "epochs": len(curves[0]["test"]),
        **{
            split: {
                "ours": [round(curve[split][-1], 2) for curve in curves],
                "original": ORIGINALS[name][split],
            }
            for split in ("training", "test")
        },
    }


def _draw(curves):
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels = figure.subplots(1, len(curves))
    for axes, (name, seeds) in zip(panels, curves.items()):
        for split, style in (("training", "-"), ("test", "--")):
            for number, curve in enumerate(seeds):
                axes.plot(
                    range(1, len(curve[split]) + 1),
                    curve[split],
                    style,
                    color=f"C{number}",
                    linewidth=1,
                    label=f"{split}, seed {SEEDS[name][number]}",
                )
            end = statistics.mean(ORIGINALS[name][split])
            axes.axhline(end, color="0.6", linestyle=style, linewidth=0.8)
        last = seeds[0]["test"][-1]
        axes.set_ylim(last - 8, last + 27)
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("loss (nats per image)")
    panels[0].legend(frameon=False, fontsize=8)
    panels[-1].annotate(
        "grey: where the original ends",
        (0.98, 0.95),
        xycoords="axes fraction",
        ha="right",
        color="0.4",
        fontsize=8,
    )
    return figure
