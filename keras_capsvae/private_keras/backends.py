"""What one backend does and `keras.ops` has no name for."""

import contextlib
import functools
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops

from keras_capsvae.typing import Tensor


def argmin(tensor: Tensor) -> Tensor:
    """Index of the lowest value of the last axis, int32.

    On TensorFlow Keras' own first tells −0 from 0, in passes over the whole
    tensor and with an operation that LiteRT lacks.
    """
    if keras.backend.backend() != "tensorflow":
        return ops.cast(ops.argmin(tensor, axis=-1), "int32")
    import tensorflow as tf

    return tf.argmin(tensor, axis=-1, output_type="int32")


def check_in_graph(value: Tensor, count: int, name: str) -> Tensor:
    """An integer tensor that a TensorFlow graph checks to be below `count`.

    `keras.ops` has no assertion, and one-hot of a wrong class is all zeros.
    """
    import tensorflow as tf

    message = f"`{name}` must lie in [0, {count - 1}]"
    checks = [
        tf.debugging.assert_non_negative(value, message),
        tf.debugging.assert_less(value, count, message),
    ]
    with tf.control_dependencies([one for one in checks if one is not None]):
        return tf.identity(value)


def looked_dataset(data: Any, look: Callable[[Any], Any]) -> Any:
    """A `tf.data.Dataset` of the same batches, each looked at when drawn.

    Keras maps functions over no data sets, and iterating over one in Python
    takes it out of TensorFlow's graph.

    Args:
        data: The data set.
        look: Takes a batch in NumPy, and may raise.
    """
    import tensorflow as tf

    spec = data.element_spec

    def looked(*batch):
        structure = batch if isinstance(spec, tuple) else batch[0]
        parts = tf.nest.flatten(structure, expand_composites=True)
        packed = functools.partial(
            tf.nest.pack_sequence_as, structure, expand_composites=True
        )

        def look_at(*arrays):
            look(packed(arrays))
            return True

        seen = tf.numpy_function(look_at, parts, tf.bool)
        with tf.control_dependencies([seen]):
            return packed([tf.identity(part) for part in parts])

    return data.map(looked)


@contextlib.contextmanager
def on_one_thread() -> Iterator[None]:
    """Keep PyTorch from sharing each operation among threads.

    Where operations are as small as those of one token it waits for its threads
    longer than it computes: milliseconds each where the cores are not idle.
    """
    if keras.backend.backend() != "torch":
        yield
        return
    import torch  # pyright: ignore[reportMissingImports]

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def computes_on_jax_cpu() -> bool:
    """Whether the backend is JAX and its default device a CPU.

    Keras names no devices by which to choose between formulas.
    """
    if keras.backend.backend() != "jax":
        return False
    import jax  # pyright: ignore[reportMissingImports]

    return jax.default_backend() == "cpu"


def computes_on_gpu() -> bool:
    """Whether the backend finds a GPU, which it then computes on."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if backend == "jax":
        import jax  # pyright: ignore[reportMissingImports]

        return jax.default_backend() == "gpu"
    if backend == "torch":
        import torch  # pyright: ignore[reportMissingImports]

        return torch.cuda.is_available()
    return False


@functools.cache
def compiled_by_jax(function: Callable, *static: int) -> Callable:
    """A function of JAX's arrays, compiled as a whole also outside of models.

    Keras compiles models alone; JAX by itself compiles operation by operation.

    Args:
        function: The function.
        *static: Positions of arguments that are no arrays.
    """
    import jax  # pyright: ignore[reportMissingImports]

    return jax.jit(function, static_argnums=static)
