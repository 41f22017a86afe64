from typing import Any

import keras
from keras import ops

from keras_capsvae.activations import capsule_activation
from keras_capsvae.activations import serialized_activation
from keras_capsvae.layers.matmul_conv import MatmulConv2D
from keras_capsvae.typing import Config
from keras_capsvae.typing import Identifier
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_sizes


@keras.saving.register_keras_serializable(package="keras_capsvae")
class PrimaryCapsules(keras.layers.Layer):
    """Capsules cut out of a convolution: the first capsules above an image.

    At each position of the convolved map lie `num_channels` capsules, each of
    `dim_capsules` neighbouring filters of that position.

    Args:
        num_channels: Capsules at a position.
        dim_capsules: Dims of a capsule.
        kernel_size: Side of the convolution's kernel, or a pair.
        strides: Its stride, or a pair. Defaults to 1.
        padding: `"valid"` or `"same"`. Defaults to `"valid"`.
        activation: See `CapsuleLayer`. Defaults to `"squash"`.
        squash_constant: Constant c of `squash`. Defaults to 0.5.
        use_bias: Whether the convolution has a bias. Defaults to `True`.
        kernel_initializer: Defaults to `"glorot_uniform"`.

    Inputs: `(batch, height, width, channels)`.

    Output: `(batch, positions · num_channels, dim_capsules)` in the compute
        dtype; the number is unknown where height or width is.

    Raises:
        ValueError: If a size is below 1, the activation is unknown, or the
            image is smaller than the kernel.
        TypeError: If a size is no integer.

    Example:

    >>> layer = PrimaryCapsules(32, 8, kernel_size=9, strides=2)
    >>> layer(np.ones((1, 20, 20, 256))).shape
    (1, 1152, 8)

    Source: Sabour, Frosst and Hinton, 2017, section 4.
    """

    def __init__(
        self,
        num_channels: int,
        dim_capsules: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        activation: Identifier = "squash",
        squash_constant: float = 0.5,
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_channels, self.dim_capsules = check_sizes(
            num_channels=num_channels, dim_capsules=dim_capsules
        )
        self.activation = activation
        self.squash_constant = squash_constant
        self._activate = capsule_activation(activation, squash_constant)
        self.convolution = MatmulConv2D(
            num_channels * dim_capsules,
            kernel_size,
            strides,
            padding,
            data_format="channels_last",
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            dtype=self.dtype_policy,
            name="convolution",
        )

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) != 4:
            raise ValueError(
                f"Layer {self.name} expects (batch, height, width, channels). "
                f"Received: input shape {tuple(input_shape)}"
            )
        self._check_size(input_shape)
        self.convolution.build(input_shape)

    def _check_size(self, input_shape):
        kernel = self.convolution.kernel_size
        sides = input_shape[1:3]
        if self.convolution.padding == "valid" and any(
            side is not None and side < least
            for side, least in zip(sides, kernel)
        ):
            raise ValueError(
                f"Layer {self.name} expects maps of at least "
                f"{kernel[0]} × {kernel[1]}, its kernel's size. "
                f"Received: {sides[0]} × {sides[1]}"
            )

    def call(self, inputs: Tensor) -> Tensor:
        features = self.convolution(inputs)  # (batch, h, w, channels · dims)
        batch, height, width, _ = ops.shape(features)
        shape = (batch, height * width * self.num_channels, self.dim_capsules)
        capsules = self._activate(ops.reshape(features, shape))
        return ops.cast(capsules, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self._check_size(input_shape)
        batch, height, width, _ = self.convolution.compute_output_shape(
            input_shape
        )
        count = None
        if height is not None and width is not None:
            count = height * width * self.num_channels
        return (batch, count, self.dim_capsules)

    def get_config(self) -> Config:
        convolution = self.convolution.get_config()
        shared = (
            "kernel_size",
            "strides",
            "padding",
            "use_bias",
            "kernel_initializer",
        )
        return {
            **super().get_config(),
            "num_channels": self.num_channels,
            "dim_capsules": self.dim_capsules,
            "activation": serialized_activation(self.activation),
            "squash_constant": self.squash_constant,
            **{key: convolution[key] for key in shared},
        }
