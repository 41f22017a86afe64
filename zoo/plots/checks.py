import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_capsvae import CapsuleNetwork
from keras_capsvae import VariationalAutoencoder
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
    """What the model reads: `[x]`, or `[x, conditions]`."""
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


def as_given(arrays: list[np.ndarray]) -> np.ndarray | list[np.ndarray]:
    """The arrays as a model takes them, a single one bare."""
    return arrays[0] if len(arrays) == 1 else arrays


def expect_kind(
    model: keras.Model, kind: type[keras.Model], expectation: str = ""
) -> None:
    """Raise unless a picture is one of this kind of model."""
    expect(
        isinstance(model, kind),
        f"`model` must be {expectation or f'a {kind.__name__}'}",
        model=f"{model.name} of type {type(model).__name__}",
    )


def names_of(class_names: Sequence[str] | None, count: int) -> list[str]:
    """What classes are called in a picture: by their names or labels."""
    if class_names is None:
        return [str(label) for label in range(count)]
    expect(
        len(class_names) == count,
        "`class_names` must have a name for each class",
        names=len(class_names),
        classes=count,
    )
    return [str(name) for name in class_names]


@functools.singledispatch
def decoder_of(model: keras.Model) -> keras.Model | None:
    """What draws an image for a model, `None` of one that draws none."""
    return None


@decoder_of.register(VariationalAutoencoder)
@decoder_of.register(CapsuleNetwork)
def _(model):
    return model.decoder


def expect_decoder(model: keras.Model) -> None:
    expect(
        decoder_of(model) is not None,
        "`model` must have a decoder",
        model=f"{model.name}, which has none",
    )
