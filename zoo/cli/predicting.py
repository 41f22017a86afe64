"""Commands that say something of each example: predict, encode."""

import csv
import pathlib
import sys
from typing import Any

import click

from zoo.cli import writing
from zoo.cli.given import OF_IMAGES
from zoo.cli.given import FilePath
from zoo.cli.given import Text
from zoo.cli.given import options_of_run
from zoo.cli.opening import WEIGHTS
from zoo.cli.opening import opened
from zoo.data_names import check_data

SUFFIXES = (".csv", ".npz")
DATA = (
    "An image, a folder of images, an .npz file or a name of a data set; for a "
    "model of texts a file with a text in each line, or a table with a column "
    "of texts. No labels are needed."
)


def _options(command):
    for option in (
        click.option(
            "--overwrite", is_flag=True, help="Replace the file at --out."
        ),
        options_of_run(*OF_IMAGES),
        click.option("--weights", type=Text(), help=WEIGHTS),
        click.option(
            "--out",
            type=FilePath(),
            metavar="FILE.csv|FILE.npz",
            help="Where to.  [default: CSV on the standard output]",
        ),
        click.option("--data", type=Text(), required=True, help=DATA),
        click.argument("model"),
    ):
        command = option(command)
    return command


@click.command()
@_options
def predict(
    model: str,
    data: str,
    out: pathlib.Path | None,
    weights: str | None,
    overwrite: bool,
    **of_images: Any,
) -> None:
    """The class that MODEL finds in each example, and all scores.

    MODEL: a name of the zoo, a run folder or a .keras file of a classifier.
    """
    _check(out, overwrite)
    check_data(data)
    found = opened(model, weights)

    from zoo.evaluation import tables

    examples = _read(found, data, of_images)
    table = tables.prediction_table(found.model, examples, found.class_names)
    _write(table, out)


@click.command()
@_options
def encode(
    model: str,
    data: str,
    out: pathlib.Path | None,
    weights: str | None,
    overwrite: bool,
    **of_images: Any,
) -> None:
    """Latents of each example in a VAE, or its class capsules.

    MODEL: a name of the zoo, a run folder or a .keras file.
    """
    _check(out, overwrite)
    check_data(data)
    found = opened(model, weights)

    from zoo.evaluation import tables

    examples = _read(found, data, of_images)
    table = tables.latent_table(found.model, examples)
    _write(table, out)


def _read(found, data, of_images):
    """The examples, read as those of the model's run were."""
    from zoo.datasets.examples import read_examples

    return read_examples(found.model, data, found.reading(**of_images))


def _check(out, overwrite):
    if out is not None:
        writing.check_free(out, SUFFIXES, overwrite)


def _write(table, out):
    if out is None:
        _write_csv(table, sys.stdout)
        return
    if out.suffix.lower() == ".csv":
        writing.write(out, lambda path: _write_csv_file(table, path))
    else:
        writing.write(out, lambda path: _write_archive(table, path))
    click.echo(f"{out}: {len(table.rows)} rows", err=True)


def _write_csv_file(table, path):
    with open(path, "w", newline="", encoding="utf-8") as file:
        _write_csv(table, file)


def _write_csv(table: Any, file: Any):
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows(table.rows)


def _write_archive(table, path):
    import numpy as np

    with open(path, "wb") as file:
        np.savez(file, **table.arrays)
