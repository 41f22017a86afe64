import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.latents import cosines
from keras_capsvae.latents.base import Latent
from keras_capsvae.numerics import SMALLEST_UNIFORM
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.numerics import sum_over_dims
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_number

SMALLEST_SQUARE = 1e-24  # of a vector that has a direction
SAME = 1e-6  # of directions, from which no way leads to the other


@keras.saving.register_keras_serializable(package="keras_capsvae")
class VonMisesFisherLatent(Latent):
    """Latents on the unit sphere, around a direction μ of the encoder.

    The posterior is the von Mises–Fisher distribution `p(z|x) ∝ exp(κ μ·z)`
    with the same κ for all x, the prior the uniform one. A draw is `z = w μ +
    √(1 − w²) ν` with ν uniform among the directions orthogonal to μ and
    `p(w) ∝ exp(κ w) (1 − w²)^{(d−3)/2}`. The divergence depends on κ and d
    alone, so that it cannot collapse, and training leaves it as it is.

    Args:
        kappa: Concentration κ: 0 is uniform; the larger, the nearer to μ.
        kl_weight: β, which changes the reported loss by a constant and nothing
            else. Defaults to 1.
        seed: Integer seed of the samples. Defaults to `None`: a random one.

    Inputs: list `[direction]`, `(batch, ..., d)` with d of at least 2, which is
        brought to length 1. Each vector of a map is a sphere of its own.

    Output: `(z, divergence, penalty)`: `(batch, ..., d)` in the compute dtype,
        and `(batch,)` twice in float32 at least.

    Raises:
        ValueError: If κ is negative or the sphere has fewer than 2 dims.
        TypeError: If κ is no number.

    Example:

    >>> latent = VonMisesFisherLatent(kappa=20.0, seed=0)
    >>> z, divergence, penalty = latent([np.ones((8, 4))])
    >>> float(divergence[0])  # nats
    3.2583854

    Source: kexue.fm 8404; Davidson et al., "Hyperspherical Variational
    Auto-Encoders", 2018.
    """

    parameter_names = ("direction",)
    has_densities = True

    def __init__(
        self,
        kappa: float,
        *,
        kl_weight: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(kl_weight, seed, **kwargs)
        self.kappa = check_number("kappa", kappa)

    @property
    def scheduled(self) -> list[keras.Variable]:
        return []  # β weighs a constant

    def build(self, parameters_shape: Any, condition_shape: Any = None) -> None:
        ((_, *self.latent_shape),) = parameters_shape
        *spheres, dims = self.latent_shape
        if dims is None or dims < 2:
            raise ValueError(
                "`direction` must have at least 2 dims, those of a circle. "
                f"Received: shape {tuple(parameters_shape[0])}"
            )
        self.dims = dims
        self.divergence = math.prod(spheres) * cosines.divergence_from_uniform(
            dims, self.kappa
        )
        self.log_normaliser = cosines.log_normaliser(dims, self.kappa)
        self.log_normaliser -= cosines.log_normaliser(dims, 0.0)
        self.quantiles = cosines.quantiles_of_drop(dims, self.kappa)

    def call(self, parameters: list[Tensor], condition: Any = None) -> Any:
        z = self.sample(parameters)  # (batch, ..., d)
        divergence = self.mean_divergence(z, parameters)  # (batch,)
        z = ops.cast(z, self.compute_dtype)
        return z, divergence, self.beta * divergence

    def value(self, parameters: list[Tensor]) -> Tensor:
        return unit(parameters[0])

    def sample(
        self,
        parameters: list[Tensor],
        num_samples: int | None = None,
        seed: keras.random.SeedGenerator | None = None,
    ) -> Tensor:
        mean = self.value(parameters)
        batch, *dims = ops.shape(mean)
        if num_samples is not None:
            mean = mean[:, None]
            dims = [num_samples, *dims]
        seed = seed or self.seed_generator
        drop = self._drop((batch, *dims[:-1], 1), mean.dtype, seed)
        across = keras.random.normal(
            (batch, *dims), dtype=mean.dtype, seed=seed
        )
        for _ in range(2):  # once leaves rounding where little is orthogonal
            along = ops.sum(across * mean, axis=-1, keepdims=True)
            across = unit(across - along * mean)
        return (1 - drop) * mean + ops.sqrt(drop * (2 - drop)) * across

    def _drop(self, shape, dtype, seed):
        """Draws of 1 − w, which float32 tells apart where w is all but 1."""
        uniform = keras.random.uniform(
            shape, SMALLEST_UNIFORM, 1 - SMALLEST_UNIFORM, dtype, seed
        )
        if self.dims == 3 and self.kappa:
            whole = -math.expm1(-2 * self.kappa)
            return -ops.log1p(-whole * uniform) / self.kappa
        logit = ops.log(uniform) - ops.log1p(-uniform)
        largest = cosines.LARGEST_LOGIT
        place = (logit + largest) / (2 * largest) * (cosines.ENTRIES - 1)
        entry = ops.floor(place)
        table = ops.convert_to_tensor(self.quantiles, dtype)
        low, high = (
            ops.take(table, ops.cast(one, "int32"))
            for one in (entry, entry + 1)
        )
        return low + (place - entry) * (high - low)

    def log_ratio(
        self, z: Tensor, parameters: list[Tensor], condition: Any = None
    ) -> Tensor:
        mean = self.value(parameters)[:, None]
        # κ (1 − μ·z), to the last digit of a large κ
        squares = ops.square(at_least_float32(z) - mean)
        drops = 0.5 * ops.sum(squares, axis=-1)  # (batch, num_samples, ...)
        terms = self.kappa * drops + self.log_normaliser
        return ops.sum(terms, axis=tuple(range(2, ops.ndim(terms))))

    def mean_divergence(
        self, z: Tensor, parameters: list[Tensor], condition: Any = None
    ) -> Tensor:
        zeros = ops.zeros_like(at_least_float32(parameters[0]))
        return sum_over_dims(zeros) + self.divergence

    def draw(
        self,
        random: Any,
        n: int,
        condition: Any = None,
        cluster: int | None = None,
    ) -> Tensor:
        return unit(random.normal((n, *self.latent_shape)))

    def project(self, z: Tensor) -> Tensor:
        return unit(z)

    def between(self, first: Any, last: Any, shares: np.ndarray) -> np.ndarray:
        """Latents on the great circle from one to another."""
        cosine = np.sum(first * last, axis=-1, keepdims=True)
        away = last - cosine * first
        sine = np.linalg.norm(away, axis=-1, keepdims=True)
        away = np.where(sine > SAME, away, _orthogonal(first))
        away /= np.linalg.norm(away, axis=-1, keepdims=True)
        angles = shares.reshape(-1, *[1] * first.ndim)
        angles = angles * np.arctan2(sine, cosine)
        return np.cos(angles) * first + np.sin(angles) * away

    def get_config(self) -> Config:
        return {**super().get_config(), "kappa": self.kappa}


def unit(vectors: Tensor) -> Tensor:
    """Vectors of length 1, float32 at least; of none the first axis."""
    vectors = at_least_float32(vectors)
    square = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    axis = ops.one_hot(0, vectors.shape[-1], dtype=vectors.dtype)
    inverse = ops.rsqrt(ops.maximum(square, SMALLEST_SQUARE))
    return ops.where(square > SMALLEST_SQUARE, vectors * inverse, axis)


def _orthogonal(directions: np.ndarray) -> np.ndarray:
    """A vector orthogonal to each, for ends between which all ways are alike.

    That is the part of the axis which the direction has least of.
    """
    least = np.abs(directions).argmin(axis=-1)
    axis = np.eye(directions.shape[-1], dtype=directions.dtype)[least]
    along = np.sum(axis * directions, axis=-1, keepdims=True)
    return axis - along * directions
