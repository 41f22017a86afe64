"""Figures of merit of trained models."""

from typing import Any

import keras
import numpy as np

from keras_capsvae import Classifier
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import PoemAutoencoder
from keras_capsvae.numerics import LOG_VAR_LIMIT
from keras_capsvae.typing import Tensor
from zoo import likelihood
from zoo.datasets.feeds import training_pair
from zoo.evaluation import texts as text_evaluation

ACTIVE_VARIANCE = 0.01
PAIRED_ROWS = 400  # of 10,000 pairs each: 32 MB


def evaluate(
    model: keras.Model,
    images: Tensor,
    labels: Tensor | None = None,
    batch_size: int = 100,
    verbose: str | int = "auto",
    num_samples: int | None = None,
) -> dict[str, float]:
    """Figures of merit of a model on a data set.

    Args:
        model: A model of the zoo.
        images: Images shaped for the model, or ids of texts.
        labels: Integer labels, for a conditional model or a classifier.
            Defaults to `None`.
        batch_size: Images at a time. Defaults to 100.
        verbose: As in `keras.Model.evaluate`.
        num_samples: Posterior samples of each image for `log_likelihood` of a
            VAE. Defaults to `None`: leave it out.

    Returns:
        For a VAE a dict of `reconstruction_loss`, `kl_loss`, their sum `loss`
        (the negative ELBO, whatever the model's `kl_weight` and `free_bits`;
        the loss itself of an importance-weighted model), all in nats an
        image, and `active_units`. With `num_samples` also `log_likelihood`,
        its standard error over the images, and `mutual_information`. For a VAE
        of texts also
        what `text_evaluation.figures_of` gives. For a classifier a dict of the
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
    if not isinstance(model, ImportanceWeightedAutoencoder):
        figures["loss"] = figures["negative_elbo"]
    figures["active_units"] = active_units(model, images)
    if num_samples is not None:
        values = likelihood.log_likelihood(
            model, inputs, num_samples, verbose=verbose
        )
        figures["log_likelihood"] = float(values.mean())
        error = values.std() / len(values) ** 0.5
        figures["standard_error"] = float(error)
        figures["mutual_information"] = mutual_information(model, images)
    if isinstance(model, PoemAutoencoder):
        figures |= text_evaluation.figures_of(model, images, figures["loss"])
    return figures


def active_units(model: keras.Model, images: Any) -> int:
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
    _check_several(images)
    variance = np.var(model.encode(images), axis=0)
    return int(np.sum(variance > ACTIVE_VARIANCE))


def posterior_deviations(model: keras.Model, images: Any) -> np.ndarray:
    """σ of each latent of each image.

    Args:
        model: A VAE of the zoo.
        images: Images shaped for its encoder.

    Returns:
        Array `(n, latent_dim)`: near 1 for a latent that the posterior leaves
        at the prior, small for one that the image decides.

    Source: kexue.fm 5383.
    """
    _, z_log_var = model.encoder.predict(images, verbose=0)
    return np.exp(0.5 * np.clip(z_log_var, -LOG_VAR_LIMIT, LOG_VAR_LIMIT))


def mutual_information(model: keras.Model, images: Any, seed: int = 0) -> float:
    """Nats that a latent sample tells of its image, among these images.

    `mean_i [ln p(z_i|x_i) − ln (1/n) Σ_j p(z_i|x_j)]` with one sample z_i of
    each posterior; between 0 and ln n but for sampling noise.

    Args:
        model: A VAE of the zoo.
        images: Images shaped for its encoder, at least 2.
        seed: Integer seed of the samples. Defaults to 0.

    Returns:
        A number of nats.

    Raises:
        ValueError: If there are fewer than 2 images.

    Source: Hoffman and Johnson, "ELBO surgery", 2016.
    """
    _check_several(images)
    heads = model.encoder.predict(images, verbose=0)
    z_mean, z_log_var = (np.asarray(head, "float64") for head in heads)
    z_log_var = np.clip(z_log_var, -LOG_VAR_LIMIT, LOG_VAR_LIMIT)
    precision = np.exp(-z_log_var)
    noise = np.random.default_rng(seed).standard_normal(z_mean.shape)
    z = z_mean + noise / np.sqrt(precision)
    own = -0.5 * (noise**2 + z_log_var).sum(-1)
    shift = (z_mean**2 * precision + z_log_var).sum(-1)  # of each posterior
    total = 0.0
    for rows in np.array_split(np.arange(len(z)), -(-len(z) // PAIRED_ROWS)):
        # −2 ln p(z_i|x_j), constants aside, by products of matrices
        squares = z[rows] ** 2 @ precision.T
        squares += shift - 2 * z[rows] @ (z_mean * precision).T
        densities = -0.5 * squares
        marginal = np.logaddexp.reduce(densities, axis=1) - np.log(len(z))
        total += (own[rows] - marginal).sum()
    return float(total / len(z))


def _check_several(images):
    if len(images) < 2:
        raise ValueError(
            f"There must be at least 2 images. Received: {len(images)}"
        )
