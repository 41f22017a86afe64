"""Runs side by side: what they were told, and what came of it."""

import dataclasses
import json
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.counting import trained_parameters
from zoo.export import load_model
from zoo.plots.curves import epochs_and_columns
from zoo.runs.folder import RunFolder
from zoo.runs.progress import as_time

FALLING = ("loss", "elbo")  # ends of the names of figures that should fall
NONE = "–"
LONGEST = 24  # characters of a setting that are shown


def comparison(paths: Sequence[str | os.PathLike]) -> list[list[str]]:
    """A table of some runs, a column each.

    Args:
        paths: Their folders.

    Returns:
        Rows, the first of the names of the runs: the settings in which they
        differ, `epochs done`, the `parameters` of each net, the `duration`
        of all epochs, and the last and the best value of each figure, of
        held-out data where there are some, the best with its epoch.

    Raises:
        ValueError: If a folder holds no run of at least an epoch, or a damaged
            one.
    """
    runs = [_opened(path) for path in paths]
    settings = [_flat(run.settings()) for run in runs]
    histories = [epochs_and_columns(run.history) for run in runs]
    rows = [["", *(run.path.name for run in runs)]]
    for name in dict.fromkeys(name for one in settings for name in one):
        values = [_said(one.get(name)) for one in settings]
        if len(set(values)) > 1:
            said = "epochs asked" if name == "epochs" else name
            rows.append([said, *map(_shortened, values)])
    rows.append(["epochs done", *(str(len(epochs)) for epochs, _ in histories)])
    rows.append(["parameters", *map(_parameters, runs)])
    rows.append(["duration", *map(_duration, runs)])
    figures = [_held_out(columns) for _, columns in histories]
    for name in dict.fromkeys(name for one in figures for name in one):
        values = [one.get(name, np.array([])) for one in figures]
        rows.append([f"{name}, last", *map(_last, values)])
        rows.append([f"{name}, best", *(_best(name, one) for one in values)])
    return rows


def _opened(path):
    run = RunFolder(path)
    for file in (run.config, run.history, run.model):
        if not file.is_file():
            raise ValueError(
                f"A run of at least an epoch must lie in {run.path}. Received: "
                f"a folder without {file.name}"
            )
    return run


def _flat(settings: Any) -> dict[str, Any]:
    """The settings and, each by itself, the arguments of the builder."""
    values = dataclasses.asdict(settings)
    return values | values.pop("arguments")


def _said(value):
    if value is None:
        return NONE
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _shortened(text):
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _parameters(run):
    return f"{trained_parameters(load_model(run.model)):,}"


def _duration(run):
    seconds = run.seconds()
    return NONE if seconds is None else as_time(seconds)


def _held_out(columns):
    """Held-out figures by their own names; others where there are none."""
    names = {name.removeprefix("val_"): name for name in columns}
    return {
        own: columns[f"val_{own}" if f"val_{own}" in columns else own]
        for own in names
    }


def _last(values):
    return _number(values[-1]) if len(values) else NONE


def _best(name, values):
    if not np.isfinite(values).any():
        return NONE
    pick = np.nanargmin if name.endswith(FALLING) else np.nanargmax
    place = int(pick(np.where(np.isinf(values), math.nan, values)))
    return f"{_number(values[place])} ({place + 1})"


def _number(value):
    return f"{value:.5g}" if math.isfinite(value) else NONE
