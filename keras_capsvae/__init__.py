"""Layers, losses and models for capsule networks and VAEs in Keras 3."""

from keras_capsvae import routing
from keras_capsvae.activations import exponential_squash
from keras_capsvae.activations import rational_squash
from keras_capsvae.activations import squash
from keras_capsvae.activations import tanh_squash
from keras_capsvae.callbacks import CapacityWarmUp
from keras_capsvae.callbacks import KLWarmUp
from keras_capsvae.callbacks import MixtureStart
from keras_capsvae.callbacks import PrintedText
from keras_capsvae.callbacks import SpreadMargin
from keras_capsvae.callbacks import TemperatureAnnealing
from keras_capsvae.divergences import gaussian_kl
from keras_capsvae.initializers import NoisyIdentity
from keras_capsvae.latents import ClassifiedMixture
from keras_capsvae.latents import ClassMeans
from keras_capsvae.latents import CodeLatent
from keras_capsvae.latents import FiniteScalarQuantizer
from keras_capsvae.latents import GaussianLatent
from keras_capsvae.latents import GaussianMixture
from keras_capsvae.latents import GumbelSoftmaxLatent
from keras_capsvae.latents import Latent
from keras_capsvae.latents import MaximumMeanDiscrepancy
from keras_capsvae.latents import Prior
from keras_capsvae.latents import Regulariser
from keras_capsvae.latents import ResidualQuantizer
from keras_capsvae.latents import StandardNormal
from keras_capsvae.latents import TotalCorrelation
from keras_capsvae.latents import VampPrior
from keras_capsvae.latents import VectorQuantizer
from keras_capsvae.latents import VonMisesFisherLatent
from keras_capsvae.layers import CapsuleLayer
from keras_capsvae.layers import CapsuleLength
from keras_capsvae.layers import CapsuleMask
from keras_capsvae.layers import CausalBlock
from keras_capsvae.layers import CharacterEmbedding
from keras_capsvae.layers import ClassMatrixCapsuleEM
from keras_capsvae.layers import ConvMatrixCapsuleEM
from keras_capsvae.layers import GatedConv1D
from keras_capsvae.layers import KLLoss
from keras_capsvae.layers import MaskedPooling
from keras_capsvae.layers import MatrixCapsuleEM
from keras_capsvae.layers import NormalisedMean
from keras_capsvae.layers import PositionEmbedding
from keras_capsvae.layers import PrimaryCapsules
from keras_capsvae.layers import PrimaryMatrixCapsules
from keras_capsvae.layers import RandomWindow
from keras_capsvae.layers import Sampling
from keras_capsvae.layers import StandardColumns
from keras_capsvae.layers import TableColumns
from keras_capsvae.losses import BernoulliReconstruction
from keras_capsvae.losses import CategoricalReconstruction
from keras_capsvae.losses import DiscretisedLogisticReconstruction
from keras_capsvae.losses import GaussianReconstruction
from keras_capsvae.losses import LabelCrossentropy
from keras_capsvae.losses import MarginLoss
from keras_capsvae.losses import ReconstructionLoss
from keras_capsvae.losses import SpreadLoss
from keras_capsvae.losses import TableReconstruction
from keras_capsvae.losses import bits_per_dim
from keras_capsvae.metrics import LabelAccuracy
from keras_capsvae.models import CapsuleNetwork
from keras_capsvae.models import Classifier
from keras_capsvae.models import CodeAutoencoder
from keras_capsvae.models import CodePrior
from keras_capsvae.models import ImportanceWeightedAutoencoder
from keras_capsvae.models import MatrixCapsuleNetwork
from keras_capsvae.models import PoemAutoencoder
from keras_capsvae.models import TabularAutoencoder
from keras_capsvae.models import TextClassifier
from keras_capsvae.models import VariationalAutoencoder
from keras_capsvae.vocabulary import Vocabulary
from keras_capsvae.vocabulary import vocabulary_of

__version__ = "0.6.0"

__all__ = [
    "BernoulliReconstruction",
    "CapacityWarmUp",
    "CapsuleLayer",
    "CapsuleLength",
    "CapsuleMask",
    "CapsuleNetwork",
    "CategoricalReconstruction",
    "CausalBlock",
    "CharacterEmbedding",
    "ClassMatrixCapsuleEM",
    "ClassMeans",
    "ClassifiedMixture",
    "Classifier",
    "CodeAutoencoder",
    "CodeLatent",
    "CodePrior",
    "ConvMatrixCapsuleEM",
    "DiscretisedLogisticReconstruction",
    "FiniteScalarQuantizer",
    "GatedConv1D",
    "GaussianLatent",
    "GaussianMixture",
    "GaussianReconstruction",
    "GumbelSoftmaxLatent",
    "ImportanceWeightedAutoencoder",
    "KLLoss",
    "KLWarmUp",
    "LabelAccuracy",
    "LabelCrossentropy",
    "Latent",
    "MarginLoss",
    "MaskedPooling",
    "MatrixCapsuleEM",
    "MatrixCapsuleNetwork",
    "MaximumMeanDiscrepancy",
    "MixtureStart",
    "NoisyIdentity",
    "NormalisedMean",
    "PoemAutoencoder",
    "PositionEmbedding",
    "PrimaryCapsules",
    "PrimaryMatrixCapsules",
    "PrintedText",
    "Prior",
    "RandomWindow",
    "ReconstructionLoss",
    "Regulariser",
    "ResidualQuantizer",
    "Sampling",
    "SpreadLoss",
    "SpreadMargin",
    "StandardColumns",
    "StandardNormal",
    "TableColumns",
    "TableReconstruction",
    "TabularAutoencoder",
    "TemperatureAnnealing",
    "TextClassifier",
    "TotalCorrelation",
    "VampPrior",
    "VariationalAutoencoder",
    "VectorQuantizer",
    "Vocabulary",
    "VonMisesFisherLatent",
    "bits_per_dim",
    "exponential_squash",
    "gaussian_kl",
    "rational_squash",
    "routing",
    "squash",
    "tanh_squash",
    "vocabulary_of",
]
