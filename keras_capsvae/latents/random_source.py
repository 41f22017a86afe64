"""Random numbers for draws from a prior: of NumPy, or inside a graph."""

import random

import keras
import numpy as np
from keras import ops

from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor


def random_generator(
    seed: int | tuple[int, ...] | None = None,
) -> np.random.Generator:
    """A generator of NumPy.

    Without a seed Python's own generator gives one, as it does to a layer:
    `keras.utils.set_random_seed` then counts for both.
    """
    if seed is None:
        seed = random.getrandbits(63)
    return np.random.default_rng(seed)


class NumpyRandom:
    """Numbers of NumPy, the same on every backend and device."""

    def __init__(self, seed: int | tuple[int, ...] | None = None) -> None:
        self.random = random_generator(seed)

    def normal(self, shape: Shape) -> Tensor:
        return self.random.standard_normal(shape).astype("float32")

    def uniform(self, shape: Shape) -> Tensor:
        return self.random.random(shape, "float32")

    def integers(self, high: int, n: int) -> Tensor:
        return self.random.integers(high, size=n)

    def categories(self, log_probabilities: Tensor, n: int) -> Tensor:
        """n draws out of categories with these log-probabilities."""
        logits = ops.convert_to_numpy(log_probabilities)
        noise = self.random.gumbel(size=(n, len(logits)))
        return np.argmax(logits + noise, axis=-1)


class GraphRandom:
    """Numbers of a `SeedGenerator`, for a graph such as a SavedModel."""

    def __init__(self, seed_generator: keras.random.SeedGenerator) -> None:
        self.seed_generator = seed_generator

    def normal(self, shape: Shape) -> Tensor:
        return keras.random.normal(shape, seed=self.seed_generator)

    def uniform(self, shape: Shape) -> Tensor:
        return keras.random.uniform(shape, seed=self.seed_generator)

    def integers(self, high: int, n: int) -> Tensor:
        return keras.random.randint((n,), 0, high, seed=self.seed_generator)

    def categories(self, log_probabilities: Tensor, n: int) -> Tensor:
        logits = ops.reshape(log_probabilities, (1, -1))
        drawn = keras.random.categorical(logits, n, seed=self.seed_generator)
        return ops.reshape(drawn, (-1,))
