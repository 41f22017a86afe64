import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.latents.base import Latent
from keras_capsvae.numerics import SMALLEST_UNIFORM
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.numerics import sum_over_dims
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_positive

LOWEST = -80.0  # of ln p, so that a category ruled out by −inf counts as 0


@keras.saving.register_keras_serializable(package="keras_capsvae")
class GumbelSoftmaxLatent(Latent):
    """Latents that are categories, relaxed while the model is trained.

    Of the logits of K categories training draws `z = softmax((ln p + g) / τ)`
    with Gumbel noise `g = −ln(−ln u)`, and inference one-hot draws, which
    `argmax(ln p + g)` tells. The divergence from the uniform prior is `Σ p ln p
    + ln K` for each latent. `encode` gives the most probable categories,
    integers, which `decode` takes, or one-hot or relaxed ones.

    Args:
        temperature: τ at the start, which `TemperatureAnnealing` lowers: the
            lower, the nearer are relaxed draws to one-hot ones, and the noisier
            are the gradients. Defaults to 1.
        straight_through: Whether training draws one-hot too, with the gradient
            of the relaxed draw. Defaults to `False`.
        kl_weight: β at the start. Defaults to 1.
        seed: Integer seed of the samples. Defaults to `None`: a random one.

    Inputs: list `[logits]`, `(batch, ..., K)`.

    Output: `(z, divergence, penalty)`: `(batch, ..., K)` in the compute dtype,
        and `(batch,)` twice in float32 at least.

    Attributes:
        temperature: The variable τ, saved with the model.
        num_codes: K.

    Raises:
        ValueError: If τ is not above 0 or there are fewer than 2 categories.
        TypeError: If τ is no number.

    Example:

    >>> latent = GumbelSoftmaxLatent(seed=0)
    >>> z, divergence, penalty = latent([np.zeros((8, 32, 10))])
    >>> np.unique(z).tolist()
    [0.0, 1.0]

    Source: kexue.fm 6705; Jang, Gu and Poole, "Categorical Reparameterization
    with Gumbel-Softmax", 2016.
    """

    num_codes: int
    parameter_names = ("logits",)
    has_densities = True

    def __init__(
        self,
        temperature: float = 1.0,
        *,
        straight_through: bool = False,
        kl_weight: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(kl_weight, seed, **kwargs)
        self.initial_temperature = check_positive("temperature", temperature)
        self.straight_through = straight_through
        self.temperature = self.add_number(
            "temperature", self.initial_temperature
        )

    @property
    def scheduled(self) -> list[keras.Variable]:
        return [*super().scheduled, self.temperature]

    def build(self, parameters_shape: Any, condition_shape: Any = None) -> None:
        ((_, *dims, categories),) = parameters_shape
        if categories is None or categories < 2:
            raise ValueError(
                "`logits` must have at least 2 categories on their last axis. "
                f"Received: shape {tuple(parameters_shape[0])}"
            )
        self.code_shape = tuple(dims)
        self.num_codes = categories

    def call(
        self,
        parameters: list[Tensor],
        condition: Any = None,
        training: bool | None = None,
    ) -> Any:
        log_p = _log_probabilities(parameters)  # (batch, ..., K)
        relaxed, one_hot = self._drawn(log_p, self.seed_generator)
        z = one_hot
        if training:
            z = relaxed
        if training and self.straight_through:
            z = _straight_through(relaxed, one_hot)
        divergence = self._divergence(log_p)
        z = ops.cast(z, self.compute_dtype)
        return z, divergence, self.beta * divergence

    def _drawn(self, log_p, seed):
        """Relaxed and one-hot draws with the same noise."""
        uniform = keras.random.uniform(
            ops.shape(log_p),
            SMALLEST_UNIFORM,
            1 - SMALLEST_UNIFORM,
            log_p.dtype,
            seed,
        )
        scores = log_p - ops.log(-ops.log(uniform))
        relaxed = ops.softmax(scores / self.temperature, axis=-1)
        most = ops.argmax(scores, axis=-1)
        return relaxed, ops.one_hot(most, self.num_codes, dtype=log_p.dtype)

    def _divergence(self, log_p):
        terms = ops.sum(ops.exp(log_p) * log_p, axis=-1) + self._nats
        return sum_over_dims(terms[:, None])  # (batch,)

    @property
    def _nats(self):
        """Of a category under the prior, ln K."""
        return math.log(self.num_codes)

    def value(self, parameters: list[Tensor]) -> Tensor:
        return ops.argmax(parameters[0], axis=-1)

    def embedded(self, z: Tensor) -> Tensor:
        """Categories `(n, ...)` as one-hot vectors; vectors as they are."""
        if len(z.shape) != len(self.code_shape) + 1:
            return z
        if isinstance(z, np.ndarray):
            self._check_categories(z)
        z = ops.cast(z, "int32")
        return ops.one_hot(z, self.num_codes, dtype=self.compute_dtype)

    def _check_categories(self, z):
        known = np.isin(z, np.arange(self.num_codes))
        if not known.all():
            raise ValueError(
                f"Categories must be integers in [0, {self.num_codes - 1}]. "
                f"Received: {z[~known][0]}"
            )

    def sample(
        self,
        parameters: list[Tensor],
        num_samples: int | None = None,
        seed: keras.random.SeedGenerator | None = None,
    ) -> Tensor:
        """One-hot samples with the gradient of relaxed ones."""
        log_p = _log_probabilities(parameters)
        if num_samples is not None:
            log_p = ops.repeat(log_p[:, None], num_samples, axis=1)
        drawn = self._drawn(log_p, seed or self.seed_generator)
        return _straight_through(*drawn)

    def log_ratio(
        self, z: Tensor, parameters: list[Tensor], condition: Any = None
    ) -> Tensor:
        log_p = _log_probabilities(parameters)[:, None]
        terms = ops.sum(at_least_float32(z) * log_p, axis=-1) + self._nats
        axes = tuple(range(2, ops.ndim(terms)))
        return -ops.sum(terms, axis=axes)  # (batch, num_samples)

    def mean_divergence(
        self, z: Tensor, parameters: list[Tensor], condition: Any = None
    ) -> Tensor:
        return self._divergence(_log_probabilities(parameters))

    def draw(
        self,
        random: Any,
        n: int,
        condition: Any = None,
        cluster: int | None = None,
    ) -> Tensor:
        """Categories of n draws, integers `(n, ...)`, all as probable."""
        drawn = random.integers(self.num_codes, n * math.prod(self.code_shape))
        return ops.reshape(drawn, (n, *self.code_shape))

    def between(self, first: Any, last: Any, shares: np.ndarray) -> np.ndarray:
        """Shares of both ends' categories, `(steps, ..., K)`."""
        one_hot = np.eye(self.num_codes, dtype="float32")
        return super().between(one_hot[first], one_hot[last], shares)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "temperature": self.initial_temperature,
            "straight_through": self.straight_through,
        }


def _log_probabilities(parameters):
    logits = at_least_float32(parameters[0])
    return ops.maximum(ops.log_softmax(logits, axis=-1), LOWEST)


def _straight_through(relaxed, one_hot):
    """The values of one-hot draws with the gradient of relaxed ones."""
    return one_hot + (relaxed - ops.stop_gradient(relaxed))
