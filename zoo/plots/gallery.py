"""All pictures that suit a model, drawn into a folder; texts as text."""

import functools
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_capsvae import PoemAutoencoder
from keras_capsvae import TabularAutoencoder
from keras_capsvae import VariationalAutoencoder
from zoo import plots
from zoo.plots import text_pages
from zoo.plots.canvas import Picture
from zoo.plots.drawing import drawn
from zoo.plots.suiting import Shown
from zoo.plots.suiting import pictures_of

MAIN = ("class_samples", "samples", "predictions")


def draw(
    model: keras.Model,
    folder: str | os.PathLike,
    images: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    history: Any = None,
    image_shape: tuple[int, ...] | None = None,
    seed: int = 0,
    class_names: Sequence[str] | None = None,
) -> list[pathlib.Path]:
    """Draw every picture that suits a model; write texts of a model of them.

    What a model of your own cannot show is left out, with a warning that says
    why.

    Args:
        model: A model of the zoo, or one composed of the same classes.
        folder: Where to; made if missing.
        images: Images (or ids of texts) to encode, reconstruct or classify;
            with conditions that are no classes the list `[images,
            conditions]`. Defaults to `None`: only what needs none, which a
            classifier has not.
        labels: Their integer labels. Defaults to `None`.
        history: What `plots.training_curves` takes. Defaults to `None`.
        image_shape: `(height, width, channels)` of flat images that are not
            square. Defaults to `None`.
        seed: Integer seed of what is drawn at random. Defaults to 0.
        class_names: Strings, the names of the classes in the order of their
            labels. Defaults to `None`: the labels.

    Returns:
        The paths of the pictures and texts.

    Raises:
        ValueError: If the model is a classifier and there are no images, or
            no picture of those that suit can be drawn.
    """
    pages = text_pages.pages(model, images, labels, seed, class_names)
    shown = Shown(images, labels, image_shape, seed, class_names)
    figures = pictures_of(model, shown)
    if history is not None:
        figures["training"] = lambda: plots.training_curves(
            history, loss_unit(model)
        )
    pictures = drawn(figures)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, page in pages.items():
        paths.append(folder / f"{name}.txt")
        paths[-1].write_text(page, encoding="utf-8")
    for name, figure in pictures.items():
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], bbox_inches="tight")
    return paths


def main_picture(
    model: keras.Model,
    images: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    seed: int = 0,
    class_names: Sequence[str] | None = None,
    image_shape: tuple[int, ...] | None = None,
) -> Picture:
    """The one picture that shows best what a model does. Arguments: `draw`.

    Raises:
        ValueError: If nothing of the model can be drawn.
    """
    shown = Shown(images, labels, image_shape, seed, class_names)
    figures = pictures_of(model, shown)
    main = {name: figures[name] for name in MAIN if name in figures}
    if not main:
        raise ValueError(
            f"{model.name} of type {type(model).__name__} has no picture to "
            "draw"
        )
    return next(iter(drawn(main).values()))


@functools.singledispatch
def loss_unit(model: keras.Model) -> str:
    """What the loss of a kind of model is measured in."""
    return "loss"


@loss_unit.register
def _(model: VariationalAutoencoder):
    return "nats per image"


@loss_unit.register
def _(model: TabularAutoencoder):
    return "nats per row"


@loss_unit.register
def _(model: PoemAutoencoder):
    return "nats per text"
