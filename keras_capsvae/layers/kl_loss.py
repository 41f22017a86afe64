from typing import Any

import keras
from keras import ops

from keras_capsvae.divergences import ESTIMATORS
from keras_capsvae.divergences import kl_terms
from keras_capsvae.divergences import with_free_bits
from keras_capsvae.layers.sampling import check_posterior_shapes
from keras_capsvae.numerics import sum_over_dims
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arguments import check_choice
from keras_capsvae.validation.numbers import check_number


@keras.saving.register_keras_serializable(package="keras_capsvae")
class KLLoss(keras.layers.Layer):
    """Adds the KL divergence of the posterior from the prior to the loss.

    The tensors pass through unchanged: the layer must stay on the path from
    the input to the output of the model, or Keras drops it with its loss.
    What it adds is `weight ·` the mean over the batch of

    - `"analytic"`: `½ Σ ((μ − m)² + exp(l) − l − 1)`, with `l = log σ²` and
      the prior mean m (0, or the mean of the example's class),
    - `"monte_carlo"`: `½ Σ ((z − m)² − (z − μ)² exp(−l) − l)`, unbiased, from
      the one sample z that the decoder sees.

    `compute` gives the value of each example and adds nothing.

    Args:
        weight: Factor of the divergence (β). Kept as a non-trainable variable
            that `KLWarmUp` can move while training. Defaults to 1.
        estimator: `"analytic"` or `"monte_carlo"`. Defaults to `"analytic"`.
        free_bits: Nats of divergence per dim that cost nothing extra: a dim
            whose mean over the batch (of all replicas) is below counts
            `free_bits` and has no gradient. Defaults to 0: no such floor.

    Inputs: list `[z_mean, z_log_var]`, for `"monte_carlo"` `[z_mean, z_log_var,
        z]`, each `(batch, ..., latent_dim)`; keyword `prior_mean`, same shape.

    Output: the list that came in.

    Raises:
        ValueError: If `weight` or `free_bits` is negative or not finite, the
            estimator is unknown, or the inputs do not fit the estimator.
        TypeError: If `weight` or `free_bits` is no number.

    Example:

    >>> layer = KLLoss(weight=0.5)
    >>> _ = layer([np.ones((4, 2)), np.zeros((4, 2))])
    >>> float(layer.losses[0])
    0.5

    Source: kexue.fm 5253 and 5383 (equation 5); free bits: Kingma et al., 2016.
    """

    def __init__(
        self,
        weight: float = 1.0,
        estimator: str = "analytic",
        free_bits: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice("estimator", estimator, ESTIMATORS)
        self.estimator = estimator
        self.free_bits = check_number("free_bits", free_bits)
        self.initial_weight = check_number("weight", weight)

    def build(self, input_shape: Any) -> None:
        count = 3 if self.estimator == "monte_carlo" else 2
        check_posterior_shapes(self, input_shape, count)
        self.weight = self.add_weight(
            name="weight",
            shape=(),
            dtype="float32",
            initializer=keras.initializers.Constant(self.initial_weight),
            trainable=False,
            autocast=False,
        )

    @property
    def beta(self) -> keras.Variable:
        """`weight`, by the name that it has in a latent."""
        return self.weight

    @property
    def initial_beta(self) -> float:
        return self.initial_weight

    def call(self, inputs: Any, prior_mean: Tensor | None = None) -> Any:
        terms = kl_terms(self.estimator, *inputs, prior_mean=prior_mean)
        terms = with_free_bits(terms, self.free_bits)
        count = ops.maximum(ops.shape(terms)[0], 1)
        mean = ops.sum(terms) / ops.cast(count, terms.dtype)
        self.add_loss(self.weight * mean)
        return list(inputs)

    def compute(self, inputs: Any, prior_mean: Tensor | None = None) -> Tensor:
        """The divergence of each example, `(batch,)`, in nats.

        Without weight and free bits; adds nothing to the loss.
        """
        return sum_over_dims(
            kl_terms(self.estimator, *inputs, prior_mean=prior_mean)
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return [tuple(shape) for shape in input_shape]

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "weight": self.initial_weight,
            "estimator": self.estimator,
            "free_bits": self.free_bits,
        }
