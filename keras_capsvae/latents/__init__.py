"""Latents of variational autoencoders, and their priors."""

from keras_capsvae.latents.base import Latent
from keras_capsvae.latents.codes import CodeLatent
from keras_capsvae.latents.discrepancy import MaximumMeanDiscrepancy
from keras_capsvae.latents.finite_scalar_quantizer import FiniteScalarQuantizer
from keras_capsvae.latents.gaussian import GaussianLatent
from keras_capsvae.latents.gumbel_softmax import GumbelSoftmaxLatent
from keras_capsvae.latents.mixtures import ClassifiedMixture
from keras_capsvae.latents.mixtures import GaussianMixture
from keras_capsvae.latents.priors import ClassMeans
from keras_capsvae.latents.priors import Prior
from keras_capsvae.latents.priors import StandardNormal
from keras_capsvae.latents.priors import UnitGaussian
from keras_capsvae.latents.random_source import GraphRandom
from keras_capsvae.latents.random_source import NumpyRandom
from keras_capsvae.latents.regularisers import Regulariser
from keras_capsvae.latents.residual_quantizer import ResidualQuantizer
from keras_capsvae.latents.total_correlation import TotalCorrelation
from keras_capsvae.latents.vamp import VampPrior
from keras_capsvae.latents.vector_quantizer import VectorQuantizer
from keras_capsvae.latents.von_mises_fisher import VonMisesFisherLatent

__all__ = [
    "ClassMeans",
    "ClassifiedMixture",
    "CodeLatent",
    "FiniteScalarQuantizer",
    "GaussianLatent",
    "GaussianMixture",
    "GraphRandom",
    "GumbelSoftmaxLatent",
    "Latent",
    "MaximumMeanDiscrepancy",
    "NumpyRandom",
    "Prior",
    "Regulariser",
    "ResidualQuantizer",
    "StandardNormal",
    "TotalCorrelation",
    "UnitGaussian",
    "VampPrior",
    "VectorQuantizer",
    "VonMisesFisherLatent",
]
