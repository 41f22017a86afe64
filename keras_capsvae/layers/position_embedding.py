from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor

LONGEST_WAVE = 10_000.0


@keras.saving.register_keras_serializable(package="keras_capsvae")
class PositionEmbedding(keras.layers.Layer):
    """Adds to each step waves that tell its position.

    `y_t = x_t + s · w(t)` with `w(t)_2i = sin(t / 10000^(2i/c))`, `w(t)_2i+1`
    its cosine, and a trained factor s for each dim. There is no longest input.

    Args:
        initial_scale: What every s starts from. Defaults to 0.05, the range of
            a fresh `keras.layers.Embedding`.

    Inputs: `(batch, steps, c)`, of any number of steps. A Keras mask goes on.

    Output: As the input.

    Weights: `scale`, `(c,)`.

    Raises:
        ValueError: If the input is not of rank 3.

    Example:

    >>> PositionEmbedding()(np.zeros((2, 10, 64))).shape
    (2, 10, 64)

    Source: kexue.fm 4823; Vaswani et al., "Attention Is All You Need", 2017,
    section 3.5.
    """

    def __init__(self, initial_scale: float = 0.05, **kwargs: Any):
        super().__init__(**kwargs)
        self.initial_scale = initial_scale
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape: Shape) -> None:
        dims = input_shape[-1]
        self.scale = self.add_weight(
            name="scale",
            shape=(dims,),
            initializer=keras.initializers.Constant(self.initial_scale),
        )
        pairs = np.arange(dims) // 2 * 2 / dims
        self._frequencies = (LONGEST_WAVE**-pairs).astype("float32")
        # A cosine is a sine a quarter of a wave ahead.
        self._phases = (np.arange(dims) % 2 * np.pi / 2).astype("float32")

    def call(self, inputs: Tensor) -> Tensor:
        steps = ops.arange(ops.shape(inputs)[1], dtype="float32")[:, None]
        frequencies = ops.convert_to_tensor(self._frequencies)
        phases = ops.convert_to_tensor(self._phases)
        waves = ops.sin(steps * frequencies + phases)
        scale = at_least_float32(self.scale)
        waves = ops.cast(waves, scale.dtype)
        return ops.add(inputs, ops.cast(scale * waves, inputs.dtype))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> Config:
        return {**super().get_config(), "initial_scale": self.initial_scale}
