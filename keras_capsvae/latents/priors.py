"""Priors of Gaussian latents: densities, divergences and draws.

A prior has `condition_shape`, `num_classes`, `num_clusters` as a `Latent` has,
and the methods of `UnitGaussian`.
"""

from typing import Any

import keras
from keras import ops

from keras_capsvae.divergences import gaussian_log_density
from keras_capsvae.divergences import mixture_log_density
from keras_capsvae.divergences import sample_divergence
from keras_capsvae.divergences import unit_gaussian_log_density
from keras_capsvae.layers.kl_loss import KLLoss
from keras_capsvae.typing import Config
from keras_capsvae.typing import Identifier
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer


class UnitGaussian(keras.layers.Layer):
    """Priors N(m, 1), with which the divergence has a closed form."""

    condition_shape = None
    num_classes = None
    num_clusters = None
    has_closed_form = True

    def mean(self, condition: Tensor | None) -> Tensor:
        """m for each example, `(batch, latent_dim)`; `None` for 0."""
        return None

    def log_density(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """`ln q(z)`, `(...)`, of latents `(..., latent_dim)`."""
        return unit_gaussian_log_density(
            z, _of_samples(self.mean(condition), z)
        )

    def log_ratio(
        self,
        z: Tensor,
        z_mean: Tensor,
        z_log_var: Tensor,
        condition: Tensor | None = None,
    ) -> Tensor:
        """`ln q(z) − ln p(z|x)` of samples `(batch, num_samples, d)`."""
        return -sample_divergence(z_mean, z_log_var, z, self.mean(condition))

    def divergence(
        self,
        kl_loss: KLLoss,
        z: Tensor,
        z_mean: Tensor,
        z_log_var: Tensor,
        condition: Tensor | None = None,
    ) -> Tensor:
        """Terms of the divergence that free bits count, `(batch, terms)`."""
        return kl_loss.per_dim(
            [z_mean, z_log_var, z], prior_mean=self.mean(condition)
        )

    def draw(
        self,
        numbers: Any,
        n: int,
        latent_shape: Shape,
        condition: Tensor | None = None,
        cluster: int | None = None,
    ) -> Tensor:
        z = numbers.normal((n, *latent_shape))
        mean = self.mean(condition)
        return z if mean is None else ops.add(z, mean)


@keras.saving.register_keras_serializable(package="keras_capsvae")
class StandardNormal(UnitGaussian):
    """The prior N(0, 1).

    Example:

    >>> float(StandardNormal().log_density(np.zeros((1, 2)))[0])
    -1.8378770351409912
    """


@keras.saving.register_keras_serializable(package="keras_capsvae")
class ClassMeans(UnitGaussian):
    """The prior N(m_y, 1) around a trained mean for each class.

    `m_y = W[y] + b`, from one-hot labels, which become a condition of the
    model named `label`.

    Args:
        num_classes: Classes.

    Raises:
        ValueError: If `num_classes` is below 1.
        TypeError: If it is no integer.

    Example:

    ```python
    latent = GaussianLatent(prior=ClassMeans(10))
    model = VariationalAutoencoder(encoder, decoder, latent)
    model.compile("adam", loss=BernoulliReconstruction())
    model.fit([images, one_hot_labels])
    sevens = model.generate(16, label=7)
    ```

    Source: kexue.fm 5253.
    """

    def __init__(self, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = check_integer("num_classes", num_classes)
        self.condition_shape = (self.num_classes,)

    def build(self, latent_shape: Any) -> None:
        _check_flat(self, latent_shape)
        self.means = keras.layers.Dense(
            latent_shape[-1], dtype=_weight_dtype(self)
        )
        self.means.build((None, self.num_classes))

    def mean(self, condition: Tensor | None) -> Tensor:
        return self.means(condition)

    def get_config(self) -> Config:
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable(package="keras_capsvae")
class GaussianMixture(keras.layers.Layer):
    """A mixture of diagonal Gaussians, `q(z) = Σ_k π_k N(z; μ_k, σ_k²)`.

    Means, variances and weights are trained with the model. The divergence has
    no closed form and is estimated with the sample that the decoder sees.

    Args:
        num_components: Components, which are clusters of the data.
        unit_variance: Whether all σ_k are 1. Defaults to `False`.
        mean_initializer: Of the means. Defaults to `None`: drawn from N(0, 1),
            apart from each other, or all components would stay alike.

    Raises:
        ValueError: If `num_components` is below 1.
        TypeError: If it is no integer.

    Example:

    ```python
    latent = GaussianLatent(prior=GaussianMixture(10))
    model = VariationalAutoencoder(encoder, decoder, latent)
    pictures = model.generate(16, cluster=3)
    ```

    Source: kexue.fm 5887; Jiang et al., "Variational Deep Embedding", 2016.
    """

    condition_shape = None
    num_classes = None
    has_closed_form = False

    def __init__(
        self,
        num_components: int,
        unit_variance: bool = False,
        mean_initializer: Identifier | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_components = check_integer("num_components", num_components)
        self.unit_variance = unit_variance
        if mean_initializer is None:
            mean_initializer = keras.initializers.RandomNormal(stddev=1.0)
        self.mean_initializer = keras.initializers.get(mean_initializer)

    @property
    def num_clusters(self) -> int | None:
        return self.num_components

    def build(self, latent_shape: Any) -> None:
        _check_flat(self, latent_shape)
        shape = (self.num_components, latent_shape[-1])
        self.means = self._weight("means", shape, self.mean_initializer)
        self.log_vars = self._weight(
            "log_vars", shape, "zeros", trainable=not self.unit_variance
        )
        self.logits = self._weight("logits", shape[:1], "zeros")

    def _weight(self, name, shape, initializer, trainable=True):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=trainable,
            dtype=_weight_dtype(self),
            autocast=False,
        )

    def log_density(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """`ln q(z)`, `(...)`, of latents `(..., latent_dim)`."""
        return ops.logsumexp(self.log_joint(z), axis=-1)

    def log_joint(self, z: Tensor) -> Tensor:
        """`ln π_k N(z; μ_k, σ_k²)`, `(..., num_components)`."""
        return mixture_log_density(z, self.logits, self.means, self.log_vars)

    def responsibilities(self, z: Tensor) -> Tensor:
        """`p(k|z)`, `(..., num_components)`: to which cluster z belongs."""
        return ops.softmax(self.log_joint(z), axis=-1)

    def log_ratio(
        self,
        z: Tensor,
        z_mean: Tensor,
        z_log_var: Tensor,
        condition: Tensor | None = None,
    ) -> Tensor:
        posterior = gaussian_log_density(z, z_mean[:, None], z_log_var[:, None])
        return self.log_density(z) - posterior

    def divergence(
        self,
        kl_loss: KLLoss,
        z: Tensor,
        z_mean: Tensor,
        z_log_var: Tensor,
        condition: Tensor | None = None,
    ) -> Tensor:
        ratio = self.log_ratio(z[:, None], z_mean, z_log_var)
        return -ratio  # (batch, 1): the dims of a mixture are no separate terms

    def draw(
        self,
        numbers: Any,
        n: int,
        latent_shape: Shape,
        condition: Tensor | None = None,
        cluster: int | None = None,
    ) -> Tensor:
        noise = numbers.normal((n, *latent_shape))
        if cluster is None:
            cluster = numbers.categories(ops.log_softmax(self.logits), n)
        means = ops.take(self.means, cluster, axis=0)
        deviations = ops.exp(0.5 * ops.take(self.log_vars, cluster, axis=0))
        return means + ops.multiply(deviations, noise)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_components": self.num_components,
            "unit_variance": self.unit_variance,
            "mean_initializer": keras.initializers.serialize(
                self.mean_initializer
            ),
        }


def _check_flat(prior, latent_shape):
    if len(latent_shape) != 2:
        raise ValueError(
            f"Latents under a {type(prior).__name__} must have shape (batch, "
            f"latent_dim). Received: shape {tuple(latent_shape)}"
        )


def _of_samples(mean, z):
    """The mean of each example with an axis for its samples, if z has one."""
    if mean is None or len(mean.shape) == len(z.shape):
        return mean
    return mean[:, None]


def _weight_dtype(prior):
    """That of the policy, float32 at least."""
    return keras.backend.result_type(prior.variable_dtype, "float32")
