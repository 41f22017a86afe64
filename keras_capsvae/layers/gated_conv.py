from typing import Any

import keras
from keras import ops

from keras_capsvae.typing import Config
from keras_capsvae.typing import Identifier
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer


@keras.saving.register_keras_serializable(package="keras_capsvae")
class GatedConv1D(keras.layers.Layer):
    """A convolution over steps whose output is gated by another one.

    `y = a · sigmoid(g)`, with `[a, g]` the two halves of one convolution of
    `2 · filters` outputs; with `residual` `y + x`. The linear path a carries
    the gradient past the gate, so that stacks of the layer train like a
    recurrent net without its loop.

    Args:
        filters: Filters of the output. Defaults to `None`: as many as the input
            has.
        kernel_size: Steps that an output sees. Defaults to 3.
        residual: Whether to add the input. Defaults to `False`.
        dilation_rate: Distance between the steps seen. Defaults to 1.
        use_bias: Whether the convolution has a bias. Defaults to `False`.
        kernel_initializer: Defaults to `"glorot_uniform"`.
        bias_initializer: Defaults to `"zeros"`.
        kernel_regularizer, kernel_constraint: As in `keras.layers.Conv1D`.
            Default to `None`.

    Inputs: `(batch, steps, c)`, of any number of steps. Where a Keras mask
        `(batch, steps)` comes with them, masked steps count as zeros and their
        outputs are zeros; the mask goes on.

    Output: `(batch, steps, filters)`.

    Weights: `kernel`, `(kernel_size, c, 2 · filters)`, a's filters first;
        `bias`, `(2 · filters,)`.

    Raises:
        ValueError: If a size is below 1, the input is not of rank 3, or
            `residual` meets another number of filters than the input's.
        TypeError: If a size is no integer.

    Example:

    >>> GatedConv1D(residual=True)(np.ones((2, 10, 64))).shape
    (2, 10, 64)

    Source: kexue.fm 4823 and 5332; Dauphin et al., "Language Modeling with
    Gated Convolutional Networks", 2016.
    """

    def __init__(
        self,
        filters: int | None = None,
        kernel_size: int = 3,
        residual: bool = False,
        dilation_rate: int = 1,
        use_bias: bool = False,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if filters is not None:
            filters = check_integer("filters", filters)
        self.filters = filters
        self.kernel_size = check_integer("kernel_size", kernel_size)
        self.residual = residual
        self.dilation_rate = check_integer("dilation_rate", dilation_rate)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        filters = self.compute_output_shape(input_shape)[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, input_shape[-1], 2 * filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(2 * filters,),
                initializer=self.bias_initializer,
            )
        self.input_spec = keras.layers.InputSpec(
            ndim=3, axes={-1: input_shape[-1]}
        )

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        kept = None
        if mask is not None:
            kept = ops.cast(mask, inputs.dtype)[..., None]
            inputs = inputs * kept
        convolved = ops.conv(
            inputs,
            self.kernel,
            padding="same",
            data_format="channels_last",
            dilation_rate=self.dilation_rate,
        )  # (batch, steps, 2 · filters)
        if self.bias is not None:
            convolved += self.bias
        linear, gate = ops.split(convolved, 2, axis=-1)
        outputs = linear * ops.sigmoid(gate)
        if self.residual:
            outputs += inputs
        return outputs if kept is None else outputs * kept

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 3 or input_shape[-1] is None:
            raise ValueError(
                f"Layer {self.name} expects (batch, steps, c) with a known c. "
                f"Received: input shape {tuple(input_shape)}"
            )
        filters = self.filters or input_shape[-1]
        if self.residual and filters != input_shape[-1]:
            raise ValueError(
                "`residual` adds the input to the output, which must have as "
                f"many filters. Received: filters={filters} for an input of "
                f"{input_shape[-1]}"
            )
        return (*input_shape[:-1], filters)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "residual": self.residual,
            "dilation_rate": self.dilation_rate,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "bias_initializer": keras.initializers.serialize(
                self.bias_initializer
            ),
            "kernel_regularizer": keras.regularizers.serialize(
                self.kernel_regularizer
            ),
            "kernel_constraint": keras.constraints.serialize(
                self.kernel_constraint
            ),
        }
