"""What scores are asked of: models with a likelihood, and their data."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_capsvae.latents.base import Latent
from keras_capsvae.losses import ReconstructionLoss
from keras_capsvae.validation.arrays import LIKE_BYTES
from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.arrays import check_same_length
from keras_capsvae.validation.forms import dense_in_numpy
from keras_capsvae.validation.inputs import has_own_name


def check_likelihood(model: keras.Model) -> None:
    """Raise unless the loss of a VAE is a likelihood of each example."""
    if not isinstance(getattr(model, "latent", None), Latent):
        raise TypeError(
            "`model` must be a VAE, a `VariationalAutoencoder` or a model of "
            f"the zoo made of one. Received: {type(model).__name__}"
        )
    model.check_compiled()
    if not isinstance(model.loss, ReconstructionLoss):
        raise ValueError(
            "A likelihood needs a model compiled with a `ReconstructionLoss`, "
            "which is −ln q(x|z) in nats. "
            f"Received: loss={model.loss!r}"
        )
    if model.loss.is_of_batch:
        raise ValueError(
            "A likelihood must be that of each example, whatever it stands "
            "beside: compile the model with a loss such as "
            "GaussianReconstruction(variance='learned'). "
            f"Received: loss={model.loss!r}"
        )


def check_densities(model: keras.Model) -> None:
    """`check_likelihood`, and of a latent with densities."""
    check_likelihood(model)
    if not model.latent.has_densities:
        raise ValueError(
            "A likelihood needs a latent with densities. "
            f"Received: {type(model.latent).__name__}"
        )


def scored_arrays(model: Any, x: Any) -> list[np.ndarray]:
    """Checked arrays of the model's inputs, in order.

    Any finite values may be scored, whatever the range of the training.
    """
    arrays = model.arrays_of_model(x)
    for place, (array, tensor) in enumerate(zip(arrays, model.inputs)):
        name = tensor.name if has_own_name(tensor) else f"x[{place}]"
        if place:
            model.check_input(array, tensor, name)
        else:
            check_array(array, tensor.shape[1:], "x")
    check_same_length(arrays, "x")
    _warn_beyond_range(model, arrays[0])
    return [dense_in_numpy(array) for array in arrays]


def _warn_beyond_range(model, x):
    """What trains on other targets than x is held against x all the same."""
    value_range = getattr(model.loss, "target_range", None)
    if value_range is None:
        return
    highest = float(np.max(dense_in_numpy(x)))
    if highest > LIKE_BYTES * value_range[1]:
        warnings.warn(
            f"`x` reaches {highest:g}, and {type(model.loss).__name__} scores "
            f"{list(value_range)}. x itself is what reconstructions are held "
            "against: scale it as the targets of the training.",
            stacklevel=4,
        )
