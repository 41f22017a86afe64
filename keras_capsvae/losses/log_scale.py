import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor

EARLIER = "0"  # where files of 0.3 have the logarithm


class LogScale(keras.layers.Layer):
    """A trained logarithm, such as that of a variance.

    A loss has no weights that Keras would train or save: it has one of these,
    and the model holds it.

    Args:
        per_channel: Whether there is one for each channel, the last axis.
            Defaults to `False`: one for all.
        initial: What it is the logarithm of at first. Defaults to 1.
        name: Of what it is the logarithm, by which files know it.
    """

    def __init__(
        self, per_channel: bool = False, initial: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.per_channel = per_channel
        self.initial = initial

    def build(self, input_shape: Shape) -> None:
        self.log = self.add_weight(
            name="log",
            shape=tuple(input_shape[-1:]) if self.per_channel else (),
            initializer=keras.initializers.Constant(math.log(self.initial)),
            dtype="float32",
            autocast=False,
        )

    def call(self, inputs: Tensor) -> Tensor:
        """The logarithm, whose shape broadcasts to that of the inputs."""
        return ops.convert_to_tensor(self.log)

    def save_own_variables(self, store: Any) -> None:
        if self.built:  # by the name, apart from what another loss learns
            store[self.name] = self.log

    def load_own_variables(self, store: Any) -> None:
        for key in {self.name, EARLIER} & set(store.keys()):
            self.log.assign(store[key])

    def exponential(self) -> np.ndarray:
        """What it is the logarithm of, in NumPy."""
        return np.exp(ops.convert_to_numpy(self.log))


def required(trained: Any, argument: str) -> LogScale:
    """The layer of a loss, if a model has built it to train it."""
    if not trained.built:
        raise ValueError(
            f"`{argument}` must be trained by a model that a loss can give "
            "weights to: compile a VariationalAutoencoder with it. "
            "Received: another model, or none"
        )
    return trained
