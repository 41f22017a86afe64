"""The cells of a column as numbers or categories, and what is wrong in them."""

import enum
import re
import warnings
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

import numpy as np

from zoo.datasets.labels import shortened

# What stands where there is no number; "None" may well be a category.
MISSING = frozenset(
    ("", "na", "n/a", "nan", "null", "none", "<na>", "#n/a", "?", "-", "nat")
)
NO_CATEGORY = frozenset(("", "nan"))
TRUTHS = {"true": "1", "false": "0"}
SHOWN = 3
WHOLE = re.compile(r"-?\d+\.0+")


class Kind(enum.StrEnum):
    """What a column holds; a list is of the categories known."""

    NUMBER = "number"
    INTEGER = "integer"
    CATEGORY = "category"


class Column(NamedTuple):
    """A column as it was read.

    Attributes:
        kind: `"number"`, `"integer"`, or the list of its categories.
        texts: Its cells.
        numbers: Its numbers, or those of the categories, -1 of an unknown one.
        missing, wrong: Indices of rows without a value, and with one that is
            no number, infinite or an unknown category.
    """

    kind: Any
    texts: Sequence[str]
    numbers: np.ndarray
    missing: np.ndarray
    wrong: np.ndarray

    def encoded(self) -> np.ndarray:
        """float32, `(n, 1)`, or one-hot."""
        if isinstance(self.kind, list):
            classes = np.arange(len(self.kind))
            return (self.numbers[:, None] == classes).astype("float32")
        return self.numbers[:, None].astype("float32")


def column_of(
    texts: Sequence[str], kind: Any, decimal_comma: bool = False
) -> Column:
    """A column of this `Kind`, or of these categories.

    Args:
        texts: Its cells.
        kind: A `Kind`, or a list of categories.
        decimal_comma: Whether 1,5 is one and a half.
    """
    texts = [text.strip() for text in texts]
    is_number = kind in (Kind.NUMBER, Kind.INTEGER)
    nothing = MISSING if is_number else NO_CATEGORY
    empty = np.array([text.lower() in nothing for text in texts], bool)
    if not is_number:
        return _of_categories(texts, kind, empty)
    missing = np.flatnonzero(empty)
    numbers = [_number(text, decimal_comma) for text in texts]
    numbers = np.array(numbers, "float64")
    with np.errstate(over="ignore"):
        short = numbers.astype("float32")
    wrong = np.flatnonzero(~np.isfinite(short) & ~empty)
    known = numbers[np.isfinite(numbers)]
    is_whole = len(known) and np.all(known == np.floor(known))
    if kind == Kind.NUMBER and is_whole:
        kind = Kind.INTEGER
    return Column(str(kind), texts, numbers, missing, wrong)


def _of_categories(texts, kind, empty):
    names = kind
    if kind == Kind.CATEGORY:
        names = sorted({t for t, none in zip(texts, empty) if not none})
    places = {name: place for place, name in enumerate(names)}
    # pandas writes whole numbers beside missing ones as 1.0.
    numbers = np.array(
        [places.get(text, places.get(_whole(text), -1)) for text in texts], int
    )
    wrong = np.flatnonzero((numbers < 0) & ~empty)
    return Column(list(names), texts, numbers, np.flatnonzero(empty), wrong)


def _whole(text):
    """`"1"` of `"1.0"`."""
    return text.partition(".")[0] if WHOLE.fullmatch(text) else text


def _number(text: str, decimal_comma: bool) -> float:
    text = TRUTHS.get(text.lower(), text)
    if decimal_comma:
        text = text.replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return np.nan


def check_cells(
    cells: Mapping[str, Column],
    lines: Sequence[int],
    path: Path,
    skip_broken: bool,
) -> np.ndarray:
    """Which rows are to be left out, with a warning that says so.

    Raises:
        ValueError: If a column holds text or infinite numbers, or rows lack a
            value or have an unknown category and are not to be left out.
    """
    _check_numbers(cells, lines, path)
    _warn_of_rounding(cells, path)
    places = [
        (lines[row], name, row, _said(column, row))
        for name, column in cells.items()
        for row in (*column.missing, *_unknown(column))
    ]
    broken = np.zeros(len(lines), bool)
    broken[[row for _, _, row, _ in places]] = True
    if not places:
        return broken
    said = [
        f"line {line} ({name}{more})" for line, name, _, more in sorted(places)
    ]
    what = (
        f"{broken.sum()} of {len(lines)} rows of {path} lack a value or have "
        f"one that is not known: {shortened(said, SHOWN)}"
    )
    if not skip_broken:
        raise ValueError(
            f"Every row must have a value in each column. Received: {what}. "
            "Mend them, or leave such rows out: --skip-broken "
            "(`skip_broken=True`)"
        )
    warnings.warn(f"{what}; they are left out", stacklevel=1)
    return broken


def _warn_of_rounding(cells, path):
    """Dates and ids of many digits are a few numbers in float32."""
    rounded = []
    for name, column in cells.items():
        if not isinstance(column.kind, list):
            exact = np.unique(column.numbers[np.isfinite(column.numbers)])
            if 2 * len(np.unique(exact.astype("float32"))) < len(exact):
                rounded.append(name)
    if rounded:
        warnings.warn(
            f"{path} has more digits than float32 keeps in "
            f"{shortened(rounded, SHOWN)}: subtract the smallest value, or "
            f"leave it out, --ignore-columns {','.join(rounded)}",
            stacklevel=1,
        )


def _unknown(column):
    return column.wrong if isinstance(column.kind, list) else ()


def _said(column, row):
    """What stands there and in which place of others, if it is unknown."""
    text = column.texts[row]
    if row not in _unknown(column):
        return ""
    return f": {text!r}, not {shortened(column.kind, SHOWN)}"


def _check_numbers(cells, lines, path):
    texts, infinite = [], []
    for name, column in cells.items():
        if isinstance(column.kind, list) or not len(column.wrong):
            continue
        row = column.wrong[0]
        is_number = not np.isnan(column.numbers[row])
        told = f"{name!r} (line {lines[row]}: {column.texts[row][:40]!r})"
        (infinite if is_number else texts).append((name, told))
    if infinite:
        raise ValueError(
            "Numbers must be finite, in float32. "
            f"Received: {path} with infinite values in "
            f"{shortened([told for _, told in infinite], SHOWN)}"
        )
    if texts:
        names = ",".join(name for name, _ in texts)
        raise ValueError(
            f"The columns of a table must hold numbers. Received: {path} with "
            f"text in {shortened([told for _, told in texts], SHOWN)}. Take "
            f"such columns as categories, --category-columns {names} "
            "(`category_columns`), leave them out, --ignore-columns, or say "
            "which one is the label, --label-column"
        )
