from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_capsvae.latents.codes import CodeLatent
from keras_capsvae.latents.vector_quantizer import GRADIENTS
from keras_capsvae.latents.vector_quantizer import VectorQuantizer
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_capsvae")
class ResidualQuantizer(CodeLatent):
    """Several codes a token, each of what those before it leave over.

    `z ≈ e¹ + e² + …`: the first quantiser takes z, the next one the rest. Codes
    are integers `(batch, ..., quantizers)`, and the penalty is the sum of all.

    Args:
        quantizers: List of `VectorQuantizer`s, alike in `num_codes`,
            `dim` and `gradient`, which passes all choices as one.
        seed: Not used; each quantiser has a seed of its own.

    Inputs: `(batch, ..., dim)`.

    Output: As of a `VectorQuantizer`, with `ln K` for each code.

    Raises:
        ValueError: If there are no quantisers, or they differ in size.
        TypeError: If one is no `VectorQuantizer`.

    Example:

    >>> latent = ResidualQuantizer([VectorQuantizer(8, 2) for _ in range(3)])
    >>> z, divergence, penalty = latent(np.ones((1, 5, 2)))
    >>> latent.value(np.ones((1, 5, 2))).shape
    TensorShape([1, 5, 3])

    Source: Lee et al., "Autoregressive Image Generation using Residual
    Quantization", 2022.
    """

    def __init__(
        self,
        quantizers: Sequence[VectorQuantizer],
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        for one in quantizers:
            if not isinstance(one, VectorQuantizer):
                raise TypeError(
                    "`quantizers` must be VectorQuantizers. Received: "
                    f"{one!r} of type {type(one).__name__}"
                )
        alike = {(one.num_codes, one.dim, one.gradient) for one in quantizers}
        if len(alike) != 1:
            raise ValueError(
                "`quantizers` must be at least one, alike in codes, dim and "
                f"gradient. Received: {sorted(alike)}"
            )
        self.quantizers = list(quantizers)
        self.num_codes = quantizers[0].num_codes

    def build(self, parameters_shape: Any) -> None:
        super().build(parameters_shape)
        for one in self.quantizers:
            if not one.built:
                one.build((None, *self.latent_shape))

    @property
    def code_shape(self) -> Shape:
        return (*self.latent_shape[:-1], len(self.quantizers))

    def coded(
        self, z: Tensor, training: bool | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        training = training and self.trainable
        rest, parts = z, []
        for one in self.quantizers:
            vectors, *others = one.chosen(rest, training)
            rest = rest - ops.stop_gradient(vectors)
            parts.append((vectors, *others))
        vectors, codes, penalties = zip(*parts)
        quantized = GRADIENTS[self.quantizers[0].gradient](z, sum(vectors))
        return quantized, ops.stack(codes, axis=-1), sum(penalties)

    def perplexity(self, codes: Tensor) -> Tensor:
        """The mean of the quantisers' own."""
        each = [
            one.perplexity(codes[..., place])
            for place, one in enumerate(self.quantizers)
        ]
        return sum(each) / len(each)

    def nearest_codes(self, vectors: Tensor) -> Tensor:
        rest, codes = ops.convert_to_tensor(vectors), []
        for one in self.quantizers:
            codes.append(one.nearest_codes(rest))
            rest = rest - one.embedded(codes[-1])
        return ops.stack(codes, axis=-1)

    def embedded(self, z: Tensor) -> Tensor:
        return sum(
            one.embedded(z[..., place])
            for place, one in enumerate(self.quantizers)
        )

    def get_config(self) -> Config:
        serialize = keras.saving.serialize_keras_object
        quantizers = [serialize(one) for one in self.quantizers]
        return {**super().get_config(), "quantizers": quantizers}

    @classmethod
    def from_config(cls, config: Config) -> "ResidualQuantizer":
        deserialize = keras.saving.deserialize_keras_object
        quantizers = [deserialize(one) for one in config["quantizers"]]
        return cls(**{**config, "quantizers": quantizers})
