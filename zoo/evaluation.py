"""Figures of merit of trained models."""

import keras
import numpy as np

from keras_capsvae import Classifier
from keras_capsvae import PoemAutoencoder
from zoo import text_evaluation
from zoo.feeds import training_pair

ACTIVE_VARIANCE = 0.01


def evaluate(model, images, labels=None, batch_size=100, verbose="auto"):
    """Figures of merit of a model on a data set.

    Args:
        model: A model of the zoo.
        images: Images shaped for the model, or ids of texts.
        labels: Integer labels, for a conditional model or a classifier.
            Defaults to `None`.
        batch_size: Images at a time. Defaults to 100.
        verbose: As in `keras.Model.evaluate`.

    Returns:
        For a VAE a dict of `reconstruction_loss`, `kl_loss`, their sum `loss`
        (the negative ELBO, whatever the model's `kl_weight`), all in nats an
        image, and `active_units`; for one of texts also what
        `text_evaluation.figures_of` gives. For a classifier a dict of the
        compiled loss and metrics, among them `accuracy`.

    Example:

    >>> evaluate(zoo.dense_vae(weights="mnist"), digits.x_test)
    """
    inputs, targets = training_pair(model, images, labels)
    figures = model.evaluate(
        inputs,
        targets,
        batch_size=batch_size,
        verbose=verbose,
        return_dict=True,
    )
    if isinstance(model, Classifier):
        return figures
    figures["loss"] = figures["reconstruction_loss"] + figures["kl_loss"]
    figures["active_units"] = active_units(model, images)
    if isinstance(model, PoemAutoencoder):
        figures |= text_evaluation.figures_of(model, images, figures["loss"])
    return figures


def active_units(model, images):
    """Number of latents that depend on the image.

    A unit is active if its posterior mean has a variance above 0.01 over the
    images; a collapsed posterior has none.

    Args:
        model: A VAE of the zoo.
        images: Images shaped for its encoder, at least 2.

    Returns:
        An integer between 0 and the number of latents.

    Raises:
        ValueError: If there are fewer than 2 images.

    Source: Burda et al., "Importance Weighted Autoencoders", 2015, section 5.2.
    """
    if len(images) < 2:
        raise ValueError(f"Expected at least 2 images. Received: {len(images)}")
    z_mean, _ = model.encoder.predict(images, verbose=0)
    variance = np.var(keras.ops.convert_to_numpy(z_mean), axis=0)
    return int(np.sum(variance > ACTIVE_VARIANCE))
