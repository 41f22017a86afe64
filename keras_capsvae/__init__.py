"""Layers, losses and models for capsule networks and VAEs in Keras 3."""

from keras_capsvae import routing
from keras_capsvae.activations import exponential_squash
from keras_capsvae.activations import rational_squash
from keras_capsvae.activations import squash
from keras_capsvae.activations import tanh_squash
from keras_capsvae.callbacks import KLWarmUp
from keras_capsvae.layers import CapsuleDecoder
from keras_capsvae.layers import CapsuleLayer
from keras_capsvae.layers import CapsuleLength
from keras_capsvae.layers import CapsuleMask
from keras_capsvae.layers import GatedConv1D
from keras_capsvae.layers import ImportanceWeighting
from keras_capsvae.layers import KLLoss
from keras_capsvae.layers import PrimaryCapsules
from keras_capsvae.layers import Sampling
from keras_capsvae.losses import BernoulliReconstruction
from keras_capsvae.losses import CategoricalReconstruction
from keras_capsvae.losses import GaussianReconstruction
from keras_capsvae.losses import MarginLoss
from keras_capsvae.metrics import LabelAccuracy
from keras_capsvae.models import CapsuleNetwork
from keras_capsvae.models import Classifier
from keras_capsvae.models import ImportanceWeightedAutoencoder
from keras_capsvae.models import VariationalAutoencoder

__version__ = "0.1.0"

__all__ = [
    "BernoulliReconstruction",
    "CapsuleDecoder",
    "CapsuleLayer",
    "CapsuleLength",
    "CapsuleMask",
    "CapsuleNetwork",
    "CategoricalReconstruction",
    "Classifier",
    "GatedConv1D",
    "GaussianReconstruction",
    "ImportanceWeightedAutoencoder",
    "ImportanceWeighting",
    "KLLoss",
    "KLWarmUp",
    "LabelAccuracy",
    "MarginLoss",
    "PrimaryCapsules",
    "Sampling",
    "VariationalAutoencoder",
    "exponential_squash",
    "rational_squash",
    "routing",
    "squash",
    "tanh_squash",
]
