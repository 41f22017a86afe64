import keras
from keras import ops

from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.capsules import check_capsule_shape


@keras.saving.register_keras_serializable(package="keras_capsvae")
class CapsuleMask(keras.layers.Layer):
    """Keeps one capsule of each example and sets the others to zero.

    The kept one is the labelled capsule, or the longest when no label is given.
    A multi-hot label keeps all its capsules.

    Inputs: list `[capsules]` or `[capsules, one_hot]`: `(batch, n, d)` and
        `(batch, n)`.

    Output: `(batch, n·d)` in the compute dtype, for a decoder.

    Raises:
        ValueError: If the shapes are others.

    Example:

    >>> capsules = np.array([[[3.0, 4.0], [1.0, 0.0]]])
    >>> CapsuleMask()([capsules])
    array([[3., 4., 0., 0.]], dtype=float32)
    >>> CapsuleMask()([capsules, np.array([[0.0, 1.0]])])
    array([[0., 0., 1., 0.]], dtype=float32)

    Source: Sabour, Frosst and Hinton, 2017, section 4.1.
    """

    def build(self, input_shape: Shape) -> None:
        is_list = isinstance(input_shape[0], (list, tuple))
        shapes = list(input_shape) if is_list else [input_shape]
        check_capsule_shape(self, shapes[0])
        expected = tuple(shapes[0][:-1])
        if len(shapes) > 2 or any(
            tuple(shape)[1:] != expected[1:] or len(shape) != 2
            for shape in shapes[1:]
        ):
            raise ValueError(
                f"Layer {self.name} expects [capsules] or [capsules, one_hot] "
                "of shape (batch, n, d) and (batch, n). Received: inputs of "
                f"shape {shapes}"
            )

    def call(self, inputs: list[Tensor]) -> Tensor:
        inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        capsules, *label = inputs
        kept = label[0] if label else longest(capsules)
        masked = capsules * ops.cast(kept, capsules.dtype)[..., None]
        _, count, dims = capsules.shape
        return ops.reshape(masked, (-1, count * dims))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        is_list = isinstance(input_shape[0], (list, tuple))
        batch, count, dims = input_shape[0] if is_list else input_shape
        return (batch, count * dims)


def longest(capsules: Tensor) -> Tensor:
    """One-hot of the longest capsule of each example, `(batch, n)`."""
    energy = ops.sum(ops.square(ops.cast(capsules, "float32")), axis=-1)
    return ops.one_hot(ops.argmax(energy, axis=-1), capsules.shape[1])
