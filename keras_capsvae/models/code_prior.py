import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.layers.causal_block import CausalBlock
from keras_capsvae.losses import CategoricalReconstruction
from keras_capsvae.models.structures import alone
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_sizes


@keras.saving.register_keras_serializable(package="keras_capsvae")
class CodePrior(keras.Model):
    """A causal net over codes: the probability of each after those before.

    `ln q(c) = Σ_t ln q(c_t | c_1 … c_{t−1})` over the tokens of an example, row
    by row. A token is its embedding and those of its row, column and every
    other axis; causal blocks, a normalisation and a softmax follow. Under
    conditions, `ln q(c | conditions)`, a linear map of each is added to every
    token.

    Args:
        num_codes: Codes.
        code_shape: Shape of the codes of an example, such as (7, 7).
        num_layers: Causal blocks. Defaults to 2.
        width: Dims of a token. Defaults to 128.
        num_heads: Heads of the attention. Defaults to 4.
        condition_sizes: Dims of the conditions that codes depend on, vectors
            `(batch, dims)`. Defaults to (): none.
        name: Name of the model.

    Inputs: integers `(batch, *code_shape)`; under conditions the list of them
        and of the conditions.

    Output: logits `(batch, tokens, num_codes)`.

    Raises:
        ValueError: If a size is below 1, `num_codes` below 2, or a side of the
            map of codes is open.
        TypeError: If a size is no integer.

    Example:

    ```python
    codes = np.random.default_rng(0).integers(64, size=(100, 7, 7))
    prior = CodePrior(64, (7, 7), width=32)
    prior.compile_for(learning_rate=1e-3)
    prior.fit_codes(codes, epochs=10)
    ```

    Source: kexue.fm 6760.
    """

    def __init__(
        self,
        num_codes: int,
        code_shape: Sequence[int],
        *,
        num_layers: int = 2,
        width: int = 128,
        num_heads: int = 4,
        condition_sizes: Sequence[int] = (),
        name: str = "code_prior",
    ) -> None:
        super().__init__(name=name, dtype="float32")
        self.num_codes = check_integer("num_codes", num_codes, 2)
        if None in tuple(code_shape):
            raise ValueError(
                "A prior must know how many codes an example has: images of "
                "one size. Received: codes of shape "
                f"{tuple(code_shape)}"
            )
        self.code_shape = tuple(int(side) for side in code_shape)
        self.tokens = math.prod(self.code_shape)
        self.num_layers, self.width, self.num_heads = check_sizes(
            num_layers=num_layers, width=width, num_heads=num_heads
        )
        self.blocks = [
            CausalBlock(self.width, self.num_heads, dtype="float32")
            for _ in range(self.num_layers)
        ]
        self.norm = keras.layers.LayerNormalization(dtype="float32")
        self.logits = keras.layers.Dense(self.num_codes, dtype="float32")
        self.condition_sizes = tuple(
            check_integer("condition_sizes", size) for size in condition_sizes
        )
        self.conditioners = [
            keras.layers.Dense(self.width, use_bias=False, dtype="float32")
            for _ in self.condition_sizes
        ]
        self._build_weights()

    def _build_weights(self):
        spread = keras.initializers.RandomNormal(stddev=0.05)

        def embedding(name, rows):
            return self.add_weight(
                name=name, shape=(rows, self.width), initializer=spread
            )

        self.embeddings = embedding("codes", self.num_codes)
        self.start = embedding("start", 1)
        self.axes = [
            embedding(f"axis_{place}", side)
            for place, side in enumerate(self.code_shape)
        ]
        for block in self.blocks:
            block.build((None, self.tokens, self.width))
        self.norm.build((None, self.tokens, self.width))
        self.logits.build((None, self.tokens, self.width))
        for conditioner, size in zip(self.conditioners, self.condition_sizes):
            conditioner.build((None, size))
        self.built = True

    def build(self, input_shape: Any = None) -> None:
        """Nothing: the constructor knows all shapes."""

    def call(self, inputs: Any) -> Tensor:
        codes, *conditions = keras.tree.flatten(inputs)
        codes = ops.reshape(codes, (-1, self.tokens))
        before = ops.take(self.embeddings, codes[:, :-1], axis=0)
        start = ops.broadcast_to(
            ops.convert_to_tensor(self.start)[None],
            (ops.shape(codes)[0], 1, self.width),
        )
        x = ops.concatenate([start, before], axis=1) + self._positions()
        x = x + self._conditioned(conditions)[:, None]
        for block in self.blocks:
            x = block(x)  # (batch, tokens, width)
        return self.logits(self.norm(x))

    def _positions(self):
        """The sum of the embeddings of all axes, `(tokens, width)`."""
        places = np.unravel_index(np.arange(self.tokens), self.code_shape or 1)
        total = ops.zeros((self.tokens, self.width))
        for axis, index in zip(self.axes, places):
            total = total + ops.take(axis, index.astype("int32"), axis=0)
        return total

    def _conditioned(self, conditions):
        """What conditions add to every token, `(batch, width)` or `(1, width)`.

        Raises:
            ValueError: If there are others than `condition_sizes`.
        """
        if len(conditions) != len(self.condition_sizes):
            raise ValueError(
                f"A prior must have conditions of dims {self.condition_sizes}. "
                f"Received: {len(conditions)} conditions"
            )
        if not conditions:
            return ops.zeros((1, self.width))
        added = [
            conditioner(condition)
            for conditioner, condition in zip(self.conditioners, conditions)
        ]
        return ops.sum(ops.stack(added), axis=0)

    def nats(self, codes: Tensor, conditions: Sequence[Tensor] = ()) -> Tensor:
        """`−ln q(c)` of each example, `(batch,)`."""
        targets = ops.reshape(codes, (-1, self.tokens))
        loss = CategoricalReconstruction(from_logits=True)
        return loss.call(targets, self(alone([codes, *conditions])))

    def sampled(
        self,
        uniforms: Tensor,
        temperature: Tensor,
        conditions: Sequence[Tensor] = (),
    ) -> Tensor:
        """Codes drawn one after the other, `(n, *code_shape)`.

        Keys and values of the tokens before are kept, so that each token costs
        one step of the net.

        Args:
            uniforms: Numbers in [0, 1) that choose the codes, `(n, tokens)`.
            temperature: What logits are divided by, `(n,)`; above 0.
            conditions: Vectors `(n, dims)`, if codes depend on any.
        """
        n = ops.shape(uniforms)[0]
        added = self._conditioned(conditions)
        positions = self._positions()
        temperature = ops.reshape(temperature, (-1, 1))

        def drawn(at, state):
            codes, token, caches = state
            x, held = (token + positions[at] + added)[:, None], []
            for block, cache in zip(self.blocks, caches):
                x, cache = block.step(x, cache, at)
                held.append(cache)
            logits = self.logits(self.norm(x))[:, 0] / temperature
            chances = ops.cumsum(ops.softmax(logits, axis=-1), axis=-1)
            limit = ops.take(uniforms, [at], axis=1) * chances[:, -1:]
            code = ops.sum(ops.cast(chances <= limit, "int32"), axis=-1)
            code = ops.minimum(code, self.num_codes - 1)
            codes = ops.slice_update(codes, (0, at), code[:, None])
            return codes, ops.take(self.embeddings, code, axis=0), held

        start = ops.broadcast_to(self.start, (n, self.width))
        caches = [block.empty_cache(n, self.tokens) for block in self.blocks]
        state = ops.zeros((n, self.tokens), "int32"), start, caches
        codes, _, _ = ops.fori_loop(0, self.tokens, drawn, state)
        return ops.reshape(codes, (n, *self.code_shape))

    def compile_for(self, learning_rate: float = 1e-3) -> None:
        """Compile for training on codes, with Adam; the loss is in nats."""
        self.compile(
            keras.optimizers.Adam(learning_rate),
            loss=CategoricalReconstruction(from_logits=True),
            jit_compile="auto",
        )
        self.optimizer.build(self.trainable_variables)

    def fit_codes(
        self,
        codes: Any,
        epochs: int = 10,
        batch_size: int = 64,
        validation_codes: Any = None,
        verbose: str | int = "auto",
        *,
        seed: int = 0,
        initial_epoch: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> keras.callbacks.History:
        """Train on codes `(n, *code_shape)`, or `[codes, *conditions]`.

        The order of an epoch depends on the seed and its number alone, so that
        a training goes on from `initial_epoch` as without a stop. Arguments as
        of `keras.Model.fit`.
        """
        held_out = None
        if validation_codes is not None:
            held_out = self._pair(validation_codes)
        order = _InOrder(self._pair(codes), batch_size, seed, initial_epoch)
        return self.fit(
            order,
            epochs=epochs,
            initial_epoch=initial_epoch,
            validation_data=held_out,
            validation_batch_size=batch_size,
            shuffle=False,
            verbose=verbose,
            callbacks=list(callbacks),
        )

    def _pair(self, inputs):
        codes, *conditions = keras.tree.flatten(inputs)
        targets = codes.reshape(len(codes), self.tokens)
        return (codes, *conditions) if conditions else codes, targets

    def get_config(self) -> Config:
        return {
            "num_codes": self.num_codes,
            "code_shape": list(self.code_shape),
            "num_layers": self.num_layers,
            "width": self.width,
            "num_heads": self.num_heads,
            "condition_sizes": list(self.condition_sizes),
            "name": self.name,
        }


class _InOrder(keras.utils.PyDataset):
    """Batches whose order depends on the seed and the epoch."""

    def __init__(self, arrays, batch_size, seed, epoch):
        super().__init__()
        self.arrays, self.batch_size = arrays, batch_size
        self.seed, self.epoch = seed, epoch
        self._shuffle()

    def _shuffle(self):
        _, targets = self.arrays
        random = np.random.default_rng((self.seed, self.epoch))
        self.order = random.permutation(len(targets))

    def __len__(self):
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index):
        start = index * self.batch_size
        rows = self.order[start : start + self.batch_size]
        return keras.tree.map_structure(lambda array: array[rows], self.arrays)

    def on_epoch_end(self):
        self.epoch += 1
        self._shuffle()
