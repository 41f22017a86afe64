from keras_capsvae.layers.kl_loss import KLLoss
from keras_capsvae.layers.sampling import Sampling

__all__ = ["KLLoss", "Sampling"]
