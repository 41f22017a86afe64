"""Latents of variational autoencoders, and their priors."""

from keras_capsvae.latents.base import Latent
from keras_capsvae.latents.gaussian import GaussianLatent
from keras_capsvae.latents.numbers import GraphNumbers
from keras_capsvae.latents.numbers import NumpyNumbers
from keras_capsvae.latents.priors import ClassMeans
from keras_capsvae.latents.priors import GaussianMixture
from keras_capsvae.latents.priors import StandardNormal
from keras_capsvae.latents.priors import UnitGaussian

__all__ = [
    "ClassMeans",
    "GaussianLatent",
    "GaussianMixture",
    "GraphNumbers",
    "Latent",
    "NumpyNumbers",
    "StandardNormal",
    "UnitGaussian",
]
