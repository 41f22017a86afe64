"""The rows of a table of numbers and categories, for a model of tables."""

import os
import pathlib
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zoo.datasets import delimited
from zoo.datasets.cells import Kind
from zoo.datasets.cells import check_cells
from zoo.datasets.cells import column_of
from zoo.datasets.labels import shortened
from zoo.nearest import did_you_mean

LABELS, LEFT_OUT = "label", "left out"
INDEX = ("", "Unnamed: 0")  # what pandas calls the numbers of rows

Columns = dict[str, str | list[str]]


class Rows(NamedTuple):
    """Rows as a model of tables takes them.

    Attributes:
        x: `(n, columns)`, float32, numbers first, then one-hot categories.
        labels: The column of labels as it stands, `None` without one.
        columns: Name → `"number"`, `"integer"`, the categories, `"label"` or
            `"left out"`, in the order of the file.
        numbers: That of each row in the file, from 0, the line of names and
            empty lines not counted, rows that are left out counted.
    """

    x: np.ndarray
    labels: list[str] | None
    columns: Columns
    numbers: list[int]

    @property
    def label_column(self) -> str | None:
        """Name of the column of labels."""
        names = [name for name, kind in self.columns.items() if kind == LABELS]
        return names[0] if names else None


def read_rows(
    source: str | os.PathLike,
    *,
    columns: Columns | None = None,
    label_column: str | None = None,
    category_columns: str | Sequence[str] = (),
    ignore_columns: str | Sequence[str] = (),
    labelled: bool = True,
    skip_broken: bool = False,
    encoding: str | None = None,
) -> Rows:
    """The rows of a table of numbers.

    Args:
        source: Path of a `.csv` or `.tsv`, whose first line names the columns.
        columns: What the columns were in a run, as `Rows.columns`: they may
            stand in another order, the label may lack. Defaults to `None`: all
            columns are numbers but for those named below.
        label_column: Name of the column of labels, if there is one.
        category_columns: Names of columns to take as categories, in a list or
            with commas between them.
        ignore_columns: Likewise, of columns to leave out.
        labelled: Whether to read the labels. Defaults to `True`.
        skip_broken: Whether to leave out rows that lack a value or hold a
            category that a run did not know, with a warning. Defaults to
            `False`: they are an error.
        encoding: That of the file. Defaults to `None`: detected.

    Raises:
        ValueError: If columns are missing, or hold text, nothing or infinite
            numbers; names the column and the line.
        FileNotFoundError: If there is no such path.
    """
    path = pathlib.Path(source)
    if not path.is_file():
        raise FileNotFoundError(
            "`source` must be the path of a table, .csv or .tsv. "
            f"Received: {str(source)!r}, which does not exist"
        )
    table = _read(path, encoding)
    asked = {
        "label_column": [label_column] if label_column else [],
        "category_columns": _names(category_columns),
        "ignore_columns": _names(ignore_columns),
    }
    if columns is None:
        kinds = _kinds(table.names, asked, path)
    else:
        kinds = _known(table.names, columns, asked, path)
    unread = {LEFT_OUT} if labelled else {LEFT_OUT, LABELS}
    cells = {
        name: column_of(
            table.fields(name),
            Kind.CATEGORY if kind == LABELS else kind,
            decimal_comma=table.delimiter != ",",
        )
        for name, kind in kinds.items()
        if name in table.names
        and (isinstance(kind, list) or kind not in unread)
    }
    lines = [row.line for row in table.rows]
    kept = ~check_cells(cells, lines, path, skip_broken)
    if not kept.any():
        raise ValueError(
            f"A table must have rows of numbers. Received: {path} without any"
        )
    labels, parts = None, {}
    for name, column in cells.items():
        if kinds[name] == LABELS:
            labels = [t for t, is_kept in zip(column.texts, kept) if is_kept]
        else:
            parts[name] = column.encoded()[kept]
            kinds[name] = column.kind
    if not parts:
        raise ValueError(
            f"A table must have columns to learn. Received: {path} without any"
        )
    # Numbers first, then the groups of categories.
    order = sorted(parts, key=lambda name: isinstance(kinds[name], list))
    x = np.concatenate([parts[name] for name in order], axis=1)
    numbers = [row.number for row, is_kept in zip(table.rows, kept) if is_kept]
    return Rows(x, labels, kinds, numbers)


