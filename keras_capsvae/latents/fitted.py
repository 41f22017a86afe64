"""Mixtures that are fitted to latents; scikit-learn comes in when they are."""

from typing import Any

import numpy as np
from keras import ops

from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arrays import check_enough


class FittedMixture:
    """A mixture of Gaussians with full covariances, to draw latents from.

    Args:
        weights: π_k, `(components,)`.
        means: μ_k, `(components, d)`.
        factors: L_k with the covariances L_k L_kᵀ, `(components, d, d)`.
    """

    names = ("weights", "means", "factors")

    def __init__(
        self, weights: np.ndarray, means: np.ndarray, factors: np.ndarray
    ) -> None:
        self.weights, self.means, self.factors = (
            np.asarray(array, "float32") for array in (weights, means, factors)
        )

    @classmethod
    def of(
        cls, z: np.ndarray, components: int, seed: int | None = None
    ) -> "FittedMixture":
        """Fit to latents `(n, ...)` by expectation maximisation."""
        check_enough(len(z), components, "x", "components")
        flat = z.reshape(len(z), -1)
        weights, means, covariances = mixture(flat, components, "full", seed)
        return cls(weights, means, np.linalg.cholesky(covariances))

    def draw(self, random: Any, n: int, latent_shape: Shape) -> Tensor:
        """n draws, `(n, *latent_shape)`; see `Latent.draw`."""
        chosen = random.categories(np.log(self.weights), n)
        noise = random.normal((n, self.means.shape[-1]))
        factors = ops.take(self.factors, chosen, axis=0)  # (n, d, d)
        moved = ops.einsum("nij,nj->ni", factors, noise)
        z = ops.take(self.means, chosen, axis=0) + moved
        return ops.reshape(z, (n, *latent_shape))

    def arrays(self) -> dict[str, np.ndarray]:
        """What the constructor takes, by name."""
        return {name: getattr(self, name) for name in self.names}


def mixture(
    z: np.ndarray, components: int, covariances: str, seed: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and `"full"` or `"diag"` covariances, by EM."""
    from sklearn.mixture import GaussianMixture

    fit = GaussianMixture(
        components, covariance_type=covariances, random_state=seed
    ).fit(z.astype("float64"))
    return fit.weights_, fit.means_, fit.covariances_


def centres(z: np.ndarray, count: int, seed: int | None) -> np.ndarray:
    """The centres of k-means, `(count, d)`, the best of ten starts."""
    from sklearn.cluster import KMeans

    fit = KMeans(count, n_init=10, random_state=seed)
    return fit.fit(z.astype("float64")).cluster_centers_
