from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.private_keras import entries_of
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_positive

UNSEEN = "1"  # its place in a file


@keras.saving.register_keras_serializable(package="keras_capsvae")
class NormalisedMean(keras.layers.Layer):
    """Batch normalisation of a posterior's mean that cannot collapse.

    `γ · (μ − mean) / standard deviation + β` over the batch, γ fixed and β
    trained. In training the KL divergence from N(0, 1) is then on average at
    least `½ Σ_d (β_d² + γ²)`, so that no latent becomes idle. Put it behind the
    layer of the encoder that gives `z_mean`.

    Args:
        gamma: γ, above 0; the larger, the more is told. Defaults to 0.5.
        momentum: Of the moving statistics that stand in for the batch's outside
            of training; they are right from the first step on. Defaults to
            0.99.
        epsilon: Added to the variance, which may be small: the floor holds for
            variances well above it. Defaults to 1e-8.

    Inputs and output: `(batch, ..., latent_dim)`.

    Raises:
        ValueError: If γ is not above 0 or not finite.
        TypeError: If γ is no number.

    Example:

    >>> layer = NormalisedMean(gamma=2.0)
    >>> z_mean = layer(np.array([[3.0], [5.0]]), training=True)
    >>> np.round(z_mean, 3)
    array([[-2.],
           [ 2.]], dtype=float32)

    Source: kexue.fm 7381; Zhu et al., "A Batch Normalized Inference Network
    Keeps the KL Vanishing Away", 2020.
    """

    def __init__(
        self,
        gamma: float = 0.5,
        momentum: float = 0.99,
        epsilon: float = 1e-8,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.gamma = check_positive("gamma", gamma)
        self.normalisation = keras.layers.BatchNormalization(
            momentum=momentum,
            epsilon=epsilon,
            center=False,
            scale=False,
            moving_variance_initializer="zeros",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape: Shape) -> None:
        self.normalisation.build(input_shape)
        self.beta = self.add_weight(
            name="beta", shape=tuple(input_shape[-1:]), initializer="zeros"
        )
        self.unseen = self.add_weight(
            name="unseen",
            shape=(),
            dtype="float32",
            initializer="ones",
            trainable=False,
            autocast=False,
        )

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if training:
            unit = self.normalisation(inputs, training=True)
            self.unseen.assign(self.unseen * self.normalisation.momentum)
        else:
            unit = self._by_moving_statistics(inputs)
        return ops.add(self.gamma * unit, self.beta)

    def _by_moving_statistics(self, inputs):
        """Normalised by what was seen, without the zeros of the start.

        They would outweigh a variance that is small, as it is where latents
        are about to collapse.
        """
        norm, unseen = self.normalisation, ops.convert_to_tensor(self.unseen)
        seen = ops.where(unseen < 1, 1 - unseen, 1.0)
        mean = norm.moving_mean / seen
        variance = ops.where(unseen < 1, norm.moving_variance / seen, 1.0)
        unit = (at_least_float32(inputs) - mean) * ops.rsqrt(
            variance + norm.epsilon
        )
        return ops.cast(unit, self.compute_dtype)

    def load_own_variables(self, store: Any) -> None:
        held = entries_of(store)
        held.setdefault(UNSEEN, np.zeros(()))  # of 0.3
        super().load_own_variables(held)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "gamma": self.gamma,
            "momentum": self.normalisation.momentum,
            "epsilon": self.normalisation.epsilon,
        }
