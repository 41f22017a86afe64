from typing import Any

import keras
from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_capsvae")
class MaskedPooling(keras.layers.Layer):
    """The mean over the steps that a mask keeps.

    `Σ_t m_t · x_t / max(1, Σ_t m_t)`: zeros where a mask keeps no step, of
    which `keras.layers.GlobalAveragePooling1D` makes NaN.

    Inputs: `(batch, steps, c)`, of any number of steps, and their Keras mask
        `(batch, steps)` if there is one.

    Output: `(batch, c)`.

    Raises:
        ValueError: If the input is not of rank 3.

    Example:

    >>> x = np.array([[[1.0], [3.0], [8.0]]])
    >>> MaskedPooling()(x, mask=np.array([[True, True, False]]))[0, 0]
    2.0
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        steps = at_least_float32(inputs)
        if mask is None:
            return ops.cast(ops.mean(steps, axis=1), self.compute_dtype)
        kept = ops.cast(mask, steps.dtype)[..., None]  # (batch, steps, 1)
        count = ops.maximum(ops.sum(kept, axis=1), 1.0)
        total = ops.sum(steps * kept, axis=1)
        return ops.cast(total / count, self.compute_dtype)

    def compute_mask(
        self, inputs: Tensor, mask: Tensor | None = None
    ) -> Tensor | None:
        return None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], input_shape[2])
