"""Figures of merit of trained models."""

import functools
import math
from typing import Any

import keras
import numpy as np

from keras_capsvae import CodeAutoencoder
from keras_capsvae import DiscretisedLogisticReconstruction
from keras_capsvae import GaussianLatent
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import PoemAutoencoder
from keras_capsvae import VariationalAutoencoder
from keras_capsvae import VonMisesFisherLatent
from keras_capsvae import bits_per_dim
from keras_capsvae.latents import Latent
from keras_capsvae.numerics import LOG_VAR_LIMIT
from keras_capsvae.typing import Tensor
from zoo import likelihood
from zoo.datasets.feeds import training_pair
from zoo.evaluation.clustering import empty_clusters
from zoo.evaluation.codes import code_figures
from zoo.evaluation.texts import text_figures

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
        model: A model of the zoo, or one composed of the same classes.
        images: Images shaped for the model, or ids of texts; with conditions
            that are no classes the list `[images, conditions]`.
        labels: Integer labels, for a conditional model or a classifier.
            Defaults to `None`.
        batch_size: Images at a time. Defaults to 100.
        verbose: As in `keras.Model.evaluate`.
        num_samples: Posterior samples of each image for `log_likelihood` of a
            VAE. Defaults to `None`: leave it out.

    Returns:
        Of a VAE a dict of `reconstruction_loss`, `kl_loss`, their sum
        `negative_elbo`, and `loss`, which is the same, whatever the model's
        `kl_weight` and `free_bits`, or an importance-weighted model's own; all
        in nats an image; and of `active_units`, with a prior of clusters also
        of `empty_clusters`. Under a
        `DiscretisedLogisticReconstruction` also of `bits_per_dim`, of each
        value. Of a model of codes, in place of `active_units`, what
        `code_figures` gives. With `num_samples` also
        `log_likelihood`, its standard error over the images, and
        `mutual_information`. Of a VAE of texts also what
        `text_figures` gives. Of a classifier a dict of the
        compiled loss and metrics, among them `accuracy`.

    Raises:
        ValueError: If the data do not fit the model, or there are `num_samples`
            for a model without latents.

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
    return figures | figures_of(model, figures, inputs, num_samples, verbose)


@functools.singledispatch
def has_latents(model: keras.Model) -> bool:
    """Whether a model has a posterior that can be judged."""
    return False


@has_latents.register
def _(model: VariationalAutoencoder):
    return True


@functools.singledispatch
def figures_of(
    model: keras.Model,
    compiled: dict[str, float],
    inputs: Any,
    num_samples: int | None = None,
    verbose: str | int = "auto",
) -> dict[str, float]:
    """What `evaluate` says of a kind of model beside its compiled metrics.

    Args:
        model, num_samples, verbose: As of `evaluate`.
        compiled: What `keras.Model.evaluate` gave.
        inputs: What the model takes.
    """
    if num_samples is not None:
        raise ValueError(
            "`num_samples` must be None for a model without latents. "
            f"Received: num_samples={num_samples} for {model.name}"
        )
    return {}


@figures_of.register(VariationalAutoencoder)
def _of_autoencoder(model, compiled, inputs, num_samples=None, verbose="auto"):
    nats = compiled["negative_elbo"]
    bound = {"loss": nats, **of_loss(model.loss, nats, model)}
    return bound | _of_latents(model, inputs, num_samples, verbose)


@functools.singledispatch
def of_loss(loss: Any, nats: float, model: keras.Model) -> dict[str, float]:
    """What a kind of likelihood says of the nats of an example."""
    return {}


@of_loss.register
def _(loss: DiscretisedLogisticReconstruction, nats, model):
    dims = math.prod(model.inputs[0].shape[1:])
    return {"bits_per_dim": float(bits_per_dim(nats, dims))}


@figures_of.register(CodeAutoencoder)
def _of_codes(model, compiled, inputs, num_samples=None, verbose="auto"):
    if num_samples is not None:
        raise ValueError(
            "`num_samples` must be None for a model of codes, whose bound is "
            f"exact. Received: num_samples={num_samples} for {model.name}"
        )
    nats = compiled["negative_elbo"]
    bound = {"loss": nats, **of_loss(model.loss, nats, model)}
    return bound | code_figures(model, inputs)


@figures_of.register(ImportanceWeightedAutoencoder)
def _of_several_samples(
    model, compiled, inputs, num_samples=None, verbose="auto"
):
    of_bound = of_loss(model.loss, compiled["loss"], model)
    return of_bound | _of_latents(model, inputs, num_samples, verbose)


