"""Precision and bounds shared by layers and losses."""

import math

import keras
from keras import ops

from keras_capsvae.typing import Tensor

LOG_2_PI = math.log(2 * math.pi)
LOG_VAR_LIMIT = 80.0
FLOAT16_LIMIT = 65504.0
# Of draws from (0, 1), which float32 may round to 0 or 1.
SMALLEST_UNIFORM = 1e-7
SMALLEST_LENGTH = 1e-6  # below which a length has no gradient


def at_least_float32(tensor: Tensor) -> Tensor:
    """Cast 16-bit floats and integers up to float32, keep the rest."""
    tensor = ops.convert_to_tensor(tensor)
    return ops.cast(tensor, keras.backend.result_type(tensor.dtype, "float32"))


def widened(tensor: Tensor) -> Tensor:
    """`at_least_float32` with a gradient that fits the tensor's own dtype.

    A gradient beyond the range of float16 saturates there instead of becoming
    infinite on its way back.
    """
    tensor = ops.convert_to_tensor(tensor)
    if keras.backend.standardize_dtype(tensor.dtype) != "float16":
        return at_least_float32(tensor)

    @ops.custom_gradient
    def widen(tensor):
        def gradient(*upstream_or_arguments, upstream=None):
            if upstream is None:
                (upstream,) = upstream_or_arguments
            bounded = ops.clip(upstream, -FLOAT16_LIMIT, FLOAT16_LIMIT)
            return ops.cast(bounded, "float16")

        return ops.cast(tensor, "float32"), gradient

    return widen(tensor)


def bounded_log_var(z_log_var: Tensor) -> Tensor:
    """log σ² in float32, clipped to ±80 so that its exponential is finite.

    Training stays within ±20; float32 itself overflows at 88.7.
    """
    return ops.clip(at_least_float32(z_log_var), -LOG_VAR_LIMIT, LOG_VAR_LIMIT)


def largest(tensor: Tensor, axis: int, keepdims: bool = False) -> Tensor:
    """`ops.max`, also of an empty batch, which Keras refuses."""
    reduce = ops.sum if 0 in tensor.shape else ops.max
    return reduce(tensor, axis, keepdims=keepdims)


def sum_over_dims(tensor: Tensor) -> Tensor:
    """Sum over all axes but the batch: (batch, ...) → (batch,)."""
    return ops.sum(tensor, axis=tuple(range(1, ops.ndim(tensor))))


def scaled_gradient(tensor: Tensor, scale: Tensor) -> Tensor:
    """The tensor itself, whose gradient is multiplied by `scale`."""
    constant = ops.stop_gradient(tensor)
    scale = ops.cast(ops.stop_gradient(scale), tensor.dtype)
    return constant + scale * (tensor - constant)


def length(vectors: Tensor) -> Tensor:
    """`√Σ x²` over the last axis, of gradient 0 at 0; float32 at least."""
    square = ops.sum(ops.square(at_least_float32(vectors)), axis=-1)
    return ops.sqrt(ops.maximum(square, SMALLEST_LENGTH**2))
