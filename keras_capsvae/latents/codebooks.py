"""Codebooks: where the vectors of codes stand, and how they learn."""

from typing import Any

import keras
from keras import ops

from keras_capsvae.quantization import counts_and_sums
from keras_capsvae.typing import Tensor

STALE = 1e-3  # below it a count does not fall further, lest it come to 0


class Codebook(keras.layers.Layer):
    """The vectors of the codes, `(num_codes, dim)`.

    A subclass implements `build`, `vectors`, `move` and, unless gradients alone
    move its codes, `learn`.

    Attributes:
        is_trained: Whether gradients move the codes.
        is_moved: Whether codes can be put somewhere: where the data start them,
            or out of disuse.
    """

    is_trained = False
    is_moved = True

    def __init__(self, num_codes: int, dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_codes, self.dim = num_codes, dim

    def vectors(self) -> Tensor:
        """The vectors as they are now."""
        raise NotImplementedError

    def move(self, vectors: Tensor, places: Tensor, moved: Tensor) -> None:
        """Put the `moved` codes `(num_codes,)` into other places."""

    def learn(self, vectors: Tensor, inputs: Tensor, codes: Tensor) -> Tensor:
        """Follow the inputs of a step; the counts of all codes after it."""
        raise NotImplementedError

    def _weight(self, name, shape, initializer, trainable=False):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=trainable,
            dtype=keras.backend.result_type(self.variable_dtype, "float32"),
            autocast=False,
            aggregation="none" if trainable else "mean",
        )

    def _codes(self, name, trainable=False):
        bound = 1.0 / self.num_codes
        start = keras.initializers.RandomUniform(-bound, bound)
        return self._weight(
            name, (self.num_codes, self.dim), start, trainable=trainable
        )


class AveragedCodebook(Codebook):
    """Codes that are moving averages of their inputs.

    `N_k ← γ N_k + (1 − γ) n_k` and `m_k ← γ m_k + (1 − γ) Σ z` over the n_k
    inputs of a code; the code is `m_k / N_k`. At first N_k is 1, m_k the code.
    """

    def __init__(
        self, num_codes: int, dim: int, decay: float, **kwargs: Any
    ) -> None:
        super().__init__(num_codes, dim, **kwargs)
        self.decay = decay

    def build(self, input_shape: Any = None) -> None:
        self.counts = self._weight("counts", (self.num_codes,), "ones")
        self.sums = self._codes("sums")

    def vectors(self) -> Tensor:
        return ops.divide(self.sums, self.counts[:, None])

    def learn(self, vectors: Tensor, inputs: Tensor, codes: Tensor) -> Tensor:
        counts = ops.convert_to_tensor(self.counts)
        now, sums = counts_and_sums(inputs, codes, self.num_codes)
        share = 1.0 - self.decay
        is_stale = ops.logical_and(now == 0, counts < STALE)
        kept = ops.where(is_stale, 1.0, self.decay) * counts
        self.sums.assign(kept[:, None] * vectors + share * sums)
        self.counts.assign(kept + share * now)
        return ops.convert_to_tensor(self.counts)

    def move(self, vectors: Tensor, places: Tensor, moved: Tensor) -> None:
        counts = ops.convert_to_tensor(self.counts)
        counts = ops.where(moved, ops.mean(counts), counts)
        vectors = ops.where(moved[:, None], places, vectors)
        self.counts.assign(counts)
        self.sums.assign(counts[:, None] * vectors)


class TrainedCodebook(Codebook):
    """Codes that gradients move.

    A code is the sum of what is trained and of a shift that puts it into
    another place: on JAX a forward pass cannot write what is trained.
    """

    is_trained = True

    def __init__(
        self, num_codes: int, dim: int, decay: float, **kwargs: Any
    ) -> None:
        super().__init__(num_codes, dim, **kwargs)
        self.decay = decay

    def build(self, input_shape: Any = None) -> None:
        self.codes = self._codes("codes", trainable=True)
        self.shift = self._weight("shift", (self.num_codes, self.dim), "zeros")
        self.counts = self._weight("counts", (self.num_codes,), "ones")

    def vectors(self) -> Tensor:
        return ops.add(self.codes, self.shift)

    def learn(self, vectors: Tensor, inputs: Tensor, codes: Tensor) -> Tensor:
        now, _ = counts_and_sums(inputs, codes, self.num_codes)
        counts = self.decay * self.counts + (1.0 - self.decay) * now
        self.counts.assign(counts)
        return counts

    def move(self, vectors: Tensor, places: Tensor, moved: Tensor) -> None:
        counts = ops.convert_to_tensor(self.counts)
        self.counts.assign(ops.where(moved, ops.mean(counts), counts))
        before = ops.convert_to_tensor(self.shift)
        shift = places - ops.stop_gradient(ops.convert_to_tensor(self.codes))
        self.shift.assign(ops.where(moved[:, None], shift, before))


class ProjectedCodebook(Codebook):
    """SimVQ: random codes that stay, times a trained matrix.

    Every code moves with each gradient, so that none is left behind.

    Source: kexue.fm 10519; Zhu et al., "Addressing Representation Collapse in
    Vector Quantized Models with One Linear Layer", 2024.
    """

    is_trained = True
    is_moved = False

    def build(self, input_shape: Any = None) -> None:
        shape = (self.num_codes, self.dim)
        spread = keras.initializers.RandomNormal(stddev=self.dim**-0.5)
        self.codes = self._weight("codes", shape, spread)
        self.matrix = self._weight(
            "matrix", (self.dim, self.dim), "orthogonal", trainable=True
        )

    def vectors(self) -> Tensor:
        return ops.matmul(self.codes, self.matrix)