@figures_of.register(PoemAutoencoder)
def _of_poet(model, compiled, inputs, num_samples=None, verbose="auto"):
    figures = _of_autoencoder(model, compiled, inputs, num_samples, verbose)
    return figures | text_figures(model, inputs, figures["loss"])


def _of_latents(model, inputs, num_samples, verbose):
    figures: dict[str, float] = {}
    if model.latent.num_codes is None:  # numbers of categories do not vary
        figures["active_units"] = active_units(model, inputs)
    if model.latent.num_clusters is not None:
        figures["empty_clusters"] = empty_clusters(model, inputs)
    if num_samples is None:
        return figures
    values = likelihood.log_likelihood(
        model, inputs, num_samples, verbose=verbose
    )
    figures["log_likelihood"] = float(values.mean())
    figures["standard_error"] = float(values.std() / len(values) ** 0.5)
    return figures | _of_posterior(model.latent, model, inputs)


@functools.singledispatch
def _of_posterior(latent: Latent, model, inputs):
    return {}


@_of_posterior.register
def _(latent: GaussianLatent, model, inputs):
    return {"mutual_information": mutual_information(model, inputs)}


def active_units(model: keras.Model, images: Any) -> int:
    """Number of latents that depend on the image.

    A unit is active if its posterior mean has a variance above a hundredth of
    the prior's over the images; a collapsed posterior has none. That of the
    prior is 1, on a sphere of d dims 1/d, and counts as 1 for mixtures too.

    Args:
        model: A VAE.
        images: Images shaped for its encoder, at least 2; with the conditions
            that it takes the list `[images, conditions]`.

    Returns:
        An integer between 0 and the number of latents.

    Raises:
        ValueError: If there are fewer than 2 images, or the latents are codes.

    Source: Burda et al., "Importance Weighted Autoencoders", 2015, section 5.2.
    """
    _check_several(images)
    if model.latent.num_codes is not None:
        raise ValueError(
            "Units that are active are told by numbers, which codes are not. "
            f"Received: {type(model.latent).__name__}"
        )
    variance = np.var(model.encode(images), axis=0)
    least = ACTIVE_VARIANCE * variance_of_prior(model.latent)
    return int(np.sum(variance > least))


@functools.singledispatch
def variance_of_prior(latent: Latent) -> float:
    """What the variance of a latent that tells something is held against."""
    return 1.0


@variance_of_prior.register
def _(latent: VonMisesFisherLatent):
    return 1 / latent.dims


def posterior_deviations(model: keras.Model, images: Any) -> np.ndarray:
    """σ of each latent of each image.

    Args:
        model: A VAE with Gaussian latents.
        images: As of `active_units`.

    Returns:
        Array `(n, latent_dim)`: near 1 for a latent that the posterior leaves
        at the prior, small for one that the image decides.

    Raises:
        TypeError: If the latents are not Gaussian.

    Source: kexue.fm 5383.
    """
    _check_gaussian(model)
    _, z_log_var = model.posterior(images)
    return np.exp(0.5 * np.clip(z_log_var, -LOG_VAR_LIMIT, LOG_VAR_LIMIT))


def mutual_information(model: keras.Model, images: Any, seed: int = 0) -> float:
    """Nats that a latent sample tells of its image, among these images.

    `mean_i [ln p(z_i|x_i) − ln (1/n) Σ_j p(z_i|x_j)]` with one sample z_i of
    each posterior; between 0 and ln n but for sampling noise.

    Args:
        model: A VAE with Gaussian latents.
        images: As of `active_units`.
        seed: Integer seed of the samples. Defaults to 0.

    Returns:
        A number of nats.

    Raises:
        TypeError: If the latents are not Gaussian.
        ValueError: If there are fewer than 2 images.

    Source: Hoffman and Johnson, "ELBO surgery", 2016.
    """
    _check_gaussian(model)
    _check_several(images)
    heads = model.posterior(images)
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


def _check_gaussian(model):
    latent = getattr(model, "latent", None)
    if not isinstance(latent, GaussianLatent):
        raise TypeError(
            "`model` must be a VAE with a Gaussian posterior, a GaussianLatent."
            f" Received: a {type(model).__name__} with "
            f"latent={type(latent).__name__}"
        )


def _check_several(images):
    count = len(images[0] if isinstance(images, list) else images)
    if count < 2:
        raise ValueError(f"There must be at least 2 images. Received: {count}")
