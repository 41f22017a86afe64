"""What latents share that are codes, integers out of a codebook."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.latents.base import Latent
from keras_capsvae.quantization import counts_of
from keras_capsvae.quantization import perplexity
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor

PERPLEXITY = "perplexity"


class CodeLatent(Latent):
    """Latents whose every token is one of `num_codes` codes.

    The encoder gives a vector for each token, `(batch, ..., dim)`; the decoder
    takes the vectors of the codes, of the same shape. Codes are integers
    `(batch, ...)`: a map of them for an image. The posterior is one code, so
    that the divergence from the uniform prior is `ln num_codes` for each token,
    whatever the weights are. Penalties have no weight β.

    A subclass implements `coded`, `nearest_codes` and `embedded`.
    """

    num_codes: int
    parameter_names = ("z",)
    term_names = (PERPLEXITY,)
    has_own_penalty = True
    has_prior = False

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)

    @property
    def scheduled(self) -> list[keras.Variable]:
        return []

    def coded(
        self, z: Tensor, training: bool | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors of codes with a gradient, their indices, and the penalty.

        Args:
            z: `(batch, ..., dim)`, float32 at least.
            training: Whether the codebook learns from it.

        Returns:
            `(batch, ..., dim)`, integers `(batch, ...)` and `(batch,)`.
        """
        raise NotImplementedError

    def nearest_codes(self, vectors: Tensor) -> Tensor:
        """The codes whose vectors are nearest, integers `(batch, ...)`."""
        raise NotImplementedError

    def build(self, parameters_shape: Any) -> None:
        self.latent_shape = _only_shape(parameters_shape)[1:]

    @property
    def code_shape(self) -> Shape:
        """Shape of the codes of an example."""
        return self.latent_shape[:-1]

    def call(
        self,
        parameters: Any,
        condition: Any = None,
        with_terms: bool = False,
        training: bool | None = None,
    ) -> Any:
        z = self._vectors(parameters)
        quantized, codes, penalty = self.coded(z, training)
        outputs = (
            ops.saturate_cast(quantized, self.compute_dtype),
            self.nats(codes),
            penalty,
        )
        if not with_terms:
            return outputs
        told = ops.broadcast_to(self.perplexity(codes), ops.shape(penalty))
        return *outputs, {PERPLEXITY: ops.cast(told, penalty.dtype)}

    def compute_output_spec(
        self,
        parameters: Any,
        condition: Any = None,
        with_terms: bool = False,
        training: bool | None = None,
    ) -> Any:
        return self.output_specs(_only(parameters).shape, with_terms)

    def _vectors(self, parameters):
        return ops.cast(_only(parameters), self.dtype_of_terms)

    def nats(self, codes: Tensor) -> Tensor:
        """The divergence of each example from the uniform prior, `(batch,)`."""
        ones = ops.ones_like(codes, dtype=self.dtype_of_terms)
        tokens = ops.sum(ops.reshape(ones, (ops.shape(codes)[0], -1)), axis=-1)
        return tokens * math.log(self.num_codes)

    def perplexity(self, codes: Tensor) -> Tensor:
        """`exp(−Σ p ln p)` of the shares of the codes in a batch."""
        return perplexity(counts_of(codes, self.num_codes))

    def value(self, parameters: Any) -> Tensor:
        """The codes of what the encoder gives, integers `(batch, ...)`."""
        z = self._vectors(parameters)
        return self.coded(z, training=False)[1]

    def sample(
        self,
        parameters: Any,
        num_samples: int,
        seed: keras.random.SeedGenerator | None = None,
    ) -> Tensor:
        vectors = self.embedded(self.value(parameters))
        return ops.repeat(vectors[:, None], num_samples, axis=1)

    def log_ratio(
        self, z: Tensor, parameters: Any, condition: Any = None
    ) -> Tensor:
        nats = self.nats(self.value(parameters))
        return ops.broadcast_to(-nats[:, None], ops.shape(z)[:2])

    def draw(
        self,
        random: Any,
        n: int,
        condition: Any = None,
        cluster: int | None = None,
    ) -> Tensor:
        raise ValueError(
            "Codes are drawn from a prior that was fitted over them, which a "
            "CodeAutoencoder has: CodeAutoencoder(encoder, decoder, latent)"
            f".fit_prior(x). Received: {type(self).__name__} alone"
        )

    def draw_uniformly(self, random: Any, n: int) -> Tensor:
        """n draws of uniform codes, `(n, *code_shape)`."""
        tokens = n * math.prod(self.code_shape)
        drawn = random.integers(self.num_codes, tokens)
        return ops.reshape(drawn, (n, *self.code_shape))

    def between(self, first: Any, last: Any, shares: np.ndarray) -> np.ndarray:
        ends = [
            ops.convert_to_numpy(self.embedded(one[None]))
            for one in (first, last)
        ]
        vectors = super().between(*(end[0] for end in ends), shares)
        return ops.convert_to_numpy(self.nearest_codes(vectors))

    def get_config(self) -> Config:
        config = super().get_config()
        del config["kl_weight"]
        return config


def _only(parameters):
    """What the encoder gives, alone in a list or not."""
    if isinstance(parameters, (list, tuple)):
        (parameters,) = parameters
    return parameters


def _only_shape(shape):
    if isinstance(shape[0], (list, tuple)):
        (shape,) = shape
    return tuple(shape)
