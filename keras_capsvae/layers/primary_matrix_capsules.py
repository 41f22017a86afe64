from typing import Any

import keras
from keras import ops

from keras_capsvae.typing import Config
from keras_capsvae.typing import Identifier
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_sizes


@keras.saving.register_keras_serializable(package="keras_capsvae")
class PrimaryMatrixCapsules(keras.layers.Layer):
    """The first matrix capsules above an image: poses and activations.

    At each position a linear 1 × 1 convolution gives the poses of
    `num_capsules` capsules, another one with a sigmoid their activations.

    Args:
        num_capsules: Capsules at a position.
        pose_size: p, side of a pose. Defaults to 4.
        use_bias: Whether the convolutions have biases. Defaults to `True`.
        kernel_initializer: Of both. Defaults to `"he_normal"`: above a ReLU
            poses have the spread of its inputs.

    Inputs: `(batch, height, width, channels)`.

    Output: list of `(batch, height, width, num_capsules, p, p)` and
        `(batch, height, width, num_capsules)` in the compute dtype.

    Raises:
        ValueError: If a size is below 1 or the input not of rank 4.
        TypeError: If a size is no integer.

    Example:

    >>> poses, activations = PrimaryMatrixCapsules(8)(np.ones((1, 14, 14, 64)))
    >>> poses.shape, activations.shape
    (TensorShape([1, 14, 14, 8, 4, 4]), TensorShape([1, 14, 14, 8]))

    Source: kexue.fm 5155; Hinton, Sabour and Frosst, 2018, section 4.
    """

    def __init__(
        self,
        num_capsules: int,
        pose_size: int = 4,
        use_bias: bool = True,
        kernel_initializer: Identifier = "he_normal",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_capsules, self.pose_size = check_sizes(
            num_capsules=num_capsules, pose_size=pose_size
        )
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.pose = self._convolution(num_capsules * pose_size**2, "pose")
        self.activation = self._convolution(
            num_capsules, "activation", activation="sigmoid"
        )

    def _convolution(self, filters, name, **options):
        initializer = self.kernel_initializer
        if isinstance(initializer, keras.initializers.Initializer):
            initializer = initializer.clone()  # lest both draw the same
        return keras.layers.Conv2D(
            filters,
            1,
            data_format="channels_last",
            use_bias=self.use_bias,
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name=name,
            **options,
        )

    def build(self, input_shape: Shape) -> None:
        self._check(input_shape)
        self.pose.build(input_shape)
        self.activation.build(input_shape)

    def _check(self, input_shape):
        if len(input_shape) != 4:
            raise ValueError(
                f"Layer {self.name} expects (batch, height, width, channels). "
                f"Received: input shape {tuple(input_shape)}"
            )

    def call(self, inputs: Tensor) -> list[Tensor]:
        poses = self.pose(inputs)  # (batch, height, width, capsules · p²)
        batch, height, width, _ = ops.shape(poses)
        p = self.pose_size
        shape = (batch, height, width, self.num_capsules, p, p)
        return [ops.reshape(poses, shape), self.activation(inputs)]

    def compute_output_shape(self, input_shape: Shape) -> list[Shape]:
        self._check(input_shape)
        p = self.pose_size
        shape = (*input_shape[:3], self.num_capsules)
        return [(*shape, p, p), shape]

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_capsules": self.num_capsules,
            "pose_size": self.pose_size,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
        }
