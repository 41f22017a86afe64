"""Whole tables of numbers and categories, to train and to test on."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo import data_names
from zoo.datasets import delimited
from zoo.datasets.arrays import Arrays
from zoo.datasets.labelled_texts import files_of
from zoo.datasets.labelled_texts import numbered_classes
from zoo.datasets.rows import LABELS
from zoo.datasets.rows import LEFT_OUT
from zoo.datasets.rows import Columns
from zoo.datasets.rows import Rows
from zoo.datasets.rows import read_rows
from zoo.datasets.splits import held_out

NAMES = data_names.TABLES


def is_rows(source: str | os.PathLike) -> bool:
    """Whether a source is a table by its name, or a folder of such."""
    if source in NAMES:
        return True
    path = pathlib.Path(source)
    paths = files_of(path) if path.is_dir() else [path]
    return all(one.suffix.lower() in delimited.SUFFIXES for one in paths)


def load_rows(
    source: str | os.PathLike,
    *,
    class_names: Sequence[str] | None = None,
    **options: Any,
) -> Arrays:
    """The rows of a table to train and to test on.

    Args:
        source: What `read_rows` takes, split 90/10; a folder of two such files,
            `train` and `test`; or `"breast_cancer"`, scikit-learn's table of
            569 tumours.
        class_names: The classes in the order of their labels. Defaults to
            `None`: those of the column of labels.
        options: Those of `read_rows`.

    Returns:
        `Arrays`: rows, float32 `(n, columns)`, numbers first, then one-hot
        categories, and labels where there is a column of them.
    """
    first, *rest = rows_of(source, **options)
    labels, names = _numbered(first, class_names)
    if rest:
        return Arrays(first.x, labels, rest[0].x, _numbered(rest[0], names)[0])
    train, test = held_out(len(first.x), source, labels=labels)
    x, y = first.x, labels
    if y is None:
        return Arrays(x[train], None, x[test], None)
    return Arrays(x[train], y[train], x[test], y[test])


def columns_of(source: str | os.PathLike, **options: Any) -> Columns:
    """What the columns of a table are, by their names, in its order.

    Args:
        source: What `load` takes of tables.
        options: Those of `read_rows`.

    Returns:
        Dict: name → `"number"`, `"integer"`, the list of its categories,
        `"label"` or `"left out"`. Rows of an array hold the numbers first, then
        the categories, a column for each.

    Example:

    >>> columns = columns_of("breast_cancer")
    >>> len(columns), columns["mean radius"], columns["diagnosis"]
    (31, 'number', 'label')
    """
    return rows_of(source, **options)[0].columns


def row_classes(source: str | os.PathLike, **options: Any) -> list[str] | None:
    """Names of the classes of a table's labels, `None` without labels."""
    return _numbered(rows_of(source, **options)[0], None)[1]


def value_names(columns: Columns) -> list[str]:
    """Names of the values of a row as a model takes it.

    >>> value_names({"colour": ["blue", "red"], "size": "number"})
    ['size', 'colour=blue', 'colour=red']
    """
    numbers, categories = split_columns(columns)
    return numbers + [
        f"{name}={value}" for name, of in categories.items() for value in of
    ]


def split_columns(columns: Columns) -> tuple[list[str], dict[str, list[str]]]:
    """The columns of numbers, and name → categories of the others, in order."""
    learned = {
        name: kind
        for name, kind in columns.items()
        if kind not in (LABELS, LEFT_OUT)
    }
    categories = {k: one for k, one in learned.items() if isinstance(one, list)}
    return [name for name in learned if name not in categories], categories


def rows_of(source: str | os.PathLike, **options: Any) -> list[Rows]:
    """The rows of a table, or those to train and to test on."""
    if source in NAMES:
        return [_breast_cancer()]
    if not is_rows(source):
        raise ValueError(
            "`source` must be a table of numbers, .csv or .tsv, a folder of "
            f"two, train and test, or one of {NAMES}. Received: {source}"
        )
    first, *rest = files_of(source)
    rows = read_rows(first, **options)
    known = {**options, "columns": rows.columns}
    return [rows, *(read_rows(path, **known) for path in rest)]


def _numbered(rows, class_names):
    if rows.labels is None:
        return None, None
    return numbered_classes(rows.labels, rows.label_column, class_names, 1)


def _breast_cancer():
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer()
    names = [str(name) for name in table.feature_names]
    columns: Columns = {**dict.fromkeys(names, "number"), "diagnosis": LABELS}
    labels = [str(table.target_names[one]) for one in table.target]
    x = np.asarray(table.data, "float32")
    return Rows(x, labels, columns, list(range(len(x))))