class _File(NamedTuple):
    names: list[str]
    rows: list[delimited.Row]
    delimiter: str

    def fields(self, name):
        at = self.names.index(name)
        return [row.fields[at] for row in self.rows]


def _read(path, encoding):
    """A table with names that tell its columns apart."""
    text = delimited.text_of(path, encoding)
    names, rows, delimiter = delimited.read_delimited(text, path)
    rows = list(rows)
    numbered = [str(at) for at in range(len(names))]
    names, rows = _without_empty_columns(names, rows, path)
    numbered = numbered[: len(names)]
    if _is_row_of_data(names) and names != numbered:
        warnings.warn(
            f"{path} has no line of names: its columns are called 0 to "
            f"{len(names) - 1}",
            stacklevel=3,
        )
        rows = [row._replace(number=row.number + 1) for row in rows]
        rows.insert(0, delimited.Row(1, 0, names))
        names = numbered
    delimited.check_names(names, path)
    return _File(names, rows, delimiter)


def _names(given):
    if isinstance(given, str):
        return [name.strip() for name in given.split(",")]
    return list(given)


def _without_empty_columns(names, rows, path):
    """Without columns that have neither a name nor a value.

    Instruments end their lines with a delimiter.
    """
    kept = [
        at
        for at, name in enumerate(names)
        if name or any(row.fields[at].strip() for row in rows)
    ]
    if len(kept) == len(names):
        return names, rows
    warnings.warn(
        f"{path} has {len(names) - len(kept)} columns without a name and a "
        "value: they are left out",
        stacklevel=4,
    )
    rows = [
        row._replace(fields=[row.fields[at] for at in kept]) for row in rows
    ]
    return [names[at] for at in kept], rows


def _is_row_of_data(names):
    """Whether a first line names nothing: numbers, or half of them decimals."""
    numbers = [name for name in names if _is_number(name)]
    decimals = [name for name in numbers if not name.isdigit()]
    return len(numbers) == len(names) or 2 * len(decimals) >= len(names)


def _is_number(name):
    try:
        return bool(np.isfinite(float(name)))
    except ValueError:
        return False


def _kinds(names, asked, path):
    """Name → what is asked for; numbers else. pandas' index is left out."""
    for option, wanted in asked.items():
        for name in wanted:
            if name not in names:
                raise ValueError(
                    f"`{option}` must name columns of {path}, "
                    f"{shortened(names)}. {did_you_mean(name, names)}"
                    f"Received: {name!r}"
                )
    kinds: Columns = {name: Kind.NUMBER for name in names}
    if names[0] in INDEX and names[0] not in asked["category_columns"]:
        kinds[names[0]] = LEFT_OUT
        warnings.warn(
            f"The first column of {path}, {names[0]!r}, numbers the rows: it "
            "is left out",
            stacklevel=3,
        )
    kinds |= dict.fromkeys(asked["category_columns"], Kind.CATEGORY)
    kinds |= dict.fromkeys(asked["ignore_columns"], LEFT_OUT)
    kinds |= dict.fromkeys(asked["label_column"], LABELS)
    return kinds


def _known(names, columns, asked, path):
    """The columns of a run, which the file must have in whatever order."""
    left_out = {*INDEX, *asked["ignore_columns"]}
    known = columns | {
        name: LABELS for name in asked["label_column"] if name in names
    }
    needed = [
        name for name, kind in known.items() if kind not in (LABELS, LEFT_OUT)
    ]
    missing = [name for name in needed if name not in names]
    extra = [name for name in names if name not in {*known, *left_out}]
    if missing or extra:
        said = [f"without {shortened(missing)}"] if missing else []
        if extra:
            said.append(
                f"with {shortened(extra)} besides (--ignore-columns "
                f"{','.join(extra)} leaves them out)"
            )
        raise ValueError(
            f"The columns of {path} must be those that the model was trained "
            f"on, {shortened(needed)}, in whatever order. "
            f"Received: {' and '.join(said)}"
        )
    return {
        name: kind
        for name, kind in known.items()
        if name in names or name in needed
    }
