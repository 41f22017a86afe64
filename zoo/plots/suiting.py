"""Which pictures suit a kind of model."""

import functools
import warnings
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

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
from zoo.plots.canvas import Picture
from zoo.plots.of_latents import has_axes
from zoo.plots.of_latents import is_plane
from zoo.plots.of_latents import map_of

SHOWN = 5000  # points of a scatter plot


class Shown(NamedTuple):
    """What pictures are drawn of; see `gallery.draw`."""

    images: Any = None
    labels: np.ndarray | None = None
    image_shape: tuple[int, ...] | None = None
    seed: int = 0
    class_names: Sequence[str] | None = None


@functools.singledispatch
def pictures_of(
    model: keras.Model, shown: Shown
) -> dict[str, Callable[[], Picture]]:
    """Name → what draws it, of all that suit a kind of model."""
    return {}


@pictures_of.register(PoemAutoencoder)
@pictures_of.register(TextClassifier)
def _of_texts(model, shown):
    return {}


@pictures_of.register(Classifier)
def _of_classifier(model, shown):
    if shown.images is None:
        raise ValueError(
            f"{model.name} classifies and draws nothing of its own: give "
            "images (on the command line --data, e.g. --data mnist_small)"
        )
    return {
        "predictions": lambda: plots.predictions(
            model, shown.images, shown.labels, class_names=shown.class_names
        )
    }


@pictures_of.register(MatrixCapsuleNetwork)
def _of_matrix_capsules(model, shown):
    return _of_classifier(model, shown) | {
        "assignments": lambda: plots.assignments(
            model, shown.images[0], class_names=shown.class_names
        )
    }


@pictures_of.register(CapsuleNetwork)
def _of_capsules(model, shown):
    names = shown.class_names
    pictures = {
        "couplings": lambda: plots.couplings(
            model, shown.images[0], class_names=names
        )
    }
    if model.decoder is not None:
        pictures["reconstructions"] = lambda: plots.reconstructions(
            model, shown.images
        )
        pictures["perturbations"] = lambda: plots.perturbations(
            model, shown.images[0], class_names=names
        )
    return _of_classifier(model, shown) | pictures


@pictures_of.register(VariationalAutoencoder)
def _of_autoencoder(model, shown):
    is_picture = _is_picture(model, shown.image_shape)
    pictures = {}
    if is_picture:
        pictures = _of_draws(model, shown)
    else:
        warnings.warn(
            "No pictures of images: their shape "
            f"{tuple(model.decoder.outputs[0].shape[1:])} is neither grey, RGB "
            "nor flat and square. The zoo.plots functions take `image_shape`.",
            stacklevel=3,
        )
    if shown.images is None:
        return pictures
    given = shown.images
    if shown.labels is not None:
        given, _ = training_pair(model, given, shown.labels)
    if is_picture:
        pictures |= _of_encoded(model, given, shown)
    return pictures | _of_latents(model, given, shown)


@pictures_of.register(TabularAutoencoder)
def _of_tables(model, shown):
    if shown.images is None:
        return {}
    return _of_latents(model, shown.images, shown)


def _of_draws(model, shown):
    """Of what a model makes without examples."""
    pictures = {}
    has_classes = label_classes(model) is not None
    if not has_classes or len(model.decoder.inputs) == 1:
        pictures["samples"] = lambda: plots.samples(
            model, seed=shown.seed, image_shape=shown.image_shape
        )
    if has_classes:
        pictures["class_samples"] = lambda: plots.class_samples(
            model,
            seed=shown.seed,
            image_shape=shown.image_shape,
            class_names=shown.class_names,
        )
    elif is_plane(model.latent, model.decoder.inputs[0].shape[-1]):
        pictures["manifold"] = lambda: plots.manifold(
            model, image_shape=shown.image_shape
        )
    return pictures


def _of_encoded(model, given, shown):
    """Of what a model makes of examples."""
    shape = shown.image_shape
    pictures = {
        "reconstructions": lambda: plots.reconstructions(
            model, given, image_shape=shape
        )
    }
    if has_axes(model.latent, model.decoder.inputs[0].shape[1:]):
        pictures["traversals"] = lambda: plots.traversals(
            model, _first(given), image_shape=shape
        )
    if model.latent.num_clusters is not None:
        pictures["clusters"] = lambda: plots.clusters(
            model, given, seed=shown.seed, image_shape=shape
        )
    if shown.labels is not None and label_classes(model) is not None:
        pictures["styles"] = lambda: plots.styles(
            model, given, image_shape=shape, class_names=shown.class_names
        )
    return pictures


def _of_latents(model, given, shown):
    """Of where examples lie."""
    plot = map_of(model.latent)
    if plot is None:
        return {}
    labels = _named(shown.labels, shown.class_names)
    return {"latent": lambda: plot(model, _first(given), _first(labels))}


def _named(labels, class_names):
    """Labels by their names, where they have some."""
    if labels is None or class_names is None:
        return labels
    return np.array(class_names)[labels]


def _first(arrays):
    """The first examples, as many as can be told apart."""
    if arrays is None:
        return None
    return keras.tree.map_structure(lambda array: array[:SHOWN], arrays)


def _is_picture(model, image_shape):
    blank = np.zeros((1, *model.decoder.outputs[0].shape[1:]))
    try:
        plots.image_grid(blank, 1, image_shape)
    except ValueError:
        return False
    return True
