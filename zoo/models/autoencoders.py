"""How a builder of a VAE is made of its parts, and what Gaussian VAEs share."""

import inspect
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

import keras
from keras import layers

from keras_capsvae import GaussianLatent
from keras_capsvae import NormalisedMean
from keras_capsvae import Prior
from keras_capsvae import Regulariser
from keras_capsvae import VampPrior
from keras_capsvae.typing import Tensor
from zoo.cards.shared import SHARED
from zoo.registry.signatures import extend
from zoo.registry.signatures import keyword_only

LATENT_ARGUMENTS = """
    prior: Prior of the latents, such as `GaussianMixture(10)`{vamp}. Defaults
        to `None`: {prior}.
    kl_weight: Weight of the KL divergence (β). Defaults to 1.
    free_bits: Nats of each latent that cost nothing, see `KLLoss`. Defaults to
        0.
    capacity: Nats C that the divergence should have, which the penalty
        `β · |KL − C|` asks for. Defaults to `None`: none.
    regulariser: `"mmd"`, `"tc"` or a `Regulariser`, see `GaussianLatent`.
        Defaults to `None`: none.
    normalised_mean: γ of a `NormalisedMean` behind `z_mean`, which keeps
        latents from collapsing. Defaults to `None`: without."""


class Parts(NamedTuple):
    """What a VAE is composed of."""

    encoder: keras.Model
    decoder: keras.Model
    prior: Prior | None = None


def heads(features: Tensor, latent_dim: int) -> list[Tensor]:
    """Mean and log-variance of the posterior, (batch, latent_dim) each."""
    z_mean = layers.Dense(latent_dim, name="z_mean")(features)
    z_log_var = layers.Dense(latent_dim, name="z_log_var")(features)
    return [z_mean, z_log_var]


def composed_by(
    compose: Callable[..., keras.Model],
    usual: Mapping[str, Any],
    documentation: str,
) -> Callable:
    """Decorator that makes a builder of a function that gives `Parts`.

    The builder takes the function's arguments and, keyword-only, those of
    `with_latent` and of `compose`.

    Args:
        compose: `Parts` and shared arguments → model.
        usual: Defaults of the shared arguments, in the order of the signature.
        documentation: What is said of them.
    """
    declared = {
        parameter.name: parameter
        for function in (with_latent, compose)
        for parameter in keyword_only(function)
    }

    def decorate(parts_of: Callable[..., Parts]) -> Callable:
        defaults = {**usual, "name": parts_of.__name__}

        def build(*sizes, **options) -> keras.Model:
            shared = {key: options.pop(key, defaults[key]) for key in defaults}
            return compose(parts_of(*sizes, **options), **shared)

        more = [
            declared[name].replace(default=default)
            for name, default in defaults.items()
        ]
        extend(build, parts_of, more)
        build.__doc__ = inspect.getdoc(parts_of) + documentation
        return build

    return decorate


def gaussian_vae(
    model_class: Callable[..., keras.Model], family: str, data: str
) -> Callable:
    """Make a builder of a function that gives the parts of a VAE of a kind.

    The builder takes the function's arguments and, keyword-only, those that
    say how its latents are made.

    Args:
        model_class: Encoder, decoder, latent and name → model.
        family: Name of its shared arguments in `SHARED`.
        data: What the docstring calls its data.
    """

    def compose(parts: Parts, *, name: str, **of_latent: Any) -> keras.Model:
        return model_class(*with_latent(parts, **of_latent), name=name)

    of_latents = LATENT_ARGUMENTS.format(prior="N(0, 1)", vamp="")
    documentation = (
        f"\n\nKeyword arguments of every VAE of {data}:{of_latents}\n"
        "    name: Name of the model.\n"
    )
    return composed_by(compose, SHARED[family], documentation)


def with_latent(
    parts: Parts,
    input_range: tuple[float, float] | None = None,
    *,
    prior: Prior | str | None,
    kl_weight: float,
    free_bits: float,
    capacity: float | None,
    regulariser: Regulariser | str | None,
    normalised_mean: float | None,
) -> tuple[keras.Model, keras.Model, GaussianLatent]:
    """Encoder, decoder and the latent between them.

    Args:
        parts: The parts.
        input_range: That of pseudo-inputs.
        prior, kl_weight, free_bits, capacity, regulariser, normalised_mean: See
            `LATENT_ARGUMENTS`.
    """
    encoder, decoder, own_prior = parts
    if prior is not None and own_prior is not None:
        raise ValueError(
            "`prior` must be None: this model has a "
            f"{type(own_prior).__name__} of its own. Received: prior={prior!r}"
        )
    if isinstance(prior, str) and prior == "vamp":
        prior = VampPrior(input_range=input_range)
    latent = GaussianLatent(
        prior or own_prior,
        kl_weight=kl_weight,
        free_bits=free_bits,
        capacity=capacity,
        regulariser=regulariser,
    )
    if normalised_mean is not None:
        z_mean, z_log_var = encoder.outputs
        layer = NormalisedMean(normalised_mean, name="normalised_mean")
        heads = [layer(z_mean), z_log_var]
        encoder = keras.Model(encoder.input, heads, name=encoder.name)
    return encoder, decoder, latent
