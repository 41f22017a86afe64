from typing import Any

import keras
from keras import ops

from keras_capsvae.divergences import ESTIMATORS
from keras_capsvae.divergences import gaussian_kl
from keras_capsvae.divergences import with_free_bits
from keras_capsvae.latents.base import Latent
from keras_capsvae.latents.named import prior_of
from keras_capsvae.latents.named import regulariser_of
from keras_capsvae.latents.random_source import GraphRandom
from keras_capsvae.layers.sampling import check_posterior_shapes
from keras_capsvae.layers.sampling import reparameterised
from keras_capsvae.numerics import sum_over_dims
from keras_capsvae.private_keras import entries_of
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arguments import check_choice
from keras_capsvae.validation.numbers import check_number

CAPACITY = "1"  # its place in a file, after β


@keras.saving.register_keras_serializable(package="keras_capsvae")
class GaussianLatent(Latent):
    """Latents with a diagonal Gaussian posterior N(μ, σ²).

    `z = μ + σ ε`; the divergence is `KL(N(μ, σ²) ‖ q(z))` from the prior q, in
    closed form where the prior has one, else estimated with z; the penalty is
    β times the divergence, with the floor of `free_bits`, or with a capacity C
    `β · |KL − C|`, and what a regulariser adds.

    Args:
        prior: `StandardNormal()`, `ClassMeans(num_classes)`,
            `GaussianMixture(num_components)`, `VampPrior(num_components)` or a
            `Prior` of your own; `"vamp"` is `VampPrior()`. Defaults to `None`:
            `StandardNormal()`.
        kl_weight: β at the start. Defaults to 1.
        estimator: `"analytic"` or `"monte_carlo"`, see `KLLoss`. Defaults to
            `None`: analytic if the prior has a closed form.
        free_bits: See `KLLoss`. Defaults to 0.
        capacity: C, the nats that the divergence of an example should have;
            `CapacityWarmUp` raises it while training. Defaults to `None`: none.
        regulariser: `"mmd"` (`MaximumMeanDiscrepancy()`), `"tc"`
            (`TotalCorrelation()`) or a `Regulariser`. Defaults to `None`: none.
        seed: Integer seed of the samples. Defaults to `None`: a random one.

    Inputs: list `[z_mean, z_log_var]`, `(batch, ...)` each, and the
        `condition` of a prior that has one.

    Output: `(z, divergence, penalty)`: `(batch, ...)` in the compute
        dtype, and `(batch,)` twice in float32 at least.

    Raises:
        ValueError: If an argument is out of range, the posterior is no two
            tensors of one shape, a closed form or free bits are asked of a
            mixture, or free bits come with a capacity.
        TypeError: If the prior or the regulariser is none.

    Example:

    >>> latent = GaussianLatent(kl_weight=0.5, seed=0)
    >>> z, divergence, penalty = latent([np.ones((4, 2)), np.zeros((4, 2))])
    >>> float(divergence[0]), float(penalty[0])
    (1.0, 0.5)

    Source: kexue.fm 5253 and 5383; Kingma and Welling, 2013.
    """

    parameter_names = ("z_mean", "z_log_var")
    has_densities = True

    def __init__(
        self,
        prior: Any = None,
        *,
        kl_weight: float = 1.0,
        estimator: str | None = None,
        free_bits: float = 0.0,
        capacity: float | None = None,
        regulariser: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(kl_weight, seed, **kwargs)
        self.prior = prior_of(prior)
        closed = self.prior.has_closed_form
        usual = "analytic" if closed else "monte_carlo"
        self.estimator = usual if estimator is None else estimator
        check_choice("estimator", self.estimator, ESTIMATORS)
        self.free_bits = check_number("free_bits", free_bits)
        if not closed and (estimator == "analytic" or free_bits):
            raise ValueError(
                f"The divergence from a {type(self.prior).__name__} has no "
                "closed form and no terms for each dim. Received: "
                f"estimator={estimator!r}, free_bits={free_bits}"
            )
        if capacity is not None and free_bits:
            raise ValueError(
                "`free_bits` must be 0 beside a `capacity`, which says what "
                "the divergence should be. Received: "
                f"free_bits={free_bits}, capacity={capacity}"
            )
        self.regulariser = regulariser_of(regulariser)
        self.capacity = self.initial_capacity = None
        if capacity is not None:
            self.initial_capacity = check_number("capacity", capacity)
            self.capacity = self.add_number("capacity", self.initial_capacity)

    @property
    def has_own_penalty(self) -> bool:
        return (
            self.capacity is not None
            or self.regulariser is not None
            or self.free_bits > 0
        )

    @property
    def term_names(self) -> tuple[str, ...]:
        return () if self.regulariser is None else self.regulariser.term_names

    @property
    def scheduled(self) -> list[keras.Variable]:
        capacity = [] if self.capacity is None else [self.capacity]
        return [*super().scheduled, *capacity]

    @property
    def condition_shape(self) -> Shape | None:
        return self.prior.condition_shape

    @property
    def num_classes(self) -> int | None:
        return self.prior.num_classes

    @property
    def num_clusters(self) -> int | None:
        return self.prior.num_clusters

    def build(self, parameters_shape: Any, condition_shape: Any = None) -> None:
        check_posterior_shapes(self, parameters_shape, count=2)
        self.latent_shape = tuple(parameters_shape[0][1:])
        if not self.prior.built:
            self.prior.build(parameters_shape[0])
        if self.regulariser is not None:
            self.regulariser.built = True

    def call(
        self,
        parameters: list[Tensor],
        condition: Any = None,
        with_terms: bool = False,
    ) -> Any:
        z_mean, z_log_var = (
            ops.cast(parameter, self.dtype_of_terms) for parameter in parameters
        )  # (batch, ...) each
        z = self.sample([z_mean, z_log_var])  # (batch, ...)
        terms = self.prior.divergence(
            self.estimator, z, z_mean, z_log_var, condition
        )
        divergence = sum_over_dims(terms)  # (batch,)
        penalty = self.beta * self._priced(terms, divergence)
        decoded = ops.saturate_cast(z, self.compute_dtype)
        if self.regulariser is None:
            return decoded, divergence, penalty
        reported = self.regulariser.terms(
            self.prior,
            GraphRandom(self.seed_generator),
            z,
            z_mean,
            z_log_var,
            condition,
        )
        penalty = penalty + self.regulariser.penalty(reported)
        outputs = decoded, divergence, penalty
        return (*outputs, reported) if with_terms else outputs

    def _priced(self, terms, divergence):
        """What β multiplies, `(batch,)`."""
        if self.capacity is not None:
            return ops.abs(divergence - self.capacity)
        return sum_over_dims(with_free_bits(terms, self.free_bits))

    def compute_output_spec(
        self,
        parameters: list[Tensor],
        condition: Any = None,
        with_terms: bool = False,
    ) -> Any:
        return self.output_specs(parameters[0].shape, with_terms)

    def depends_on(
        self,
        encoder: keras.Model,
        condition: Tensor | None,
        inputs: list[Tensor] | None = None,
    ) -> Any:
        return self.prior.depends_on(encoder, condition, inputs)

    def prior_mean(self, condition: Any) -> Tensor | None:
        return self.prior.mean(condition)

    def trains_on(self, count: int | None) -> None:
        self.prior.trains_on(count)
        if self.regulariser is not None:
            self.regulariser.trains_on(count)

    def check_examples(self, arrays: list[Any]) -> None:
        self.prior.check_examples(arrays)

    def responsibilities(self, z: Tensor) -> Tensor:
        return self.prior.responsibilities(z)

    def value(self, parameters: list[Tensor]) -> Tensor:
        return parameters[0]

    def sample(
        self,
        parameters: list[Tensor],
        num_samples: int | None = None,
        seed: keras.random.SeedGenerator | None = None,
    ) -> Tensor:
        seed = seed or self.seed_generator
        return reparameterised(*parameters, num_samples, seed)

    def log_ratio(
        self,
        z: Tensor,
        parameters: list[Tensor],
        condition: Any = None,
    ) -> Tensor:
        return self.prior.log_ratio(z, *parameters, condition)

    def mean_divergence(
        self,
        z: Tensor,
        parameters: list[Tensor],
        condition: Any = None,
    ) -> Tensor:
        if not self.prior.has_closed_form:
            return super().mean_divergence(z, parameters, condition)
        mean = self.prior.mean(condition)
        return sum_over_dims(gaussian_kl(*parameters, prior_mean=mean))

    def draw(
        self,
        random: Any,
        n: int,
        condition: Any = None,
        cluster: int | None = None,
    ) -> Tensor:
        return self.prior.draw(random, n, self.latent_shape, condition, cluster)

    def load_own_variables(self, store: Any) -> None:
        held = entries_of(store)
        # A capacity is of a training: weights fit with it and without.
        if self.capacity is None:
            held.pop(CAPACITY, None)
        else:
            held.setdefault(CAPACITY, self.capacity)
        super().load_own_variables(held)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "prior": keras.saving.serialize_keras_object(self.prior),
            "estimator": self.estimator,
            "free_bits": self.free_bits,
            "capacity": self.initial_capacity,
            "regulariser": keras.saving.serialize_keras_object(
                self.regulariser
            ),
        }

    @classmethod
    def from_config(cls, config: Config) -> "GaussianLatent":
        deserialize = keras.saving.deserialize_keras_object
        parts = {
            name: deserialize(config.get(name))
            for name in ("prior", "regulariser")
        }
        return cls(**config | parts)
