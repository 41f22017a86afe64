from typing import Any

import keras
from keras import ops

from keras_capsvae.latents.priors import Prior
from keras_capsvae.latents.regularisers import Regulariser
from keras_capsvae.latents.regularisers import flat
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arguments import check_choice
from keras_capsvae.validation.numbers import check_number

KERNELS = ("imq", "rbf")
SCALES = {"imq": (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0), "rbf": (1.0,)}


@keras.saving.register_keras_serializable(package="keras_capsvae")
class MaximumMeanDiscrepancy(Regulariser):
    """Maximum mean discrepancy between latents and draws from the prior.

    `λ · MMD²` with the unbiased estimate `mean_{i≠j} k(z_i, z_j) +
    mean_{i≠j} k(p_i, p_j) − 2 mean_ij k(z_i, p_j)` over a batch and as many
    draws p. With `kl_weight=0` it is the objective of the Wasserstein
    autoencoder, with another that of InfoVAE. `mmd` in the history is MMD².

    Args:
        weight: λ. Defaults to 10.
        kernel: `"imq"`, `Σ_s s C / (s C + ‖a − b‖²)`, or `"rbf"`,
            `Σ_s exp(−‖a − b‖² / (s C))`, with C twice the latent dims. Defaults
            to `"imq"`.
        scales: The s. Defaults to `None`: 0.1, 0.2, 0.5, 1, 2, 5 and 10 of
            `"imq"`, 1 of `"rbf"`.

    Raises:
        ValueError: If the weight is negative or the kernel unknown.

    Example:

    >>> latent = GaussianLatent(regulariser=MaximumMeanDiscrepancy(weight=5.0))

    Source: Zhao, Song and Ermon, "InfoVAE", 2017; Tolstikhin et al.,
    "Wasserstein Auto-Encoders", 2018; Gretton et al., 2012.
    """

    term_names = ("mmd",)

    def __init__(
        self,
        weight: float = 10.0,
        kernel: str = "imq",
        scales: tuple[float, ...] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.weight = check_number("weight", weight)
        check_choice("kernel", kernel, KERNELS)
        self.kernel = kernel
        self.scales = SCALES[kernel] if scales is None else tuple(scales)

    def terms(
        self,
        prior: Prior,
        random: Any,
        z: Tensor,
        z_mean: Tensor,
        z_log_var: Tensor,
        condition: Any = None,
    ) -> dict[str, Tensor]:
        count = ops.shape(z)[0]
        drawn = prior.draw(random, count, tuple(z.shape[1:]), condition)
        z = flat(at_least_float32(z))
        drawn = flat(ops.cast(drawn, z.dtype))
        number = ops.cast(count, z.dtype)
        others = ops.maximum(number - 1, 1)
        apart = 1 - ops.eye(count, dtype=z.dtype)
        within = apart * (self._kernel(z, z) + self._kernel(drawn, drawn))
        between = self._kernel(z, drawn)  # (batch, batch)
        between = between + ops.transpose(between)
        return {"mmd": ops.sum(within / others - between / number, axis=1)}

    def _kernel(self, a, b):
        """k(a_i, b_j), `(batch, batch)`."""
        squares = (
            ops.sum(ops.square(a), axis=1)[:, None]
            + ops.sum(ops.square(b), axis=1)
            - 2 * ops.matmul(a, ops.transpose(b))
        )
        squares = ops.maximum(squares, 0.0)
        widths = [2.0 * a.shape[1] * scale for scale in self.scales]
        if self.kernel == "rbf":
            return sum(ops.exp(-squares / width) for width in widths)
        return sum(width / (width + squares) for width in widths)

    def penalty(self, terms: dict[str, Tensor]) -> Tensor:
        return self.weight * terms["mmd"]

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "weight": self.weight,
            "kernel": self.kernel,
            "scales": self.scales,
        }
