"""`predict` for models that several threads may use at once."""

import contextlib
import threading
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.models.structures import alone
from keras_capsvae.private_keras import shares_of_a_batch
from keras_capsvae.validation.forms import dense_in_numpy

USUAL = 32  # examples in a batch of Keras
SMALL = 8
ROWS_AT_ONCE = 512
FEW = 4  # batches in a call below which TensorFlow warns of its tracing
_ONE_AT_A_TIME = threading.Lock()


def predicted(
    model: keras.Model, arrays: list[Any], batch_size: int | None = None
) -> Any:
    """`model.predict` of a list of arrays, or of the only one, in NumPy.

    TensorFlow traces and compiles `predict` for each model and size of a batch:
    a few examples do without, more come in several batches of the same size.
    On JAX Keras allows one thread at a time.
    """
    arrays = [dense_in_numpy(array) for array in arrays]
    count, size = len(arrays[0]), batch_size or USUAL
    backend = keras.backend.backend()
    if backend == "tensorflow":
        sizes = [size, *(one for one in (USUAL, SMALL) if one < size)]
        often = [one for one in sizes if count >= FEW * one]
        if not often:
            return _called(model, arrays, count, size)
        size = often[0]
    is_shared = shares_of_a_batch() > 1
    if is_shared:
        size = divisible(min(size, count))
    if count > size or is_shared:
        arrays = [padded(array, size) for array in arrays]
    with one_at_a_time():
        outputs = model.predict(alone(arrays), size, verbose=0)
    return keras.tree.map_structure(lambda output: output[:count], outputs)


def one_at_a_time() -> contextlib.AbstractContextManager:
    """Keeps other threads waiting where Keras predicts in one alone: on JAX."""
    is_jax = keras.backend.backend() == "jax"
    return _ONE_AT_A_TIME if is_jax else contextlib.nullcontext()


def divisible(batch_size: int) -> int:
    """A size, not below this, that the devices of a distribution share."""
    return batch_size + -batch_size % shares_of_a_batch()


def padded(array: np.ndarray, batch_size: int) -> np.ndarray:
    """Whole batches: a last one of another size would be compiled anew."""
    missing = -len(array) % batch_size
    return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)])


def in_parts(arrays: list[np.ndarray]) -> Iterator[tuple[np.ndarray, ...]]:
    """Rows of the arrays, not all at once; at least one part."""
    count = max(1, -(-len(arrays[0]) // ROWS_AT_ONCE))
    return zip(*(np.array_split(array, count) for array in arrays))


def joined(parts: Iterable[Any]) -> Any:
    """Arrays, or lists of them, of one part after the other, in NumPy."""
    return keras.tree.map_structure(
        lambda *arrays: np.concatenate(
            [ops.convert_to_numpy(array) for array in arrays]
        ),
        *parts,
    )


def _called(model, arrays, count, size):
    return joined(
        model(alone([array[at : at + size] for array in arrays]))
        for at in range(0, count, size)
    )
