"""What came out of a run: its figures, its files and what to do next."""

import math
import os
import pathlib
import shlex
from collections.abc import Sequence
from typing import Any

from zoo.columns import aligned
from zoo.counting import counted
from zoo.runs.folder import FIRST
from zoo.runs.folder import SECONDS
from zoo.runs.folder import RunFolder
from zoo.runs.histories import CHOICE
from zoo.runs.histories import best_epoch
from zoo.runs.histories import held_out_name
from zoo.runs.progress import as_time

HELD_OUT = "val_"  # as Keras calls it
DIVERGENCES = ("val_kl_loss", "kl_loss")


def summary_of(
    folder: RunFolder, files: Sequence[pathlib.Path]
) -> dict[str, Any]:
    """The figures of a finished run, as `summary.json` holds them.

    Args:
        folder: The run.
        files: What it holds for its user.

    Returns:
        Dict of `model`, `data`, `epochs`, `last` and `best` (each an `epoch`,
        from 1, and its figures, those of held-out data where there are some;
        the best has the lowest held-out loss), `epochs_of_another_loss` (the
        first ones, which a schedule kept from being the best), `figures_of`
        (what these data are called: `"test"`, or `"held out"` where they
        choose the epoch),
        `kept` (the epoch whose weights
        `model.keras` holds), `seconds_trained` (of all epochs, also those
        before a run went on; `None` where that is not known), `files` and
        `next`, a command.
    """
    settings, figures = folder.settings(), folder.figures()
    first = folder.first_comparable()
    last, best = len(figures) - 1, best_epoch(_losses(figures), first)
    return {
        "model": settings.model,
        "data": settings.data,
        "epochs": len(figures),
        "figures_of": held_out_name(settings.keeps_best),
        "last": _figures(figures, last),
        "best": _figures(figures, best),
        "kept": 1 + (best if settings.keeps_best else last),
        FIRST: first,
        SECONDS: folder.seconds(),
        "files": [os.fspath(path.relative_to(folder.path)) for path in files],
        "next": _next(folder, figures[last]),
    }


def told(summary: dict[str, Any], folder: pathlib.Path, seconds: float) -> str:
    """A summary as people read it.

    Args:
        summary: That of `summary_of`.
        folder: The run folder.
        seconds: How long it took.
    """
    last, best = summary["last"], summary["best"]
    names = [name for name in {**last, **best} if name != "epoch"]
    is_held_out = all(name.startswith(HELD_OUT) for name in names)
    head = summary["figures_of"] if is_held_out else "training"
    rows = {"last": last} if last == best else {"last": last, "best": best}
    names = _without_copies(names, rows.values())
    table = [[head, *(name.removeprefix(HELD_OUT) for name in names)]]
    for name, figures in rows.items():
        row = [f"{name} epoch, {figures['epoch']}"]
        table.append([*row, *(_short(figures.get(one)) for one in names)])
    epochs = counted(summary["epochs"], "epoch")
    return "\n".join(
        [
            f"{epochs}, {as_time(seconds)} in all.",
            aligned(table),
            *_of_latents(last),
            f"In {folder}: {', '.join(_grouped(summary['files']))}; the model "
            f"is that of epoch {summary['kept']}.",
            f"Next: {summary['next']}",
        ]
    )


def _next(folder, figures):
    """What can be done with a run; nothing is evaluated without a test."""
    command = "evaluate" if CHOICE in figures else "sample"
    return f"python -m zoo {command} {shlex.quote(str(folder.path))}"


def _losses(figures):
    """Held-out losses, or those of the training where there are none."""
    for name in (CHOICE, "loss"):
        losses = [one.get(name, math.nan) for one in figures]
        if not all(map(math.isnan, losses)):
            break
    return losses


def _figures(figures, epoch):
    """Of held-out data where there are some; what is no number is left out."""
    known = {k: v for k, v in figures[epoch].items() if math.isfinite(v)}
    held_out = {k: v for k, v in known.items() if k.startswith(HELD_OUT)}
    return {"epoch": epoch + 1, **(held_out or known)}


def _without_copies(names, rows):
    """Without what equals the loss, as the negative ELBO of most VAEs does."""
    losses = [name for name in names if name in (CHOICE, "loss")]

    def shown(name):
        return [_short(row.get(name)) for row in rows]

    return [
        name
        for name in names
        if name in losses or not losses or shown(name) != shown(losses[0])
    ]


def _of_latents(figures):
    """A line where the latents of a VAE say less than a bit of an example."""
    known = [figures[name] for name in DIVERGENCES if name in figures]
    if known and known[0] < math.log(2):
        yield (
            f"The latents carry next to nothing yet ({known[0]:.2g} nats, less "
            "than a bit): what is drawn looks alike before more epochs."
        )


def _short(value):
    return "" if value is None else f"{value:.4g}"


def _grouped(files):
    """The names, those of a folder together."""
    paths = [pathlib.PurePath(name) for name in files]
    for path in paths:
        if path.parent == pathlib.PurePath():
            yield path.name
    for parent in dict.fromkeys(path.parent for path in paths):
        if parent != pathlib.PurePath():
            names = [path.name for path in paths if path.parent == parent]
            yield f"{parent}/ ({', '.join(names)})"
