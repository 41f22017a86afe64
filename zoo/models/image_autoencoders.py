"""What the VAEs of images share: their options and how they are composed."""

from collections.abc import Callable
from typing import Any

import keras

from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import VariationalAutoencoder
from zoo.cards.shared import SHARED
from zoo.models.autoencoders import LATENT_ARGUMENTS
from zoo.models.autoencoders import Parts
from zoo.models.autoencoders import composed_by
from zoo.models.autoencoders import with_latent

SHARED_ARGUMENTS = f"""

Keyword arguments of every VAE of images:{LATENT_ARGUMENTS}
    num_samples: Posterior samples of an importance-weighted bound. Defaults to
        {{num_samples}}.
    gradient: `"plain"`, `"stl"` or `"dreg"` of that bound, see
        `ImportanceWeightedAutoencoder`. The latter two need `num_samples`.
        Defaults to `"plain"`.
    input_range: See `VariationalAutoencoder`. Defaults to (0, 1).
    name: Name of the model.
"""


def image_vae(usual_prior: str = "N(0, 1)", **changed: Any) -> Callable:
    """Make a builder of a function that gives the parts of a VAE of images.

    The builder takes the function's arguments and, keyword-only, those that
    all VAEs of images share.

    Args:
        usual_prior: What the docstring says of the prior. Defaults to "N(0,
            1)".
        **changed: Shared arguments that have another default.
    """
    usual = SHARED["image_vae"] | changed
    documentation = SHARED_ARGUMENTS.format(
        prior=usual_prior,
        vamp=', or `"vamp"`, a `VampPrior` of 500 pseudo-inputs',
        num_samples="`None`: the ELBO"
        if usual["num_samples"] is None
        else f"{usual['num_samples']}; with `None` it is the ELBO",
    )
    return composed_by(image_autoencoder, usual, documentation)


def image_autoencoder(
    parts: Parts,
    *,
    num_samples: int | None,
    gradient: str,
    input_range: tuple[float, float] | None,
    name: str,
    **of_latent: Any,
) -> keras.Model:
    """Trained on the ELBO, or on the bound of `num_samples`."""
    composed = with_latent(parts, input_range, **of_latent)
    options = {"input_range": input_range, "name": name}
    if num_samples is None:
        if gradient != "plain":
            raise ValueError(
                "`gradient` is that of the bound of several samples, and must "
                "be 'plain' without `num_samples`. "
                f"Received: gradient={gradient!r} with num_samples=None"
            )
        return VariationalAutoencoder(*composed, **options)
    return ImportanceWeightedAutoencoder(
        *composed, num_samples=num_samples, gradient=gradient, **options
    )
