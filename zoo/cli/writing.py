"""Where the commands write what they made."""

import csv
import pathlib
import sys
import zipfile
from collections.abc import Callable
from typing import Any

import click

TABLES = (".csv", ".npz")


def check_free(
    out: pathlib.Path,
    suffixes: tuple[str, ...],
    overwrite: bool,
    option: str = "--out",
) -> None:
    """Raise unless a file can be written where an option says.

    Raises:
        ValueError: If it has another suffix.
        FileExistsError: If something is there that must not be replaced.
    """
    if out.suffix.lower() not in suffixes:
        raise ValueError(
            f"{option} must end in {' or '.join(suffixes)}. Received: {out}"
        )
    if out.is_dir():
        raise FileExistsError(f"{out} is a folder")
    if out.exists() and not overwrite:
        raise FileExistsError(f"{out} exists already: --overwrite replaces it")


def write(
    out: pathlib.Path, write_to: Callable[[pathlib.Path], object]
) -> None:
    """Write a file in one step; the folders that it lacks are made."""
    from zoo.runs import files

    out.parent.mkdir(parents=True, exist_ok=True)
    files.replace(out, write_to)


def write_table(table: Any, out: pathlib.Path | None) -> None:
    """Write an `evaluation.tables.Table`, to the standard output if nowhere."""
    if out is None:
        _write_csv(table, sys.stdout)
        return
    if out.suffix.lower() == ".csv":
        write(out, lambda path: _write_csv_file(table, path))
    else:
        write(out, lambda path: _write_archive(table, path))
    click.echo(f"{out}: {len(table.rows)} rows", err=True)


def _write_csv_file(table, path):
    with open(path, "w", newline="", encoding="utf-8") as file:
        _write_csv(table, file)


def _write_csv(table: Any, file: Any):
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows(table.rows)


def _write_archive(table, path):
    """As `numpy.savez`, which takes no array by the name of its parameters."""
    import numpy as np

    with zipfile.ZipFile(path, "w") as archive:
        for name, array in table.arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
