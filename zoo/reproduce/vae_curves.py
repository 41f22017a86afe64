"""kexue.fm 5253: the nets of the post, trained as in the post on MNIST."""

import csv
import pathlib

from matplotlib.figure import Figure as MatplotlibFigure

from zoo import runs
from zoo.reproduce import steps
from zoo.reproduce.claims import CLAIMS
from zoo.reproduce.expectations import Figure
from zoo.runs.progress import Progress

EPOCHS = {"dense_vae": 50, "conv_vae": 30, "conditional_vae": 50}
SEEDS = {"dense_vae": (1, 2, 3), "conv_vae": (1, 2, 3), "conditional_vae": (1,)}
START = 600  # steps: an epoch of MNIST, ten of its sample
QUICK_EPOCHS = 10
SPLITS = {"training": "loss", "test": "val_loss"}


def epochs(quick: bool) -> int:
    """Epochs of all trainings."""
    return sum(epochs for _, _, epochs in _trainings(quick))


def run(
    folder: pathlib.Path, quick: bool, progress: Progress
) -> tuple[dict[str, Figure], list[pathlib.Path]]:
    """Train every net with its seeds; losses and their curves.

    The short form ends where the first epoch of the originals ended.
    """
    data = steps.mnist(quick)
    first = QUICK_EPOCHS if data == steps.SAMPLE else 1
    curves: dict[str, list] = {}
    for name, seed, length in _trainings(quick):
        place = folder / f"{name}_{seed}"
        steps.train(place, name, data, progress, epochs=length, seed=seed)
        curves.setdefault(name, []).append(_curve(place / runs.HISTORY, length))
    figures = {
        f"{name}, test after {START} steps": Figure(
            tuple(curve["test"][first - 1] for curve in seeds)
        )
        for name, seeds in curves.items()
    }
    if not quick:
        figures |= {
            f"{name}, {split}": Figure(
                tuple(curve[split][-1] for curve in seeds)
            )
            for name, seeds in curves.items()
            for split in SPLITS
        }
    path = folder / "vae_curves.png"
    _draw(curves).savefig(path, dpi=150)
    return figures, [path]


def _trainings(quick):
    """Net, seed and epochs of each."""
    for name, length in EPOCHS.items():
        for seed in SEEDS[name][:1] if quick else SEEDS[name]:
            yield name, seed, QUICK_EPOCHS if quick else length


def _curve(history, length):
    """Training and test loss of each epoch."""
    with open(history, newline="") as file:
        rows = list(csv.DictReader(file))[:length]
    return {
        split: [float(row[column]) for row in rows]
        for split, column in SPLITS.items()
    }


def _draw(curves):
    published = CLAIMS["vae-curves"].published
    figure = MatplotlibFigure(figsize=(8, 3.4), layout="constrained")
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
            end = published[f"{name}, {split}"]
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
