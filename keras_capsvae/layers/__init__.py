"""Layers of capsule networks, VAEs and models of texts."""

from keras_capsvae.layers.capsule import CapsuleLayer
from keras_capsvae.layers.capsule_length import CapsuleLength
from keras_capsvae.layers.capsule_mask import CapsuleMask
from keras_capsvae.layers.causal_block import CausalBlock
from keras_capsvae.layers.character_embedding import CharacterEmbedding
from keras_capsvae.layers.class_matrix_capsule import ClassMatrixCapsuleEM
from keras_capsvae.layers.columns import StandardColumns
from keras_capsvae.layers.columns import TableColumns
from keras_capsvae.layers.conv_matrix_capsule import ConvMatrixCapsuleEM
from keras_capsvae.layers.gated_conv import GatedConv1D
from keras_capsvae.layers.kl_loss import KLLoss
from keras_capsvae.layers.masked_pooling import MaskedPooling
from keras_capsvae.layers.matrix_capsule import MatrixCapsuleEM
from keras_capsvae.layers.normalised_mean import NormalisedMean
from keras_capsvae.layers.position_embedding import PositionEmbedding
from keras_capsvae.layers.primary_capsules import PrimaryCapsules
from keras_capsvae.layers.primary_matrix_capsules import PrimaryMatrixCapsules
from keras_capsvae.layers.random_window import RandomWindow
from keras_capsvae.layers.sampling import Sampling

__all__ = [
    "CapsuleLayer",
    "CapsuleLength",
    "CapsuleMask",
    "CausalBlock",
    "CharacterEmbedding",
    "ClassMatrixCapsuleEM",
    "ConvMatrixCapsuleEM",
    "GatedConv1D",
    "KLLoss",
    "MaskedPooling",
    "MatrixCapsuleEM",
    "NormalisedMean",
    "PositionEmbedding",
    "PrimaryCapsules",
    "PrimaryMatrixCapsules",
    "RandomWindow",
    "Sampling",
    "StandardColumns",
    "TableColumns",
]
