"""Mixtures of Gaussians as priors, whose components are clusters."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.divergences import gaussian_log_density
from keras_capsvae.divergences import mixture_log_density
from keras_capsvae.latents.fitted import centres
from keras_capsvae.latents.fitted import mixture
from keras_capsvae.latents.priors import Prior
from keras_capsvae.latents.priors import check_flat
from keras_capsvae.latents.priors import weight_dtype
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.typing import Config
from keras_capsvae.typing import Identifier
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.arrays import check_enough
from keras_capsvae.validation.numbers import check_integer


@keras.saving.register_keras_serializable(package="keras_capsvae")
class GaussianMixture(Prior):
    """A mixture of diagonal Gaussians, `q(z) = Σ_k π_k N(z; μ_k, σ_k²)`.

    Means, variances and weights are trained with the model. The divergence has
    no closed form and is estimated with the sample that the decoder sees.

    Args:
        num_components: Components, which are clusters of the data.
        unit_variance: Whether all σ_k are 1. Defaults to `False`.
        mean_initializer: Of the means. Defaults to `None`: drawn from N(0, 1),
            apart from each other, or all components would stay alike.
        equal_weights: Whether all π_k are equal. Defaults to `False`.

    Raises:
        ValueError: If `num_components` is below 1.
        TypeError: If it is no integer.

    Example:

    ```python
    latent = GaussianLatent(prior=GaussianMixture(10))
    model = VariationalAutoencoder(encoder, decoder, latent)
    pictures = model.generate(16, cluster=3)
    clusters = model.predict_clusters(images)
    ```

    Source: kexue.fm 5887; Jiang et al., "Variational Deep Embedding", 2016.
    """

    def __init__(
        self,
        num_components: int,
        unit_variance: bool = False,
        mean_initializer: Identifier | None = None,
        equal_weights: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_components = check_integer("num_components", num_components)
        self.unit_variance = unit_variance
        self.equal_weights = equal_weights
        if mean_initializer is None:
            mean_initializer = keras.initializers.RandomNormal(stddev=1.0)
        self.mean_initializer = keras.initializers.get(mean_initializer)

    @property
    def num_clusters(self) -> int | None:
        return self.num_components

    def build(self, latent_shape: Any) -> None:
        check_flat(self, latent_shape)
        shape = (self.num_components, latent_shape[-1])
        self.means = self._weight("means", shape, self.mean_initializer)
        self.log_vars = self._weight(
            "log_vars", shape, "zeros", trainable=not self.unit_variance
        )
        self.logits = self._weight(
            "logits", shape[:1], "zeros", trainable=not self.equal_weights
        )

    def _weight(self, name, shape, initializer, trainable=True):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=trainable,
            dtype=weight_dtype(self),
            autocast=False,
        )

    def adapt(self, z: Tensor, seed: int | None = None) -> None:
        """Start the components from latents: those of an encoder that learnt.

        Fits a mixture to them by expectation maximisation, or with unit
        variances the means alone by k-means.

        Args:
            z: Latents `(n, latent_dim)`, such as `model.encode(x)`.
            seed: Integer seed of the fit. Defaults to `None`: a random one.

        Raises:
            ValueError: If there are fewer latents than components.
        """
        z = check_array(z, self.means.shape[1:], "z")
        check_enough(len(z), self.num_components, "z", "num_components")
        if self.unit_variance:
            self.means.assign(centres(z, self.num_components, seed))
            return
        weights, means, variances = mixture(
            z, self.num_components, "diag", seed
        )
        self.means.assign(means)
        self.log_vars.assign(np.log(variances))
        if not self.equal_weights:
            self.logits.assign(np.log(weights))

    def log_density(self, z: Tensor, condition: Any = None) -> Tensor:
        return ops.logsumexp(self.log_joint(z), axis=-1)

    def log_joint(self, z: Tensor) -> Tensor:
        """`ln π_k N(z; μ_k, σ_k²)`, `(..., num_components)`."""
        return mixture_log_density(z, self.logits, self.means, self.log_vars)

    def responsibilities(self, z: Tensor) -> Tensor:
        """`p(k|z)`, `(..., num_components)`: to which cluster z belongs."""
        return ops.softmax(self.log_joint(z), axis=-1)

    def draw(
        self,
        random: Any,
        n: int,
        latent_shape: Shape,
        condition: Any = None,
        cluster: Any = None,
    ) -> Tensor:
        noise = random.normal((n, *latent_shape))
        if cluster is None:
            cluster = random.categories(ops.log_softmax(self.logits), n)
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
            "equal_weights": self.equal_weights,
        }


@keras.saving.register_keras_serializable(package="keras_capsvae")
class ClassifiedMixture(GaussianMixture):
    """A `GaussianMixture` whose clusters a classifier of latents tells.

    The divergence is `ln p(z|x) + Σ_k p(k|z) ln(p(k|z) / π_k N(z; μ_k, σ_k²))`
    with the classifier's p(k|z): above that of the mixture by the divergence
    of p(k|z) from the responsibilities, and equal to it where they agree.

    Args:
        num_components, unit_variance, mean_initializer, equal_weights: See
            `GaussianMixture`.
        classifier: Functional or Sequential model, latents → logits of the
            clusters.

    Raises:
        ValueError: If the classifier does not give a logit for each component.

    Example:

    ```python
    z = keras.Input((20,))
    h = keras.layers.Dense(256, activation="relu")(z)
    classifier = keras.Model(z, keras.layers.Dense(10)(h))
    latent = GaussianLatent(prior=ClassifiedMixture(10, classifier=classifier))
    ```

    Source: kexue.fm 5887.
    """

    def __init__(
        self,
        num_components: int,
        unit_variance: bool = False,
        mean_initializer: Identifier | None = None,
        equal_weights: bool = False,
        *,
        classifier: keras.Model,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_components,
            unit_variance,
            mean_initializer,
            equal_weights,
            **kwargs,
        )
        received = tuple(classifier.outputs[0].shape)
        if received != (None, self.num_components):
            raise ValueError(
                "`classifier` must give a logit for each component, shape "
                f"(None, {self.num_components}). Received: {received}"
            )
        self.classifier = classifier

    def responsibilities(self, z: Tensor) -> Tensor:
        """p(k|z) of the classifier, `(n, num_components)`."""
        return ops.softmax(at_least_float32(self.classifier(z)), axis=-1)

    def divergence(
        self,
        estimator: str,
        z: Tensor,
        z_mean: Tensor,
        z_log_var: Tensor,
        condition: Any = None,
    ) -> Tensor:
        logits = at_least_float32(self.classifier(z))
        log_shares = ops.log_softmax(logits, axis=-1)
        log_ratios = log_shares - self.log_joint(z)  # (batch, components)
        above = ops.sum(ops.exp(log_shares) * log_ratios, axis=-1)
        posterior = gaussian_log_density(z, z_mean, z_log_var)
        return (posterior + above)[:, None]  # (batch, 1)

    def get_config(self) -> Config:
        classifier = keras.saving.serialize_keras_object(self.classifier)
        return {**super().get_config(), "classifier": classifier}

    @classmethod
    def from_config(cls, config: Config) -> "ClassifiedMixture":
        classifier = keras.saving.deserialize_keras_object(config["classifier"])
        return cls(**{**config, "classifier": classifier})
