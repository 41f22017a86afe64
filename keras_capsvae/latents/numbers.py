"""Random numbers for draws from a prior: of NumPy, or inside a graph."""

import keras
import numpy as np
from keras import ops


class NumpyNumbers:
    """Numbers of NumPy, the same on every backend and device."""

    def __init__(self, seed: int | None = None):
        self.random = np.random.default_rng(seed)

    def normal(self, shape):
        return self.random.standard_normal(shape).astype("float32")

    def integers(self, high, n):
        return self.random.integers(high, size=n)

    def categories(self, log_probabilities, n):
        """n draws out of categories with these log-probabilities."""
        logits = ops.convert_to_numpy(log_probabilities)
        noise = self.random.gumbel(size=(n, len(logits)))
        return np.argmax(logits + noise, axis=-1)


class GraphNumbers:
    """Numbers of a `SeedGenerator`, for a graph such as a SavedModel."""

    def __init__(self, seed_generator: keras.random.SeedGenerator):
        self.seed_generator = seed_generator

    def normal(self, shape):
        return keras.random.normal(shape, seed=self.seed_generator)

    def integers(self, high, n):
        return keras.random.randint((n,), 0, high, seed=self.seed_generator)

    def categories(self, log_probabilities, n):
        logits = ops.reshape(log_probabilities, (1, -1))
        drawn = keras.random.categorical(logits, n, seed=self.seed_generator)
        return ops.reshape(drawn, (-1,))
