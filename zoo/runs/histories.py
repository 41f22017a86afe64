"""The history of a run: its epochs, and the best of them."""

import csv
import math
import pathlib
from collections.abc import Sequence

CHOICE = "val_loss"


def rows_of(path: pathlib.Path) -> list[list[str]]:
    """The header and the lines of a `history.csv`; none where it is missing.

    Raises:
        ValueError: If it is none.
    """
    if not path.exists():
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if rows and rows[0][:1] != ["epoch"]:
        raise ValueError("its first column must be 'epoch'")
    return rows


def epoch_figures(rows: list[list[str]]) -> list[dict[str, float]]:
    """The figures of each epoch by their names; NaN where there is none."""
    if not rows:
        return []
    names, *lines = rows
    return [
        {
            name: _number(value)
            for name, value in zip(names[1:], line[1:], strict=False)
        }
        for line in lines
    ]


def held_out_name(keeps_best: bool) -> str:
    """What the examples are called that a loss is also measured on.

    Those of the test, or a tenth of the training data that chooses the epoch.
    """
    return "held out" if keeps_best else "test"


def best_epoch(losses: Sequence[float], first: int = 0) -> int:
    """The first epoch, from 0, with the lowest loss; NaN counts as highest.

    Epochs before `first` do not count, as a schedule changed what they were
    to lower; where only such epochs are, the last of them is the best.

    Raises:
        ValueError: If there is no epoch.

    Example:

    >>> best_epoch([3.0, 1.0, float("nan"), 1.0])
    1
    >>> best_epoch([3.0, 1.0, 4.0, 2.0], first=2)
    3
    """
    counted = range(min(first, len(losses) - 1), len(losses))
    return min(counted, key=lambda one: _ranked(losses[one]))


def _ranked(loss):
    return math.inf if math.isnan(loss) else loss


def _number(text):
    try:
        return float(text)
    except ValueError:
        return math.nan
