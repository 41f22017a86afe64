import keras
from keras import ops

from keras_capsvae.numerics import length
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.capsules import check_capsule_shape


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

    def call(self, inputs: Tensor) -> Tensor:
        return ops.cast(length(inputs), self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape[:-1])
