import keras
from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.capsules import check_capsule_shape

TINY = 1e-12


@keras.saving.register_keras_serializable(package="keras_capsvae")
class CapsuleLength(keras.layers.Layer):
    """The length of each capsule: how sure the net is that it is there.

    `‖v_j‖ = √Σ v_j²`, with gradient 0 at the zero vector.

    Inputs: `(batch, n, d)`.

    Output: `(batch, n)` in the compute dtype.

    Raises:
        ValueError: If the input is not of rank 3.

    Example:

    >>> CapsuleLength()(np.array([[[3.0, 4.0]]]))
    array([[5.]], dtype=float32)

    Source: Sabour, Frosst and Hinton, 2017, section 3.
    """

    def build(self, input_shape: Shape) -> None:
        check_capsule_shape(self, input_shape)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        energy = ops.sum(ops.square(at_least_float32(inputs)), axis=-1)
        length = ops.sqrt(ops.maximum(energy, TINY))
        return ops.cast(length, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape[:-1])
