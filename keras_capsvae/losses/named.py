"""Reconstruction losses that a VAE takes by name."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from keras_capsvae.losses.gaussian import GaussianReconstruction
from keras_capsvae.losses.logistic import DiscretisedLogisticReconstruction
from keras_capsvae.losses.reconstruction import BernoulliReconstruction
from keras_capsvae.losses.reconstruction import CategoricalReconstruction
from keras_capsvae.losses.reconstruction import ReconstructionLoss

RECONSTRUCTIONS: dict[str, Callable[[], ReconstructionLoss]] = {
    "bernoulli": BernoulliReconstruction,
    "categorical": CategoricalReconstruction,
    "gaussian": GaussianReconstruction,
    "learned_variance": partial(GaussianReconstruction, "learned"),
    "optimal_variance": partial(GaussianReconstruction, "optimal"),
    "discretised_logistic": DiscretisedLogisticReconstruction,
}


def reconstruction_of(loss: Any) -> Any:
    """The reconstruction loss of a name; whatever Keras knows stays as it is.

    The one loss of a list or a dict may be a name too.

    Raises:
        ValueError: If neither knows the name.
    """
    if isinstance(loss, (list, tuple, dict)):
        return keras.tree.map_structure(reconstruction_of, loss)
    if not isinstance(loss, str):
        return loss
    if loss in RECONSTRUCTIONS:
        return RECONSTRUCTIONS[loss]()
    try:
        keras.losses.get(loss)
    except ValueError:
        raise ValueError(
            f"`loss` must be one of {tuple(RECONSTRUCTIONS)}, a "
            f"ReconstructionLoss or a loss of Keras. Received: loss={loss!r}"
        ) from None
    return loss
