from typing import Any

import keras
import numpy as np

from keras_capsvae.typing import Tensor


def expect(condition: object, requirement: str, **received: Any) -> None:
    if not condition:
        values = ", ".join(
            f"{name}={value}" for name, value in received.items()
        )
        raise ValueError(f"{requirement}. Received: {values}")


def finite_array(name: str, values: Tensor) -> np.ndarray:
    try:
        array = keras.ops.convert_to_numpy(values)
        finite = np.isfinite(array).all()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` must be an array of numbers. "
            f"Received: {name}={values!r} (of type {type(values)})"
        ) from error
    expect(array.size > 0, f"`{name}` must not be empty", shape=array.shape)
    expect(finite, f"`{name}` must be finite", values="NaN or infinity")
    return array


def example_arrays(model: keras.Model, x: Tensor) -> list[np.ndarray]:
    """What the model reads: `[x]`, or `[x, one_hot]` of a conditional one."""
    inputs = len(model.inputs)
    listed = isinstance(x, (list, tuple)) and len(x) == inputs
    arrays = [finite_array("x", part) for part in (x if listed else [x])]
    for array in arrays:
        expect(
            array.ndim >= 2 and len(array) == len(arrays[0]),
            "`x` must be a batch of examples, one of a kind for each",
            shapes=[array.shape for array in arrays],
        )
    return arrays


def encoder_input(
    model: keras.Model, arrays: list[np.ndarray]
) -> np.ndarray | list[np.ndarray]:
    """The arrays without the labels, that the encoder does not read."""
    read = arrays[: len(model.encoder.inputs)]
    return read[0] if len(read) == 1 else read
