"""Priors of Gaussian latents: densities, divergences and draws.

A prior has `condition_shape`, `num_classes`, `num_clusters` as a `Latent` has,
and the methods of `Prior`.
"""

from typing import Any

import keras
from keras import ops

from keras_capsvae.divergences import gaussian_log_density
from keras_capsvae.divergences import kl_terms
from keras_capsvae.divergences import sample_divergence
from keras_capsvae.divergences import unit_gaussian_log_density
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer


class Prior(keras.layers.Layer):
    """What a `GaussianLatent` asks of its prior q(z).

    A prior implements `log_density` and `draw`. The divergence from it is
    estimated with the sample that the decoder sees, unless the prior has a
    closed form.
    """

    condition_shape = None
    num_classes = None
    num_clusters = None
    has_closed_form = False

    def depends_on(
        self,
        encoder: keras.Model,
        condition: Tensor | None,
        inputs: list[Tensor] | None = None,
    ) -> Any:
        """What the other methods take as `condition`.

        Args:
            encoder: The model's.
            condition: The model's condition of the prior, if it has one.
            inputs: What the encoder is given in the graph of the model.
                Defaults to `None`: outside of it.
        """
        return condition

    def trains_on(self, count: int | None) -> None:
        """Told how many examples it is trained on, `None` if nobody knows."""

    def check_examples(self, arrays: list[Any]) -> None:
        """Raise unless these inputs of the encoder suffice to train on."""

    def responsibilities(self, z: Tensor) -> Tensor:
        """`p(k|z)`, `(..., num_clusters)`, of a prior with clusters."""
        raise NotImplementedError

    def mean(self, condition: Any) -> Tensor | None:
        """Where the prior lies for each example; `None` for alike."""
        return None

    def log_density(self, z: Tensor, condition: Any = None) -> Tensor:
        """`ln q(z)`, `(...)`, of latents `(..., latent_dim)`."""
        raise NotImplementedError

    def log_ratio(
        self,
        z: Tensor,
        z_mean: Tensor,
        z_log_var: Tensor,
        condition: Any = None,
    ) -> Tensor:
        """`ln q(z) − ln p(z|x)` of samples `(batch, num_samples, d)`."""
        posterior = gaussian_log_density(z, z_mean[:, None], z_log_var[:, None])
        return self.log_density(z, condition) - posterior

    def divergence(
        self,
        estimator: str,
        z: Tensor,
        z_mean: Tensor,
        z_log_var: Tensor,
        condition: Any = None,
    ) -> Tensor:
        """Terms of the divergence that free bits count, `(batch, terms)`.

        The `estimator` of the latent, a name, is for priors with a closed form.
        """
        # (batch, 1): the dims of a mixture are no separate terms
        return -self.log_ratio(z[:, None], z_mean, z_log_var, condition)

    def draw(
        self,
        random: Any,
        n: int,
        latent_shape: Shape,
        condition: Any = None,
        cluster: Any = None,
    ) -> Tensor:
        """n draws, `(n, *latent_shape)`; see `Latent.draw`."""
        raise NotImplementedError


class UnitGaussian(Prior):
    """Priors N(m, 1), with which the divergence has a closed form.

    m is the `mean` of each example, `(batch, latent_dim)`; `None` for 0.
    """

    has_closed_form = True

    def log_density(self, z: Tensor, condition: Any = None) -> Tensor:
        return unit_gaussian_log_density(
            z, _of_samples(self.mean(condition), z)
        )

    def log_ratio(
        self,
        z: Tensor,
        z_mean: Tensor,
        z_log_var: Tensor,
        condition: Any = None,
    ) -> Tensor:
        return -sample_divergence(z_mean, z_log_var, z, self.mean(condition))

    def divergence(
        self,
        estimator: str,
        z: Tensor,
        z_mean: Tensor,
        z_log_var: Tensor,
        condition: Any = None,
    ) -> Tensor:
        return kl_terms(estimator, z_mean, z_log_var, z, self.mean(condition))

    def draw(
        self,
        random: Any,
        n: int,
        latent_shape: Shape,
        condition: Any = None,
        cluster: Any = None,
    ) -> Tensor:
        z = random.normal((n, *latent_shape))
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
        check_flat(self, latent_shape)
        self.means = keras.layers.Dense(
            latent_shape[-1], dtype=weight_dtype(self)
        )
        self.means.build((None, self.num_classes))

    def mean(self, condition: Any) -> Tensor:
        return self.means(condition)

    def get_config(self) -> Config:
        return {**super().get_config(), "num_classes": self.num_classes}


def check_flat(prior: Prior, latent_shape: Shape) -> None:
    """Raise unless latents have one axis beside the batch."""
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


def weight_dtype(prior: Prior) -> str:
    """That of the policy, float32 at least."""
    return keras.backend.result_type(prior.variable_dtype, "float32")
