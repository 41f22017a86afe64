"""Priors and regularisers that a `GaussianLatent` takes by name."""

from typing import Any

import keras

from keras_capsvae.latents.discrepancy import MaximumMeanDiscrepancy
from keras_capsvae.latents.priors import Prior
from keras_capsvae.latents.priors import StandardNormal
from keras_capsvae.latents.regularisers import Regulariser
from keras_capsvae.latents.total_correlation import TotalCorrelation
from keras_capsvae.latents.vamp import VampPrior

REGULARISERS = {"mmd": MaximumMeanDiscrepancy, "tc": TotalCorrelation}


def regulariser_of(regulariser: Any) -> Regulariser | None:
    """A regulariser from one, its name, or `None`."""
    if isinstance(regulariser, str) and regulariser in REGULARISERS:
        return REGULARISERS[regulariser]()
    if regulariser is not None and not isinstance(regulariser, Regulariser):
        raise TypeError(
            "`regulariser` must be a Regulariser or one of "
            f"{tuple(REGULARISERS)}. Received: {regulariser!r} of type "
            f"{type(regulariser).__name__}"
        )
    return regulariser


def prior_of(prior: Any) -> Prior:
    """A prior from one, its name or config, or `None`: `StandardNormal()`."""
    if prior is None:
        return StandardNormal()
    if isinstance(prior, dict):
        prior = keras.saving.deserialize_keras_object(prior)
    if isinstance(prior, str) and prior == "vamp":
        return VampPrior()
    if not isinstance(prior, Prior):
        raise TypeError(
            "`prior` must be a prior, e.g. GaussianMixture(10), or 'vamp'. "
            f"Received: {prior!r} of type {type(prior).__name__}"
        )
    return prior
