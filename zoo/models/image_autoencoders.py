"""What the VAEs of images share: their options and how they are composed."""

import inspect
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

import keras
from keras import layers

from keras_capsvae import GaussianLatent
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import Prior
from keras_capsvae import VampPrior
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.typing import Tensor
from zoo.cards.shared import SHARED
from zoo.registry.signatures import extend
from zoo.registry.signatures import keyword_only

SHARED_ARGUMENTS = """

Keyword arguments of every VAE of images:
    prior: Prior of the latents, such as `GaussianMixture(10)`, or `"vamp"`, a
        `VampPrior` of 500 pseudo-inputs. Defaults to `None`: {prior}.
    kl_weight: Weight of the KL divergence (β). Defaults to 1.
    num_samples: Posterior samples of an importance-weighted bound. Defaults to
        {num_samples}.
    gradient: `"plain"`, `"stl"` or `"dreg"` of that bound, see
        `ImportanceWeightedAutoencoder`. The latter two need `num_samples`.
        Defaults to `"plain"`.
    input_range: See `VariationalAutoencoder`. Defaults to (0, 1).
    name: Name of the model.
"""


class Parts(NamedTuple):
    """What a VAE of images is composed of."""

    encoder: keras.Model
    decoder: keras.Model
    prior: Prior | None = None


def image_vae(usual_prior: str = "N(0, 1)", **changed: Any) -> Callable:
    """Make a builder of a function that gives the parts of a VAE of images.

    The builder takes the function's arguments and, keyword-only, those that
    all VAEs of images share.

    Args:
        usual_prior: What the docstring says of the prior. Defaults to "N(0,
            1)".
        **changed: Shared arguments that have another default.
    """

    def decorate(parts_of: Callable[..., Parts]) -> Callable:
        usual = SHARED["image_vae"] | changed | {"name": parts_of.__name__}

        def build(*sizes, **options) -> keras.Model:
            shared = {key: options.pop(key, usual[key]) for key in usual}
            return image_autoencoder(parts_of(*sizes, **options), **shared)

        more = [
            parameter.replace(default=usual[parameter.name])
            for parameter in keyword_only(image_autoencoder)
        ]
        extend(build, parts_of, more)
        build.__doc__ = inspect.getdoc(parts_of) + SHARED_ARGUMENTS.format(
            prior=usual_prior,
            num_samples="`None`: the ELBO"
            if usual["num_samples"] is None
            else f"{usual['num_samples']}; with `None` it is the ELBO",
        )
        return build

    return decorate


def image_autoencoder(
    parts: Parts,
    *,
    prior: Prior | str | None,
    kl_weight: float,
    num_samples: int | None,
    gradient: str,
    input_range: tuple[float, float] | None,
    name: str,
) -> keras.Model:
    """Trained on the ELBO, or on the bound of `num_samples`."""
    encoder, decoder, usual_prior = parts
    if prior is not None and usual_prior is not None:
        raise ValueError(
            f"`prior` must be None: a {name} has a {type(usual_prior).__name__}"
            f" of its own. Received: prior={prior!r}"
        )
    if prior == "vamp":
        prior = VampPrior(input_range=input_range)
    latent = GaussianLatent(prior or usual_prior, kl_weight=kl_weight)
    options = {"input_range": input_range, "name": name}
    if num_samples is None:
        if gradient != "plain":
            raise ValueError(
                "`gradient` is that of the bound of several samples, and must "
                "be 'plain' without `num_samples`. "
                f"Received: gradient={gradient!r} with num_samples=None"
            )
        return VariationalAutoencoder(encoder, decoder, latent, **options)
    return ImportanceWeightedAutoencoder(
        encoder,
        decoder,
        latent,
        num_samples=num_samples,
        gradient=gradient,
        **options,
    )


def heads(features: Tensor, latent_dim: int) -> list[Tensor]:
    """Mean and log-variance of the posterior, (batch, latent_dim) each."""
    z_mean = layers.Dense(latent_dim, name="z_mean")(features)
    z_log_var = layers.Dense(latent_dim, name="z_log_var")(features)
    return [z_mean, z_log_var]
