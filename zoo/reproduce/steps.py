"""Steps that the reproductions share."""

import os
import pathlib
from typing import Any

import click
import keras

from zoo import datasets
from zoo import runs
from zoo.runs.files import replace
from zoo.runs.progress import Progress

SAMPLE = "mnist_small"


def mnist(quick: bool) -> str:
    """`"mnist"`, or its embedded sample in a short form or without a network.

    What is done says so.
    """
    if quick:
        return SAMPLE
    try:
        datasets.load("mnist")
    except RuntimeError as error:
        click.echo(f"{error}\nGoing on with the embedded {SAMPLE}.", err=True)
        return SAMPLE
    return "mnist"


def train(
    folder: pathlib.Path,
    name: str,
    data: str | os.PathLike,
    progress: Progress,
    **options: Any,
) -> keras.Model:
    """`runs.train`, from where the run in this folder stopped, if any."""
    progress.name = folder.name
    started = (folder / runs.CONFIG).is_file()
    return runs.train(
        name, data, folder, resume=started, progress=progress, **options
    )


def fit(
    model: keras.Model,
    batches: datasets.Batches,
    epochs: int,
    folder: pathlib.Path,
    progress: Progress,
) -> None:
    """Train a compiled model, from the epoch at which it was stopped, if any.

    `state.weights.h5` in the folder holds weights, optimizer and random state
    after the last whole epoch.
    """
    progress.name = folder.name
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.weights.h5"
    if state.is_file():
        model.optimizer.build(model.trainable_variables)
        model.load_weights(state)
    done = int(model.optimizer.iterations) // len(batches)
    progress.skip(min(done, epochs))
    save = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: replace(state, model.save_weights)
    )
    model.fit(
        batches,
        epochs=epochs,
        initial_epoch=done,
        shuffle=False,
        verbose=0,
        callbacks=[save, progress.callback()],
    )
