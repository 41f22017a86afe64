"""Texts with labels from a table: .csv, .tsv, or .jsonl, an object a line."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from zoo.datasets import delimited
from zoo.datasets.delimited import check_names
from zoo.datasets.delimited import read_delimited
from zoo.datasets.delimited import text_of
from zoo.datasets.labels import shortened
from zoo.nearest import did_you_mean

JSON_LINES = (".jsonl", ".ndjson")
SUFFIXES = delimited.SUFFIXES + JSON_LINES
# The usual names of columns, the likeliest first.
TEXT = (
    *("text", "texts", "sentence", "content", "review", "comment", "message"),
    *("tweet", "document", "body", "question", "utterance", "headline"),
    *("title", "description", "sms", "文本", "内容", "评论", "句子", "текст"),
)
LABEL = (
    *("label", "labels", "class", "classes", "category", "target", "sentiment"),
    *("intent", "topic", "tag", "emotion", "language", "lang", "genre"),
    *("stars", "rating", "score", "y", "标签", "类别", "метка"),
)


class Row(NamedTuple):
    """A text and its label, and the line of the file where it ends."""

    line: int
    text: str
    label: str | int | None


class Table(NamedTuple):
    """The complete rows of a file."""

    texts: list[str]
    labels: list[str | int]
    text_column: str
    label_column: str | None


def is_table(source: object) -> bool:
    """Whether a source of texts is a table of this kind, by its name."""
    return isinstance(source, str | Path) and (
        Path(source).suffix.lower() in SUFFIXES
    )


def read_table(
    path: Path,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    labelled: bool = True,
    skip_broken: bool = False,
    encoding: str | None = None,
) -> Table:
    """The texts of a table and, where it is to have them, their labels.

    Args:
        path: Path of the file, whose first line names the columns.
        text_column, label_column: Their names. Default to `None`: those with
            usual names, or what is left of two columns.
        labelled: Whether there must be labels. Defaults to `True`.
        skip_broken: Whether to leave out rows without a text or label, with a
            warning. Defaults to `False`: they are an error.
        encoding: That of the file. Defaults to `None`: detected.

    Raises:
        ValueError: If there are no such columns, or rows are broken.
    """
    text = text_of(path, encoding)
    read = _objects if path.suffix.lower() in JSON_LINES else _records
    names, records = read(text, path)
    text_at, label_at = _chosen(
        names, text_column, label_column, labelled, path
    )
    rows, missing = [], []
    for line, record in records:
        value = record.get(text_at)
        label = None if label_at is None else record.get(label_at)
        if not isinstance(value, str) or not value.strip():
            missing.append(f"line {line} ({text_at})")
        elif label_at is not None and (label is None or not str(label).strip()):
            missing.append(f"line {line} ({label_at})")
        else:
            rows.append(Row(line, value.strip(), label))
    _tell_of_missing(missing, len(rows), path, skip_broken)
    if not rows:
        raise ValueError(
            f"A table must have rows of texts. Received: {path} without any"
        )
    return Table(
        [row.text for row in rows],
        [row.label for row in rows if row.label is not None],
        text_at,
        label_at,
    )


def _records(text, path):
    """The names of columns, and line and dict of each row."""
    names, rows, _ = read_delimited(text, path)
    check_names(names, path)
    return names, ((row.line, dict(zip(names, row.fields))) for row in rows)


def _objects(text, path):
    """The names of all columns, and line and dict of each object."""
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
        except ValueError as error:
            raise ValueError(
                f"Each line of {path} must be JSON. Received: line {number}, "
                f"{line[:60]!r} ({error})"
            ) from error
        if not isinstance(one, dict):
            raise ValueError(
                f"Each line of {path} must be a JSON object. Received: line "
                f"{number}, {line[:60]!r}"
            )
        found.append((number, one))
    names = dict.fromkeys(name for _, one in found for name in one)
    return list(names), iter(found)


def _chosen(names, text, label, labelled, path):
    """The columns of texts and labels."""
    text_at = _named(names, text, "text", path)
    label_at = _named(names, label, "label", path)
    if text_at is None:
        text_at = _usual(names, TEXT, {label_at})
    if label_at is None:
        label_at = _usual(names, LABEL, {text_at})
    if len(names) == 2 and (text_at is None) != (label_at is None):
        known = label_at if text_at is None else text_at
        (rest,) = [name for name in names if name != known] or [None]
        text_at, label_at = (
            (rest, label_at) if text_at is None else (text_at, rest)
        )
    if len(names) == 1 and not labelled:
        (text_at,) = names
    if text_at is None:
        raise _unnamed("text", names, path)
    if not labelled:
        return text_at, None
    if label_at is None:
        raise _unnamed("label", names, path)
    return text_at, label_at


def _unnamed(kind, names, path):
    return ValueError(
        f"The first line of {path} must name a column of {kind}s, or "
        f"--{kind}-column must name it. Received: the columns "
        f"{shortened(names) or 'none'}"
    )


def _named(names, name, kind, path):
    if name is None or name in names:
        return name
    raise ValueError(
        f"`{kind}_column` must be a column of {path}, {shortened(names)}. "
        f"{did_you_mean(name, names)}Received: {name!r}"
    )


def _usual(names: Sequence[str], usual: Sequence[str], taken: set):
    folded = {name.strip().casefold(): name for name in names}
    found = [folded[one] for one in usual if one in folded]
    return next((name for name in found if name not in taken), None)


def _tell_of_missing(missing, count, path, skip_broken):
    if not missing:
        return
    what = (
        f"{len(missing)} of {count + len(missing)} rows of {path} lack a "
        f"value: {shortened(missing, 5)}"
    )
    if not skip_broken:
        raise ValueError(
            f"Every row must have a text and a label. Received: {what}. Mend "
            "them, or leave them out: --skip-broken (`skip_broken=True`)"
        )
    warnings.warn(f"{what}; they are left out", stacklevel=1)
