"""What a training shows of its model on the way."""

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import keras

from keras_capsvae import CodeAutoencoder
from keras_capsvae import PoemAutoencoder
from keras_capsvae import PrintedText
from keras_capsvae import VariationalAutoencoder
from zoo import plots

TEXTS = 10  # of a whole training


@functools.singledispatch
def shown(
    model: keras.Model,
    every: int | None,
    epochs: int,
    folder: pathlib.Path,
    write: Callable[[str], Any],
) -> list[keras.callbacks.Callback]:
    """The callbacks that show what a kind of model makes.

    Args:
        model: The model to train.
        every: Epochs from one time to the next; `None`: none were asked for.
        epochs: Those of the whole training.
        folder: Where pictures go.
        write: Takes a line of text.

    Raises:
        ValueError: If they are asked for of a model that draws nothing.
    """
    if every is not None:
        raise ValueError(
            "--picture-every (picture_every) draws samples of a VAE. Received: "
            f"{model.name} of type {type(model).__name__}"
        )
    return []


@shown.register
def _(model: VariationalAutoencoder, every, epochs, folder, write):
    if every is None:
        return []
    return [plots.EpochPicture(plots.samples, folder, every)]


@shown.register
def _(model: CodeAutoencoder, every, epochs, folder, write):
    if every is None:
        return []
    raise ValueError(
        "--picture-every (picture_every) draws samples, which a model of codes "
        "has after its training alone, with a prior: --prior-epochs N "
        f"(prior_epochs). Received: {model.name}"
    )


@shown.register
def _(model: PoemAutoencoder, every, epochs, folder, write):
    every = every or max(1, epochs // TEXTS)
    return [PrintedText(every, write=lambda text: write(text.strip()))]
