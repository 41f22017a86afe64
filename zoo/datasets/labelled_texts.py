"""Texts with labels, for a classifier."""

import os
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.datasets.arrays import Arrays
from zoo.datasets.labels import numbered
from zoo.datasets.labels import shortened
from zoo.datasets.splits import held_out
from zoo.datasets.tables import SUFFIXES
from zoo.datasets.tables import is_table
from zoo.datasets.tables import read_table

LONGEST = 400  # characters: attention grows with their square
MANY = 100  # classes, from which on they may be no classes


def load_labelled_texts(
    source: str | os.PathLike,
    *,
    class_names: Sequence[str] | None = None,
    text_length: int | None = None,
    **columns: Any,
) -> Arrays:
    r"""Load the texts of a table and their labels.

    Args:
        source: A `.csv` or `.tsv` whose first line names the columns, a
            `.jsonl` of one object a line, split 90/10; or a folder of two such
            files, `train` and `test`.
        class_names: The classes in the order of their labels. Defaults to
            `None`: those of the table, see `labelled_classes`.
        text_length: Characters of a text; what is longer is cut, with a
            warning. Defaults to `None`: 400.
        columns: `text_column`, `label_column`, `skip_broken` and `encoding`,
            as of `tables.read_table`.

    Returns:
        `Arrays` of lists of strings and of labels.

    Raises:
        ValueError: If the table is not as described.
        FileNotFoundError: If there is no such path.

    Example:

    >>> path = pathlib.Path("reviews.csv")
    >>> size = path.write_text("text,label\nBest!,good\nPoor.,bad")
    >>> datasets.class_names(path)
    ['bad', 'good']
    >>> texts = datasets.load_labelled_texts(path)
    >>> sorted([*texts.x_train, *texts.x_test])
    ['Best!', 'Poor.']
    """
    parts = [read_table(path, **columns) for path in files_of(source)]
    labels, names = _numbered(parts[0], class_names)
    length = text_length or LONGEST
    limit = f"{length} characters (--text-length)"
    texts = [cut(part.texts, length, source, limit) for part in parts]
    if len(parts) == 2:
        test_labels, _ = _numbered(parts[1], names)
        return Arrays(texts[0], labels, texts[1], test_labels)
    train, test = held_out(len(labels), source, labels=np.asarray(labels))
    return Arrays(
        [texts[0][row] for row in train],
        labels[train],
        [texts[0][row] for row in test],
        labels[test],
    )


def labelled_classes(source: str | os.PathLike, **columns: Any) -> list[str]:
    """Names of the classes of a table: its labels, sorted, numbers by value."""
    return _numbered(read_table(files_of(source)[0], **columns), None)[1]


def has_labelled_texts(source: str | os.PathLike) -> bool:
    """Whether a source is what `load_labelled_texts` takes."""
    return is_table(source) or bool(_parts_in(pathlib.Path(source)))


def files_of(source: str | os.PathLike) -> list[pathlib.Path]:
    """The file of a source, or those to train and to test on."""
    path = pathlib.Path(source)
    if not path.exists():
        raise FileNotFoundError(
            f"`source` must be the path of a table ({', '.join(SUFFIXES)}) or "
            f"of a folder of two. Received: {str(source)!r}, which does not "
            "exist"
        )
    return _parts_in(path) or [path]


def _parts_in(path):
    if not path.is_dir():
        return []
    found = {one.stem: one for one in sorted(path.iterdir()) if is_table(one)}
    return [found[name] for name in ("train", "test") if name in found]


def numbered_classes(
    labels: Sequence[Any],
    column: str | None,
    class_names: Sequence[str] | None = None,
    least: int = 2,
) -> tuple[np.ndarray, list[str]]:
    """Class numbers of the labels in a column, and the names of the classes.

    Numbers are sorted by value, others as strings; `least` is how many classes
    there must be.

    Raises:
        ValueError: If they are no classes, or not those given.
    """
    whole = [_whole(label) for label in labels]
    is_numeric = None not in whole
    labels = [str(one).strip() for one in (whole if is_numeric else labels)]
    names = sorted(set(labels), key=int if is_numeric else str)
    if class_names is None:
        _check_classes(names, len(labels), column, least)
    names = list(class_names or names)
    return numbered(labels, names, column or "labels")[0], names


def _numbered(table, class_names):
    return numbered_classes(table.labels, table.label_column, class_names)


def _whole(label):
    """A label as an integer, if it is one in whatever form."""
    try:
        number = float(label)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() else None


def _check_classes(names, count, column, least):
    if len(names) < least:
        raise ValueError(
            f"There must be at least {least} classes. Received: "
            f"{shortened(names)} alone, in column {column!r}"
        )
    if len(names) > MANY and 2 * len(names) > count:
        raise ValueError(
            "A column of labels must hold classes. Received: "
            f"{len(names)} different values in {count} rows of "
            f"{column!r}: {shortened(names, 3)}"
        )


def cut(
    texts: Sequence[str], length: int, source: Any, limit: str
) -> list[str]:
    """Texts of at most so many characters, with a warning that names the limit.

    Args:
        texts: Strings.
        length: Characters to keep.
        source: Where the texts are from.
        limit: What the warning calls the length.
    """
    longer = sum(len(text) > length for text in texts)
    if longer:
        warnings.warn(
            f"{longer} of {len(texts)} texts of {source} are longer than "
            f"{limit}: cut there",
            stacklevel=2,
        )
    return [text[:length] for text in texts]
