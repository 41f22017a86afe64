"""Likelihood of single examples under a VAE, by importance sampling."""

from keras_capsvae.models.likelihood import elbo
from keras_capsvae.models.likelihood import log_likelihood

__all__ = ["elbo", "log_likelihood"]
