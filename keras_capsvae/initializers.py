import contextlib
import random
import sys
from collections.abc import Iterator

import keras
from keras import ops

from keras_capsvae.typing import Config
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_number


@keras.saving.register_keras_serializable(package="keras_capsvae")
class NoisyIdentity(keras.initializers.Initializer):
    """Square matrices in the last two axes: the identity and a little noise.

    With vote transforms so drawn all parents receive about the same votes at
    first. EM then shares every child out evenly, and the net learns as if there
    were no routing, which hardens as the transforms grow apart. With
    independent random transforms each child belongs to one parent from the
    start, by chance, and little can be learned.

    Args:
        stddev: Standard deviation of the noise. Defaults to 0.02.
        seed: Integer seed of the noise. Defaults to `None`: a random one.

    Raises:
        ValueError: If the last two axes differ, there is only one, or `stddev`
            is negative.

    Example:

    >>> NoisyIdentity(stddev=0.0)((3, 2, 2))[0]
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    def __init__(self, stddev: float = 0.02, seed: int | None = None):
        self.stddev = stddev = check_number("stddev", stddev)
        self.seed = seed
        self.noise = keras.initializers.RandomNormal(0.0, stddev, seed)

    def __call__(self, shape, dtype=None):
        if len(shape) < 2 or shape[-1] != shape[-2]:
            raise ValueError(
                "`shape` must end in a square matrix (..., p, p). "
                f"Received: shape={tuple(shape)}"
            )
        noise = self.noise(shape, dtype)
        return noise + ops.eye(shape[-1], dtype=noise.dtype)

    def get_config(self) -> Config:
        return {"stddev": self.stddev, "seed": self.seed}


@contextlib.contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Initialisers and noise of what is built draw their seeds from this one.

    Keras takes them from Python's generator, which is set back afterwards.

    Args:
        seed: Integer; `None` changes nothing.
    """
    if seed is None:
        yield
        return
    seed = check_integer("seed", seed, minimum=-sys.maxsize)
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
