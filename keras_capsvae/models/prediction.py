"""`predict` for models that several threads may use at once."""

import contextlib
import threading
from typing import Any

import keras

_ONE_AT_A_TIME = threading.Lock()


def predicted(
    model: keras.Model, arrays: list[Any], batch_size: int | None = None
) -> Any:
    """`model.predict` of a list of arrays, or of the only one, in NumPy.

    On JAX Keras allows one thread at a time.
    """
    inputs = arrays if len(arrays) > 1 else arrays[0]
    is_jax = keras.backend.backend() == "jax"
    with _ONE_AT_A_TIME if is_jax else contextlib.nullcontext():
        return model.predict(inputs, batch_size, verbose=0)
