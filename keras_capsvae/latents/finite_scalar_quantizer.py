import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.latents.codes import CodeLatent
from keras_capsvae.quantization import digits_of_index
from keras_capsvae.quantization import index_of_digits
from keras_capsvae.quantization import straight_through
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer

MOST_CODES = 2**31 - 1


@keras.saving.register_keras_serializable(package="keras_capsvae")
class FiniteScalarQuantizer(CodeLatent):
    """Codes that are the rounded values of a few bounded numbers.

    Of L levels a number t becomes `round((L − 1) · sigmoid(t))`, and the
    decoder takes it scaled to [−1, 1]; the gradient passes straight through the
    rounding. There is no codebook, so no code can die, and no penalty.

    Args:
        levels: L of each number of a token, 2 at least. There are `Π L` codes.
        seed: Not used; as of every latent.

    Inputs: `(batch, ..., len(levels))`.

    Output: `(z, divergence, penalty)`: z like the input, in the compute dtype;
        the divergence, `ln Π L` for each token, and a penalty of zeros,
        `(batch,)` each.

    Raises:
        ValueError: If there are no levels, one is below 2, there are more codes
            than 32-bit integers, or the input has another number of dims.
        TypeError: If the levels are no integers.

    Example:

    >>> latent = FiniteScalarQuantizer((3, 5))
    >>> z, divergence, penalty = latent(np.zeros((1, 4, 2)))
    >>> latent.num_codes, np.array(latent.value(np.zeros((1, 4, 2)))).tolist()
    (15, [[7, 7, 7, 7]])

    Source: kexue.fm 9826; Mentzer et al., "Finite Scalar Quantization", 2023.
    """

    def __init__(
        self, levels: Sequence[int], seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        if not isinstance(levels, (list, tuple)) or not levels:
            raise ValueError(
                "`levels` must be a sequence of integers, one for each number "
                f"of a token. Received: levels={levels!r}"
            )
        self.levels = tuple(check_integer("levels", one, 2) for one in levels)
        self.num_codes = math.prod(self.levels)
        if self.num_codes > MOST_CODES:
            raise ValueError(
                f"`levels` must give at most {MOST_CODES} codes, for these are "
                f"32-bit integers. Received: levels={self.levels}, "
                f"{self.num_codes} codes"
            )
        self._highest = np.array(self.levels, "float32") - 1.0

    def build(self, parameters_shape: Any) -> None:
        super().build(parameters_shape)
        if self.latent_shape[-1] != len(self.levels):
            raise ValueError(
                f"The encoder must give {len(self.levels)} numbers for each "
                f"token, one for each of the levels {self.levels}. Received: "
                f"outputs of shape {(None, *self.latent_shape)}"
            )

    def coded(
        self, z: Tensor, training: bool | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        highest = ops.cast(self._highest, z.dtype)
        bounded = highest * ops.sigmoid(z)
        digits = ops.round(bounded)
        quantized = self._scaled(straight_through(bounded, digits))
        codes = index_of_digits(digits, self.levels)
        nothing = ops.zeros_like(ops.reshape(z, (ops.shape(z)[0], -1))[:, 0])
        return quantized, codes, nothing

    def nearest_codes(self, vectors: Tensor) -> Tensor:
        vectors = ops.convert_to_tensor(vectors)
        highest = ops.cast(self._highest, vectors.dtype)
        digits = ops.round(0.5 * (vectors + 1.0) * highest)
        return index_of_digits(ops.clip(digits, 0.0, highest), self.levels)

    def embedded(self, z: Tensor) -> Tensor:
        digits = digits_of_index(z, self.levels)
        return self._scaled(ops.cast(digits, "float32"))

    def _scaled(self, digits):
        """From [0, L − 1] to [−1, 1]."""
        return 2.0 * digits / ops.cast(self._highest, digits.dtype) - 1.0

    def get_config(self) -> Config:
        return {**super().get_config(), "levels": list(self.levels)}
