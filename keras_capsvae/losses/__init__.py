"""Losses that score reconstructions, in nats, and classes."""

from keras_capsvae.losses.classification import LabelCrossentropy
from keras_capsvae.losses.classification import MarginLoss
from keras_capsvae.losses.classification import SpreadLoss
from keras_capsvae.losses.gaussian import GaussianReconstruction
from keras_capsvae.losses.logistic import DiscretisedLogisticReconstruction
from keras_capsvae.losses.logistic import bits_per_dim
from keras_capsvae.losses.reconstruction import BernoulliReconstruction
from keras_capsvae.losses.reconstruction import CategoricalReconstruction
from keras_capsvae.losses.reconstruction import ReconstructionLoss
from keras_capsvae.losses.table import TableReconstruction

__all__ = [
    "BernoulliReconstruction",
    "CategoricalReconstruction",
    "DiscretisedLogisticReconstruction",
    "GaussianReconstruction",
    "LabelCrossentropy",
    "MarginLoss",
    "ReconstructionLoss",
    "SpreadLoss",
    "TableReconstruction",
    "bits_per_dim",
]
