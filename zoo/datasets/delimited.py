"""The rows of a .csv or .tsv, whatever stands between their fields."""

import csv
import io
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from zoo.datasets.encodings import read_text
from zoo.datasets.labels import shortened

SUFFIXES = (".csv", ".tsv")
DELIMITERS = ",;\t|"


def text_of(path: Path, encoding: str | None = None) -> str:
    """The text of a table.

    Raises:
        ValueError: where it holds what no text holds.
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


class Delimited(NamedTuple):
    """A table as it stands in a file.

    Attributes:
        names: those of the columns, out of the first line.
        rows: line and fields of each other row.
        delimiter: what stands between fields.
    """

    names: list[str]
    rows: Iterator[tuple[int, list[str]]]
    delimiter: str


def read_delimited(text: str, path: Path) -> Delimited:
    """The names in the first line, and all rows that are not empty.

    Raises:
        ValueError: where there is no first line; while they are read, where a
            row has another number of fields or is none.
    """
    delimiter = _delimiter(text, path)
    rows = _rows(text, delimiter, path)
    try:
        _, names = next(rows)
    except StopIteration:
        raise ValueError(
            f"A table must have a first line of names. Received: {path}, empty"
        ) from None
    names = [name.strip() for name in names]

    def checked():
        for line, row in rows:
            if len(row) != len(names):
                raise ValueError(
                    f"A row must have {len(names)} fields, as the first line "
                    f"of {path} has ({shortened(names)}). Received: "
                    f"{len(row)} in line {line}, {str(row)[:60]}…: a text that "
                    f"holds {delimiter!r} must stand in quotation marks"
                )
            yield line, row

    return Delimited(names, checked(), delimiter)


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


def _rows(text: str, delimiter: str, path: Path) -> Iterator:
    """Line and fields of each row that is not empty, however long."""
    # Texts end in quotation marks, or do not begin with one.
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True
    )
    limit = csv.field_size_limit(sys.maxsize)
    begin = 1
    try:
        for row in reader:
            if any(field.strip() for field in row):
                yield reader.line_num, row
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
