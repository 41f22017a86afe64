import math
from typing import Any

import keras
from keras import ops

from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_sizes

HIDDEN = 4  # units of the dense layer, in widths
HIDDEN_SCORE = -1e9

Cache = tuple[Tensor, Tensor]


@keras.saving.register_keras_serializable(package="keras_capsvae")
class CausalBlock(keras.layers.Layer):
    """A step of a sequence looks at itself and at those before it.

    `h = x + attention(norm(x))`, `y = h + dense(relu(dense(norm(h))))`, with
    attention of several heads and a hidden layer four times as wide. `step`
    gives one step alone, from the keys and values of those before.

    Args:
        width: Dims of a step, a multiple of the heads.
        num_heads: Heads.

    Inputs: `(batch, steps, width)`.

    Output: As the input.

    Raises:
        ValueError: If a size is below 1 or the width no multiple of the heads.
        TypeError: If a size is no integer.

    Example:

    >>> CausalBlock(8, 2)(np.zeros((1, 5, 8))).shape
    TensorShape([1, 5, 8])

    Source: Vaswani et al., "Attention Is All You Need", 2017; kexue.fm 6760.
    """

    def __init__(self, width: int, num_heads: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width, self.num_heads = check_sizes(
            width=width, num_heads=num_heads
        )
        if self.width % self.num_heads:
            raise ValueError(
                "`width` must be a multiple of `num_heads`. Received: "
                f"width={width}, num_heads={num_heads}"
            )
        self.dim = self.width // self.num_heads
        dtype = self.dtype_policy
        normalisation, dense = keras.layers.LayerNormalization, self._dense
        self.attention_norm = normalisation(name="attention_norm", dtype=dtype)
        self.queries = dense(3 * self.width, "queries_keys_values")
        self.joined = dense(self.width, "joined")
        self.dense_norm = normalisation(name="dense_norm", dtype=dtype)
        self.hidden = dense(HIDDEN * self.width, "hidden", activation="relu")
        self.output_dense = dense(self.width, "output")

    def _dense(self, units, name, **options):
        return keras.layers.Dense(
            units, name=name, dtype=self.dtype_policy, **options
        )

    def build(self, input_shape: Shape) -> None:
        shape = (None, None, self.width)
        for layer in (
            self.attention_norm,
            self.queries,
            self.joined,
            self.dense_norm,
            self.hidden,
        ):
            layer.build(shape)
        self.output_dense.build((None, None, HIDDEN * self.width))

    def call(self, inputs: Tensor) -> Tensor:
        query, key, value = self._heads(inputs)
        steps = ops.arange(ops.shape(inputs)[1])
        sees = steps[:, None] >= steps  # (query, key)
        return self._added(inputs, self._attended(query, key, value, sees))

    def empty_cache(self, batch: Any, steps: int) -> Cache:
        """Keys and values of steps that are still to come."""
        shape = (batch, steps, self.num_heads, self.dim)
        return (
            ops.zeros(shape, self.compute_dtype),
            ops.zeros(shape, self.compute_dtype),
        )

    def step(
        self, inputs: Tensor, cache: Cache, at: Tensor
    ) -> tuple[Tensor, Cache]:
        """What `call` gives for the step `at`, `(batch, 1, width)`.

        Args:
            inputs: Those of that step, `(batch, 1, width)`.
            cache: That of the steps before.
            at: Integer.

        Returns:
            The output and the cache with this step.
        """
        inputs = ops.convert_to_tensor(inputs)
        query, *new = self._heads(inputs)
        key, value = (
            ops.slice_update(held, (0, at, 0, 0), one)
            for held, one in zip(cache, new)
        )
        sees = (ops.arange(key.shape[1]) <= at)[None]  # (1, key)
        output = self._added(inputs, self._attended(query, key, value, sees))
        return output, (key, value)

    def _heads(self, inputs):
        """Queries, keys and values, `(batch, steps, heads, dim)` each."""
        projected = self.queries(self.attention_norm(inputs))
        batch, steps = ops.shape(inputs)[:2]
        shape = (batch, steps, 3, self.num_heads, self.dim)
        return ops.unstack(ops.reshape(projected, shape), axis=2)

    def _attended(self, query, key, value, sees):
        scores = ops.einsum("bqhd,bkhd->bhqk", query, key)
        scores = ops.where(sees, scores / math.sqrt(self.dim), HIDDEN_SCORE)
        weights = ops.softmax(scores, axis=-1)
        heads = ops.einsum("bhqk,bkhd->bqhd", weights, value)
        batch, steps = ops.shape(query)[:2]
        return self.joined(ops.reshape(heads, (batch, steps, self.width)))

    def _added(self, inputs, attended):
        seen = inputs + attended
        return seen + self.output_dense(self.hidden(self.dense_norm(seen)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "width": self.width,
            "num_heads": self.num_heads,
        }
