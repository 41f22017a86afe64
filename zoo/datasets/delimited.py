"""The rows of a .csv or .tsv, whatever stands between their fields."""

import csv
import io
import sys
import warnings
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from zoo.datasets.encodings import read_text
from zoo.datasets.labels import shortened

SUFFIXES = (".csv", ".tsv")
DELIMITERS = ",;\t|"


def text_of(path: Path, encoding: str | None = None) -> str:
    """The text of a table.

    Raises:
        ValueError: If it holds what no text holds.
    """
    text = read_text(path, encoding)
    place = text.find("\0")
    if place >= 0:
        line = text.count("\n", 0, place) + 1
        raise ValueError(
            f"A table must hold text. Received: {path} with a NUL character in "
            f"line {line}: a damaged file, or one in UTF-16 "
            "(--encoding utf-16)"
        )
    return text


class Row(NamedTuple):
    """A row of a table, and where it stands.

    Attributes:
        line: That of the file where it ends, from 1.
        number: Rows before it, the names not counted. Empty ones are counted
            where delimiters stand in them, as pandas counts them.
        fields: Texts.
    """

    line: int
    number: int
    fields: list[str]


class Delimited(NamedTuple):
    """A table as it stands in a file.

    Attributes:
        names: Those of the columns, out of the first line.
        rows: The others that are not empty.
        delimiter: What stands between fields.
    """

    names: list[str]
    rows: Iterator[Row]
    delimiter: str


def read_delimited(text: str, path: Path) -> Delimited:
    """The names in the first line, and all rows that are not empty.

    Raises:
        ValueError: If there is no first line; while they are read, if a row has
            another number of fields or is none.
    """
    delimiter = _delimiter(text, path)
    rows = _rows(text, delimiter, path)
    try:
        first = next(rows)
    except StopIteration:
        raise ValueError(
            f"A table must have a first line of names. Received: {path}, empty"
        ) from None
    names = [name.strip() for name in first.fields]

    def checked():
        for line, number, fields in rows:
            if len(fields) != len(names):
                raise ValueError(
                    f"A row must have {len(names)} fields, as the first line "
                    f"of {path} has ({shortened(names)}). Received: "
                    f"{len(fields)} in line {line}, {str(fields)[:60]}…: a "
                    f"text that holds {delimiter!r} must stand in quotation "
                    "marks"
                )
            yield Row(line, number - first.number - 1, fields)

    return Delimited(names, checked(), delimiter)


def check_names(names: Sequence[str], path: Path) -> None:
    """Raise where two columns have one name.

    Raises:
        ValueError: If so.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            "The columns of a table must have different names. Received: "
            f"{path} with several called {shortened(twice)}"
        )


def _delimiter(text, path):
    """That which divides the first line into most fields; all but "," is said.

    A file of one column has none.
    """
    first = text.lstrip("\r\n").splitlines()[:1] or [""]
    if path.suffix.lower() == ".tsv":
        return "\t"
    counts = {
        one: len(next(csv.reader(first, delimiter=one), []))
        for one in DELIMITERS
    }
    best = max(DELIMITERS, key=lambda one: counts[one])
    if best != "," and counts[best] > 1:
        warnings.warn(
            f"{path} is read with {best!r} between its columns", stacklevel=1
        )
    return best


def _rows(text: str, delimiter: str, path: Path) -> Iterator[Row]:
    """The rows that are not empty, however long."""
    # Texts end in quotation marks, or do not begin with one.
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True
    )
    limit = csv.field_size_limit(sys.maxsize)
    begin, number = 1, 0
    try:
        for fields in reader:
            is_filled = any(field.strip() for field in fields)
            if is_filled:
                yield Row(reader.line_num, number, fields)
            number += is_filled or len(fields) > 1 or fields == [""]
            begin = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{path} must be a table of fields with {delimiter!r} between "
            f"them. Received: a row from line {begin} on that is none "
            f"({error}): a quotation mark is missing, or not doubled inside "
            "quotation marks"
        ) from error
    finally:
        csv.field_size_limit(limit)
