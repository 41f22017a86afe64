"""Models, from their base upwards: each a class in a file of its own."""

from keras_capsvae.models.capsule_network import CapsuleNetwork
from keras_capsvae.models.classifier import Classifier
from keras_capsvae.models.code_autoencoder import CodeAutoencoder
from keras_capsvae.models.code_prior import CodePrior
from keras_capsvae.models.importance_weighted_autoencoder import (
    ImportanceWeightedAutoencoder,
)
from keras_capsvae.models.matrix_capsule_network import MatrixCapsuleNetwork
from keras_capsvae.models.poem_autoencoder import PoemAutoencoder
from keras_capsvae.models.tabular_autoencoder import TabularAutoencoder
from keras_capsvae.models.text_classifier import TextClassifier
from keras_capsvae.models.variational_autoencoder import VariationalAutoencoder

__all__ = [
    "CapsuleNetwork",
    "Classifier",
    "CodeAutoencoder",
    "CodePrior",
    "ImportanceWeightedAutoencoder",
    "MatrixCapsuleNetwork",
    "PoemAutoencoder",
    "TabularAutoencoder",
    "TextClassifier",
    "VariationalAutoencoder",
]
