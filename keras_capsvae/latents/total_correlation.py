from typing import Any

import keras
from keras import ops

from keras_capsvae.latents.priors import Prior
from keras_capsvae.latents.regularisers import Regulariser
from keras_capsvae.latents.regularisers import flat
from keras_capsvae.numerics import LOG_2_PI
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.numerics import bounded_log_var
from keras_capsvae.numerics import sum_over_dims
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arguments import check_choice
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_number

ESTIMATORS = ("stratified", "weighted")


@keras.saving.register_keras_serializable(package="keras_capsvae")
class TotalCorrelation(Regulariser):
    """The β-TC-VAE: latents that depend on each other cost more.

    The mean KL divergence is the sum of the mutual information of x and z,
    `ln p(z|x) − ln p(z)`, the total correlation, `ln p(z) − Σ_d ln p(z_d)`, and
    the KL divergence of the dims, `Σ_d ln p(z_d) − ln q(z)`; p is the mean
    posterior over the data, q the prior. The penalty gains `(w − 1) · total
    correlation`: with β = 1 that is the objective of the paper. The history
    reports `mutual_information`, `total_correlation` and `dimension_kl`.

    Of a batch of M out of N examples, `ln p(z_i) ≈ logsumexp_j [ln p(z_i|x_j) +
    ln w_ij]`. By stratified sampling w_ii = 1/N, w_ij = 1/(M − 1), and for one
    j of each i, `1/(M − 1) − 1/N`; weighted, all w_ij = 1/(N M).

    Args:
        weight: w, of the total correlation. Defaults to 6.
        estimator: `"stratified"` or `"weighted"`. Defaults to `"stratified"`.
        dataset_size: N. Defaults to `None`: the examples that `fit` is given. A
            stream tells them by an attribute `num_examples`.

    Raises:
        ValueError: If the weight is negative, the estimator unknown, or, by
            `fit`, the size of the data unknown.

    Example:

    >>> latent = GaussianLatent(regulariser=TotalCorrelation(weight=4.0))

    Source: Chen et al., "Isolating Sources of Disentanglement in VAEs", 2018.
    """

    term_names = ("mutual_information", "total_correlation", "dimension_kl")

    def __init__(
        self,
        weight: float = 6.0,
        estimator: str = "stratified",
        dataset_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.weight = check_number("weight", weight)
        check_choice("estimator", estimator, ESTIMATORS)
        self.estimator = estimator
        if dataset_size is not None:
            check_integer("dataset_size", dataset_size)
        self.dataset_size = dataset_size
        self.size = self.add_weight(
            name="size",
            shape=(),
            dtype="float32",
            initializer=keras.initializers.Constant(dataset_size or 1),
            trainable=False,
            autocast=False,
        )

    def trains_on(self, count: int | None) -> None:
        if self.dataset_size is None and count is None:
            raise ValueError(
                "`dataset_size` must be given for data that come as a stream: "
                "TotalCorrelation(dataset_size=...). Received: None"
            )
        self.size.assign(self.dataset_size or count)

    def load_own_variables(self, store: Any) -> None:
        if store.keys():  # else of a training without this regulariser
            super().load_own_variables(store)

    def terms(
        self,
        prior: Prior,
        random: Any,
        z: Tensor,
        z_mean: Tensor,
        z_log_var: Tensor,
        condition: Any = None,
    ) -> dict[str, Tensor]:
        log_prior = prior.log_density(z, condition)
        if ops.ndim(log_prior) > 1:
            log_prior = sum_over_dims(log_prior)
        z, z_mean, z_log_var = (
            flat(at_least_float32(one)) for one in (z, z_mean, z_log_var)
        )
        log_var = bounded_log_var(z_log_var)
        offset = z[:, None] - z_mean  # (sample, posterior, dim)
        densities = -0.5 * (
            ops.square(offset) * ops.exp(-log_var) + log_var + LOG_2_PI
        )
        log_weights = self._log_weights(ops.shape(z)[0], z.dtype)
        joint = ops.sum(densities, axis=2)
        own = ops.sum(joint * ops.eye(ops.shape(z)[0], dtype=z.dtype), axis=1)
        together = ops.logsumexp(joint + log_weights, axis=1)
        apart = ops.sum(
            ops.logsumexp(densities + log_weights[..., None], axis=1), axis=1
        )
        return {
            "mutual_information": own - together,
            "total_correlation": together - apart,
            "dimension_kl": apart - log_prior,
        }

    def _log_weights(self, count, dtype):
        """ln w_ij, `(batch, batch)`."""
        batch = ops.cast(count, dtype)
        size = ops.maximum(ops.cast(self.size, dtype), batch)
        diagonal = ops.eye(count, dtype=dtype)
        if self.estimator == "weighted":
            return -ops.log(size * batch) + 0 * diagonal
        others = ops.maximum(batch - 1, 1)
        following = ops.roll(diagonal, 1, axis=1) * (1 - diagonal)
        rest = 1 - diagonal - following
        return ops.log(
            diagonal / size
            + following * (size - others) / (size * others)
            + rest / others
        )

    def penalty(self, terms: dict[str, Tensor]) -> Tensor:
        return (self.weight - 1) * terms["total_correlation"]

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "weight": self.weight,
            "estimator": self.estimator,
            "dataset_size": self.dataset_size,
        }
