"""The training steps of one execution as one compiled loop on JAX."""

import itertools
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_capsvae.private_keras.backends import computes_on_gpu


def can_loop(model: keras.Model) -> bool:
    """Whether the steps of an execution are to be one compiled loop.

    It saves the time that the processor takes to start each of them, most of
    the time of a small net on a GPU. On a CPU it is a loss: there XLA runs the
    convolutions of a loop many times slower.
    """
    return (
        keras.backend.backend() == "jax"
        and computes_on_gpu()
        and model.steps_per_execution > 1
        and bool(model.jit_compile)
        and not model.run_eagerly
        and not keras.config.is_nnx_enabled()
        and keras.distribution.distribution() is None
    )


def looped(step: Callable, model: keras.Model) -> Callable:
    """A function of state and iterator that takes the steps of an execution.

    TensorFlow compiles `steps_per_execution` as a loop; on JAX Keras calls the
    compiled step so many times from Python. An execution whose batches differ
    in shape or dtype, are sparse, or are fewer at the end of an epoch, is taken
    step by step.

    Args:
        step: Training or test step of a Keras model on JAX, `(state, batch)`
            to `(logs, state)`.
        model: The model, whose `steps_per_execution` is read at each call, as
            Keras does.

    Returns:
        A function with the logs of the last step and the state after it.
    """
    import jax  # pyright: ignore[reportMissingImports]

    def loop(state, batches):
        stacked = keras.tree.map_structure(
            lambda *parts: jax.numpy.stack(parts), *batches
        )

        def one(state, batch):
            logs, after = step(state, batch)
            # In the containers of before, which a step of one's own may change.
            leaves = keras.tree.flatten(after)
            return keras.tree.pack_sequence_as(state, leaves), logs

        state, logs = jax.lax.scan(one, state, stacked)
        return keras.tree.map_structure(lambda values: values[-1], logs), state

    loop = jax.jit(loop, donate_argnums=0)

    def execution(state: Any, iterator: Iterator) -> tuple[Any, Any]:
        steps = model.steps_per_execution
        batches = list(itertools.islice(iterator, steps))
        if not batches:
            raise StopIteration
        forms = {_form(batch) for batch in batches}
        if len(batches) == steps > 1 and len(forms) == 1 and None not in forms:
            return loop(state, batches)
        logs = None
        for batch in batches:
            logs, state = step(state, batch)
        return logs, state

    return execution


def _form(batch):
    """Shapes and dtypes, `None` of what cannot be stacked."""
    import jax  # pyright: ignore[reportMissingImports]

    leaves = keras.tree.flatten(batch)
    if not all(isinstance(leaf, (np.ndarray, jax.Array)) for leaf in leaves):
        return None
    return tuple((leaf.shape, str(leaf.dtype)) for leaf in leaves)
