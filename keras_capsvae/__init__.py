"""Layers, losses and models for capsule networks and VAEs in Keras 3."""

from keras_capsvae.callbacks import KLWarmUp
from keras_capsvae.layers import KLLoss
from keras_capsvae.layers import Sampling
from keras_capsvae.losses import BernoulliReconstruction
from keras_capsvae.losses import CategoricalReconstruction
from keras_capsvae.losses import GaussianReconstruction
from keras_capsvae.models import VariationalAutoencoder

__version__ = "0.1.0"

__all__ = [
    "BernoulliReconstruction",
    "CategoricalReconstruction",
    "GaussianReconstruction",
    "KLLoss",
    "KLWarmUp",
    "Sampling",
    "VariationalAutoencoder",
]
