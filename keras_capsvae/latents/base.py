"""What a model asks of its latents."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.layers.seeded import SeededLayer
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_number

NUMBERS = "_numbers"  # names of variables that may be set as numbers


class Latent(SeededLayer):
    """Latents of a variational autoencoder, between encoder and decoder.

    `latent(parameters, condition=None)` takes what the encoder gives, the
    list of the parameters of the posterior, and returns

    - z for the decoder,
    - `divergence`, `(batch,)`: the ELBO's, in nats,
    - `penalty`, `(batch,)`: what training adds to the reconstruction loss, such
      as β · divergence.

    Each call draws anew, from `self.seed_generator`. A subclass implements
    `call` and the methods below; where it says `has_densities` it has `sample`
    and `log_ratio`, without which there is no importance weighting and no
    likelihood of samples.

    Args:
        kl_weight: β at the start. Defaults to 1.
        seed: Integer seed of the samples. Defaults to `None`: a random one.

    Attributes:
        parameter_names: Names of the parameters in the order of the encoder's
            outputs, for errors and for files.
        condition_shape: Shape of the condition that the prior depends on,
            without the batch; `None` for a prior of its own.
        num_classes: Classes whose draws `generate(label=…)` can ask for.
        num_clusters: Clusters whose draws `generate(cluster=…)` can ask for.
        num_codes: Codes that each token of z is one of; `None` where z holds
            numbers.
        has_densities: Whether z has densities under posterior and prior, which
            several samples are weighed by.
        has_prior: Whether `draw` has a prior to draw from before one is fitted.
        has_own_penalty: Whether the penalty is more than β · divergence, which
            importance weighting cannot take.
        term_names: What the history reports beside the divergence, such as
            terms of the penalty. With any, the call takes `with_terms=True` and
            then gives a fourth result, the `(batch,)` values by name.
        beta, initial_beta: The variable that weighs the divergence in the
            penalty, which `KLWarmUp` moves, and what it starts from.
    """

    parameter_names: tuple[str, ...] = ()
    condition_shape: tuple[int, ...] | None = None
    num_classes: int | None = None
    num_clusters: int | None = None
    num_codes: int | None = None
    has_densities = False
    has_prior = True
    has_own_penalty = False
    term_names: tuple[str, ...] = ()

    def __init__(
        self, kl_weight: float = 1.0, seed: int | None = None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("autocast", False)  # parameters stay as they come
        super().__init__(seed, **kwargs)
        self.initial_beta = check_number("kl_weight", kl_weight)
        self.beta = self.add_number("beta", self.initial_beta)

    def __setattr__(self, name: str, value: Any) -> None:
        is_number = name in self.__dict__.get(NUMBERS, ())
        held = self.__dict__.get(name)
        if is_number and isinstance(held, keras.Variable):
            held.assign(check_number(name, value))  # compiled steps see it
        else:
            super().__setattr__(name, value)

    def add_number(self, name: str, start: float) -> keras.Variable:
        """A variable for a callback to move: saved, and not trained.

        As an attribute of this name it may be set to a number.
        """
        self.__dict__.setdefault(NUMBERS, set()).add(name)
        return self.add_weight(
            name=name,
            shape=(),
            dtype="float32",
            initializer=keras.initializers.Constant(start),
            trainable=False,
            autocast=False,
        )

    def output_specs(self, z_shape: Shape, with_terms: bool = False) -> Any:
        """What a call gives for z of a shape, symbolic, for Keras."""
        batch = z_shape[:1]
        outputs = (
            keras.KerasTensor(z_shape, self.compute_dtype),
            keras.KerasTensor(batch, self.dtype_of_terms),
            keras.KerasTensor(batch, self.dtype_of_terms),
        )
        if not with_terms:
            return outputs
        return *outputs, {
            name: keras.KerasTensor(batch, self.dtype_of_terms)
            for name in self.term_names
        }

    @property
    def dtype_of_terms(self) -> str:
        """That of the policy, float32 at least."""
        return keras.backend.result_type(self.compute_dtype, "float32")

    @property
    def scheduled(self) -> list[keras.Variable]:
        """The variables that callbacks move while training: β."""
        return [self.beta]

    def depends_on(
        self,
        encoder: keras.Model,
        condition: Tensor | None,
        inputs: list[Tensor] | None = None,
    ) -> Any:
        """What the prior depends on, `condition` of the other methods.

        Args:
            encoder: The model's.
            condition: The model's condition of the prior, if it has one.
            inputs: What the encoder is given in the graph of the model.
                Defaults to `None`: outside of it.
        """
        return condition

    def prior_mean(self, condition: Any) -> Tensor | None:
        """Where the prior lies for each example; `None` for alike."""
        return None

    def trains_on(self, count: int | None) -> None:
        """Called before training, with the examples if they are counted."""

    def check_examples(self, arrays: list[Any]) -> None:
        """Raise unless these inputs of the encoder suffice to train on."""

    def responsibilities(self, z: Tensor) -> Tensor:
        """`p(k|z)`, `(n, num_clusters)`, of a prior with clusters."""
        raise NotImplementedError

    def value(self, parameters: list[Tensor]) -> Tensor:
        """The deterministic latent: mean, mode or most probable code."""
        raise NotImplementedError

    def embedded(self, z: Tensor) -> Tensor:
        """What the decoder takes for latents as `value` and `draw` give them.

        Themselves, but the vectors of codes.
        """
        return z

    def draw(
        self,
        random: Any,
        n: int,
        condition: Tensor | None = None,
        cluster: int | None = None,
    ) -> Tensor:
        """n draws from the prior.

        Args:
            random: Where they come from, such as `NumpyRandom(seed)`.
            n: Number of draws.
            condition: Conditions of the prior `(n, ...)`, if it has any.
            cluster: Integer cluster. Defaults to `None`: any.

        Returns:
            `(n, ...)`, as the decoder takes them.
        """
        raise NotImplementedError

    def sample(
        self,
        parameters: list[Tensor],
        num_samples: int | None = None,
        seed: keras.random.SeedGenerator | None = None,
    ) -> Tensor:
        """Posterior samples of each example, float32 at least.

        `(batch, num_samples, ...)`, or `(batch, ...)` of one without a number:
        what `log_ratio` takes, before any rounding to the compute dtype.
        `seed` is a `SeedGenerator`; by default the latent's own.
        """
        raise NotImplementedError

    def log_ratio(
        self,
        z: Tensor,
        parameters: list[Tensor],
        condition: Tensor | None = None,
    ) -> Tensor:
        """`ln q(z) − ln p(z|x)` of samples, `(batch, num_samples)`."""
        raise NotImplementedError

    def project(self, z: Tensor) -> Tensor:
        """Where points off the latents' space belong: on a sphere, say."""
        return z

    def mean_divergence(
        self,
        z: Tensor,
        parameters: list[Tensor],
        condition: Tensor | None = None,
    ) -> Tensor:
        """The divergence of each example, `(batch,)`, of samples or exact."""
        return -ops.mean(self.log_ratio(z, parameters, condition), axis=-1)

    def get_config(self) -> Config:
        return {**super().get_config(), "kl_weight": self.initial_beta}

    def between(self, first: Any, last: Any, shares: np.ndarray) -> np.ndarray:
        """Latents on the way from one to another, `(steps, ...)`, in NumPy."""
        shares = shares.reshape(-1, *[1] * first.ndim)
        return (1 - shares) * first + shares * last
