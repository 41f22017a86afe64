"""The training steps of one execution as one compiled loop on JAX."""

import itertools
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras

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


def looped(step: Callable, steps: int) -> Callable:
    """A function of state and iterator that takes several training steps.

    TensorFlow compiles `steps_per_execution` as a loop; on JAX Keras calls the
    compiled step so many times from Python. Batches of other shapes than the
    first, and those of an epoch's last execution, if they are fewer, are taken
    one by one.

    Args:
        step: Training step of a Keras model on JAX, `(state, batch)` to
            `(logs, state)`.
        steps: Steps of an execution, above 1.

    Returns:
        A function with the logs of the last step and the state after it.
    """
    import jax  # pyright: ignore[reportMissingImports]

    def loop(state, batches):
        stacked = keras.tree.map_structure(
            lambda *parts: jax.numpy.stack(parts), *batches
        )

        def one(state, batch):
            logs, state = step(state, batch)
            return state, logs

        state, logs = jax.lax.scan(one, state, stacked)
        return keras.tree.map_structure(lambda values: values[-1], logs), state

    loop = jax.jit(loop, donate_argnums=0)

    def execution(state: Any, iterator: Iterator) -> tuple[Any, Any]:
        batches = list(itertools.islice(iterator, steps))
        if not batches:
            raise StopIteration
        if len(batches) == steps and len(set(map(_shapes, batches))) == 1:
            return loop(state, batches)
        logs = None
        for batch in batches:
            logs, state = step(state, batch)
        return logs, state

    return execution


def _shapes(batch):
    return tuple(leaf.shape for leaf in keras.tree.flatten(batch))
