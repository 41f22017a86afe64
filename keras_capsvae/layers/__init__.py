from keras_capsvae.layers.capsule import CapsuleLayer
from keras_capsvae.layers.capsule_decoder import CapsuleDecoder
from keras_capsvae.layers.capsule_length import CapsuleLength
from keras_capsvae.layers.capsule_mask import CapsuleMask
from keras_capsvae.layers.gated_conv import GatedConv1D
from keras_capsvae.layers.importance_weighting import ImportanceWeighting
from keras_capsvae.layers.kl_loss import KLLoss
from keras_capsvae.layers.primary_capsules import PrimaryCapsules
from keras_capsvae.layers.sampling import Sampling

__all__ = [
    "CapsuleDecoder",
    "CapsuleLayer",
    "CapsuleLength",
    "CapsuleMask",
    "GatedConv1D",
    "ImportanceWeighting",
    "KLLoss",
    "PrimaryCapsules",
    "Sampling",
]
