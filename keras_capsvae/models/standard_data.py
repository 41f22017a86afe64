from typing import Any

import keras
import numpy as np

from keras_capsvae.models.composed_model import ComposedModel
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.forms import standard_inputs
from keras_capsvae.validation.forms import standard_targets
from keras_capsvae.validation.forms import standard_weights
from keras_capsvae.validation.inputs import told
from keras_capsvae.validation.shapes import with_last_axis


class StandardData(ComposedModel):
    """A functional model that brings all forms of data into one.

    Inputs are an array, or a tuple or a dict of those of several inputs,
    targets one array; a batch is `(x,)`, `(x, y)` or `(x, y, weights)`.
    """

    def standard_inputs(self, x: Any, name: str) -> Any:
        """x as an array, or a tuple or a dict of those of several inputs.

        They have a last axis of size 1 where the inputs have one.
        """
        x = standard_inputs(x, len(self.inputs), name)
        if isinstance(x, dict):
            shapes = {tensor.name: tensor.shape for tensor in self.inputs}
            return x | {
                name: with_last_axis(x[name], shape)
                for name, shape in shapes.items()
                if name in x
            }
        if not isinstance(x, tuple):
            return with_last_axis(x, self.inputs[0].shape)
        if len(x) != len(self.inputs):
            return x
        return tuple(
            with_last_axis(part, tensor.shape)
            for part, tensor in zip(x, self.inputs)
        )

    def standard_targets(self, y: Any, name: str) -> Any:
        """The one array of targets, `None` without any."""
        return standard_targets(y, name)

    def standard_batch(self, batch: Any, name: str) -> tuple[Any, ...]:
        """`(x,)`, `(x, y)` or `(x, y, weights)` in the standard form."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
        x = self.standard_inputs(x, name)
        y = self.standard_targets(y, "y")
        weights = standard_weights(weights)
        parts = (x, y, weights)
        return parts[: 3 if weights is not None else 2 if y is not None else 1]

    def inputs_in_order(self, x: Any, name: str) -> list[Tensor]:
        """The arrays of x, of a dict by name, in the order of the inputs.

        Raises:
            ValueError: If there are more or fewer, or others.
        """
        if isinstance(x, dict):
            missing = {tensor.name for tensor in self.inputs} - set(x)
            if missing:
                raise ValueError(
                    f"`{name}` must hold the inputs {told(self.inputs)}. "
                    f"Received: keys {list(x)}"
                )
            return [x[tensor.name] for tensor in self.inputs]
        arrays = list(x) if isinstance(x, (list, tuple)) else [x]
        if len(arrays) != len(self.inputs):
            _, *dims = self.inputs[0].shape
            if {tuple(np.shape(one)) for one in arrays} == {tuple(dims)}:
                raise ValueError(
                    f"`{name}` must be one array: np.stack({name}). "
                    f"Received: {len(arrays)} examples in a list"
                )
            raise ValueError(
                f"`{name}` must hold {len(self.inputs)} input arrays: "
                f"{told(self.inputs)}. "
                f"Received: {len(arrays)}. Keras reads a pair (a, b) as inputs "
                "and targets: two inputs alone are ([a, b],) as "
                "`validation_data` and ((a, b),) as a batch of a stream"
            )
        return arrays


def three_parts(batch: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    """x, y and weights of a batch, `None` where it has none."""
    x, y, weights, *_ = (*batch, None, None)
    return x, y, weights
