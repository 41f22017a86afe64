"""All pictures that suit a model, drawn into a folder; texts as text."""

import os
import pathlib
import warnings
from typing import Any

import keras
import numpy as np

from keras_capsvae import CapsuleNetwork
from keras_capsvae import Classifier
from keras_capsvae import MatrixCapsuleNetwork
from zoo import plots
from zoo.datasets.feeds import takes_text
from zoo.plots import text_pages as text_gallery


def draw(
    model: keras.Model,
    folder: str | os.PathLike,
    images: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    history: Any = None,
    image_shape: tuple[int, ...] | None = None,
    seed: int = 0,
) -> list[pathlib.Path]:
    """Draw every picture that suits a model; write texts of a model of them.

    Args:
        model: A model of the zoo.
        folder: Where to; made if missing.
        images: Images (or ids of texts) to encode, reconstruct or classify.
            Defaults to `None`: only what needs none, which a classifier has
            not.
        labels: Their integer labels. Defaults to `None`.
        history: What `plots.training_curves` takes. Defaults to `None`.
        image_shape: `(height, width, channels)` of flat images that are not
            square. Defaults to `None`.
        seed: Integer seed of what is drawn at random. Defaults to 0.

    Returns:
        The paths of the pictures and texts.

    Raises:
        ValueError: If the model is a classifier and there are no images.
    """
    pages, figures = {}, {}
    if takes_text(model):
        pages = text_gallery.pages(model, images, labels, seed)
        is_classifier = isinstance(model, Classifier)
        loss_unit = "loss" if is_classifier else "nats per text"
    elif isinstance(model, Classifier):
        figures = _of_classifier(model, images, labels)
        loss_unit = "loss"
    else:
        figures = _of_autoencoder(model, images, labels, image_shape, seed)
        loss_unit = "nats per image"
    if history is not None:
        figures["training"] = plots.training_curves(history, loss_unit)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, page in pages.items():
        paths.append(folder / f"{name}.txt")
        paths[-1].write_text(page, encoding="utf-8")
    for name, figure in figures.items():
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], bbox_inches="tight")
    return paths


def _of_classifier(model, images, labels):
    if images is None:
        raise ValueError(
            f"{model.name} classifies and draws nothing of its own: give "
            "images (on the command line --data, e.g. --data digits)"
        )
    figures = {"predictions": plots.predictions(model, images, labels)}
    if isinstance(model, MatrixCapsuleNetwork):
        figures["assignments"] = plots.assignments(model, images[0])
    if isinstance(model, CapsuleNetwork):
        figures["couplings"] = plots.couplings(model, images[0])
        if model.decoder is not None:
            figures["reconstructions"] = plots.reconstructions(model, images)
            figures["perturbations"] = plots.perturbations(model, images[0])
    return figures


def _of_autoencoder(model, images, labels, image_shape, seed):
    figures = {}
    if _is_picture(model, image_shape):
        figures = _drawn_images(model, images, image_shape, seed)
    else:
        warnings.warn(
            "No pictures of images: their shape "
            f"{tuple(model.decoder.outputs[0].shape[1:])} is neither grey, RGB "
            "nor flat and square. The zoo.plots functions take `image_shape`.",
            stacklevel=3,
        )
    if images is not None:
        figures["latent"] = plots.latent_scatter(
            model, images[:5000], None if labels is None else labels[:5000]
        )
    return figures


def _drawn_images(model, images, image_shape, seed):
    figures = {
        "samples": plots.samples(model, seed=seed, image_shape=image_shape)
    }
    if model.num_classes is not None:
        figures["class_samples"] = plots.class_samples(
            model, seed=seed, image_shape=image_shape
        )
    elif model.decoder.inputs[0].shape[-1] <= 2:
        figures["manifold"] = plots.manifold(model, image_shape=image_shape)
    if images is not None:
        figures["reconstructions"] = plots.reconstructions(
            model, images, image_shape=image_shape
        )
    return figures


def _is_picture(model, image_shape):
    blank = np.zeros((1, *model.decoder.outputs[0].shape[1:]))
    try:
        plots.image_grid(blank, 1, image_shape)
    except ValueError:
        return False
    return True
