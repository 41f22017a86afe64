"""All pictures that suit a model, drawn into a folder; texts as text."""

import functools
import os
import pathlib
import warnings
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_capsvae import CapsuleNetwork
from keras_capsvae import Classifier
from keras_capsvae import MatrixCapsuleNetwork
from keras_capsvae import PoemAutoencoder
from keras_capsvae import TabularAutoencoder
from keras_capsvae import TextClassifier
from keras_capsvae import VariationalAutoencoder
from zoo import plots
from zoo.datasets.feeds import label_classes
from zoo.datasets.feeds import training_pair
from zoo.plots import text_pages
from zoo.plots.canvas import Picture
from zoo.plots.drawing import drawn
from zoo.plots.of_latents import is_plane
from zoo.plots.of_latents import map_of

MAIN = ("class_samples", "samples", "predictions")
SHOWN = 5000  # points of a scatter plot


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
    figures = figures_of(model, images, labels, image_shape, seed, class_names)
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
    figures = figures_of(model, images, labels, image_shape, seed, class_names)
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


@functools.singledispatch
def figures_of(
    model: keras.Model,
    images: Any,
    labels: np.ndarray | None,
    image_shape: tuple[int, ...] | None,
    seed: int,
    class_names: Sequence[str] | None,
) -> dict[str, Callable[[], Picture]]:
    """Name → what draws it, of all that suit a kind of model.

    Arguments: `draw`.
    """
    return {}


@figures_of.register(PoemAutoencoder)
@figures_of.register(TextClassifier)
def _of_texts(model, images, labels, image_shape, seed, class_names):
    return {}


@figures_of.register(Classifier)
def _of_classifier(model, images, labels, image_shape, seed, class_names):
    if images is None:
        raise ValueError(
            f"{model.name} classifies and draws nothing of its own: give "
            "images (on the command line --data, e.g. --data mnist_small)"
        )
    return {
        "predictions": lambda: plots.predictions(
            model, images, labels, class_names=class_names
        )
    }


@figures_of.register(MatrixCapsuleNetwork)
def _of_matrix_capsules(model, images, labels, image_shape, seed, class_names):
    figures = _of_classifier(
        model, images, labels, image_shape, seed, class_names
    )
    return figures | {
        "assignments": lambda: plots.assignments(
            model, images[0], class_names=class_names
        )
    }


@figures_of.register(CapsuleNetwork)
def _of_capsules(model, images, labels, image_shape, seed, class_names):
    figures = _of_classifier(
        model, images, labels, image_shape, seed, class_names
    )
    pictures = {
        "couplings": lambda: plots.couplings(
            model, images[0], class_names=class_names
        )
    }
    if model.decoder is not None:
        pictures["reconstructions"] = lambda: plots.reconstructions(
            model, images
        )
        pictures["perturbations"] = lambda: plots.perturbations(
            model, images[0], class_names=class_names
        )
    return figures | pictures


@figures_of.register(VariationalAutoencoder)
def _of_autoencoder(model, images, labels, image_shape, seed, class_names):
    pictures = {}
    if _is_picture(model, image_shape):
        pictures = _of_draws(model, image_shape, seed, class_names)
    else:
        warnings.warn(
            "No pictures of images: their shape "
            f"{tuple(model.decoder.outputs[0].shape[1:])} is neither grey, RGB "
            "nor flat and square. The zoo.plots functions take `image_shape`.",
            stacklevel=3,
        )
    if images is not None:
        given = images
        if labels is not None:
            given, _ = training_pair(model, images, labels)
        if pictures:
            pictures["reconstructions"] = lambda: plots.reconstructions(
                model, given, image_shape=image_shape
            )
            pictures |= _of_groups(
                model, given, labels, image_shape, seed, class_names
            )
        plot = map_of(model.latent)
        if plot is not None:
            pictures["latent"] = lambda: plot(
                model, *_start(given, _named(labels, class_names))
            )
    return pictures


@figures_of.register(TabularAutoencoder)
def _of_tables(model, images, labels, image_shape, seed, class_names):
    if images is None:
        return {}
    return {
        "latent": lambda: plots.latent_scatter(
            model, *_start(images, _named(labels, class_names))
        )
    }


def _of_draws(model, image_shape, seed, class_names):
    pictures = {}
    has_classes = label_classes(model) is not None
    if not has_classes or len(model.decoder.inputs) == 1:
        pictures["samples"] = lambda: plots.samples(
            model, seed=seed, image_shape=image_shape
        )
    if has_classes:
        pictures["class_samples"] = lambda: plots.class_samples(
            model,
            seed=seed,
            image_shape=image_shape,
            class_names=class_names,
        )
    elif is_plane(model.latent, model.decoder.inputs[0].shape[-1]):
        pictures["manifold"] = lambda: plots.manifold(
            model, image_shape=image_shape
        )
    return pictures


def _of_groups(model, given, labels, image_shape, seed, class_names):
    """Of clusters that the prior has, or of classes that are a condition."""
    pictures = {}
    if model.latent.num_clusters is not None:
        pictures["clusters"] = lambda: plots.clusters(
            model, given, seed=seed, image_shape=image_shape
        )
    if labels is not None and label_classes(model) is not None:
        pictures["styles"] = lambda: plots.styles(
            model, given, image_shape=image_shape, class_names=class_names
        )
    return pictures


def _named(labels, class_names):
    """Labels by their names, where they have some."""
    if labels is None or class_names is None:
        return labels
    return np.array(class_names)[labels]


def _start(*arrays):
    """The first examples of each, as many as can be told apart."""
    return keras.tree.map_structure(
        lambda array: None if array is None else array[:SHOWN], list(arrays)
    )


def _is_picture(model, image_shape):
    blank = np.zeros((1, *model.decoder.outputs[0].shape[1:]))
    try:
        plots.image_grid(blank, 1, image_shape)
    except ValueError:
        return False
    return True
