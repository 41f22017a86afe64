"""Steps that the reproductions share."""

import os
import pathlib
from typing import Any

import click
import keras

from zoo import datasets
from zoo import runs


def mnist_or_digits() -> str:
    """`"mnist"`, or the embedded `"digits"` where it cannot be had."""
    try:
        datasets.load("mnist")
    except RuntimeError as error:
        click.echo(f"{error}\nGoing on with the embedded digits.", err=True)
        return "digits"
    return "mnist"


def train(
    folder: pathlib.Path, name: str, data: str | os.PathLike, **options: Any
) -> keras.Model:
    """`runs.train`, from where the run in this folder stopped, if any."""
    started = (folder / runs.CONFIG).is_file()
    return runs.train(name, data, folder, resume=started, **options)
