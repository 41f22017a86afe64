"""Reconstruction losses: summed over an example, averaged over the batch."""

import math
from typing import Any

import keras
from keras import ops

from keras_capsvae.numerics import bounded_log_var
from keras_capsvae.numerics import sum_over_dims
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor


class ReconstructionLoss(keras.losses.Loss):
    """−ln q(x|z) of each example in nats, from what the decoder gives.

    `activation` names the decoder's last activation whose argument (the logits)
    `VariationalAutoencoder` hands to `error` in place of the probabilities;
    `target_range` bounds the values that x may take; `num_outputs` holds the
    numbers of outputs that a decoder may have, `None` for any.
    """

    activation = None
    target_range = None
    num_outputs = None

    def error(self, x: Tensor, reconstruction: Tensor) -> Tensor:
        """The loss of each example, `(batch,)`."""
        raise NotImplementedError

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.error(y_true, y_pred)


class LogitReconstructionLoss(ReconstructionLoss):
    """A reconstruction loss computed from logits wherever they are known."""

    num_outputs = (1,)

    def __init__(self, from_logits: bool, name: str, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.from_logits = from_logits

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.error(y_true, y_pred, self.from_logits)

    def get_config(self) -> Config:
        return {**super().get_config(), "from_logits": self.from_logits}


@keras.saving.register_keras_serializable(package="keras_capsvae")
class BernoulliReconstruction(LogitReconstructionLoss):
    """Binary cross-entropy summed over all dims of an example.

    `Σ max(a, 0) − a·x + ln(1 + exp(−|a|))` with logits a. Inside a
    `VariationalAutoencoder` the logits are those of the decoder's last sigmoid,
    so that nothing is lost where a probability rounds to 0 or 1.

    Args:
        from_logits: Whether `y_pred` holds logits. Defaults to `False`:
            probabilities, clipped to [1e-7, 1 − 1e-7].
        name: Name of the loss. Defaults to `"bernoulli_reconstruction"`.

    Call arguments: x in [0, 1] and its reconstruction, both
        `(batch, ...)` of one shape. Returns the mean over the batch in nats,
        float32.

    Raises:
        ValueError: If the two shapes differ.

    Example:

    >>> x = np.array([[0.0, 1.0]])
    >>> float(BernoulliReconstruction()(x, np.array([[0.5, 0.5]])))
    1.3862943649291992

    Source: kexue.fm 5253 and 5343.
    """

    activation = "sigmoid"
    target_range = (0.0, 1.0)

    def __init__(
        self,
        from_logits: bool = False,
        name: str = "bernoulli_reconstruction",
        **kwargs: Any,
    ):
        super().__init__(from_logits, name, **kwargs)

    def error(
        self, x: Tensor, reconstruction: Tensor, from_logits: bool = False
    ) -> Tensor:
        _check_same_shape(x, reconstruction)
        x = ops.clip(ops.cast(x, reconstruction.dtype), 0.0, 1.0)  # rounding
        entropy = ops.binary_crossentropy(x, reconstruction, from_logits)
        return sum_over_dims(entropy)


@keras.saving.register_keras_serializable(package="keras_capsvae")
class GaussianReconstruction(ReconstructionLoss):
    """Negative log-density of a Gaussian with fixed or decoded variance.

    `½ Σ (x − μ)² / σ² + ½ D ln(2πσ²)` over the D dims of an example; from a
    decoder of two outputs, μ and ln σ²,
    `½ Σ [(x − μ)² exp(−ln σ²) + ln σ²] + ½ D ln 2π`.

    Args:
        variance: σ², above 0, of a decoder that gives μ alone. Defaults to 1.
        name: Name of the loss. Defaults to `"gaussian_reconstruction"`.

    Call arguments: x and its reconstruction μ, or the list `[μ, ln σ²]`, all
        `(batch, ...)` of one shape. Returns the mean over the batch in nats,
        float32.

    Raises:
        ValueError: If the variance is not above 0, or given beside a decoded
            one, or the shapes differ.

    Example:

    >>> x = np.zeros((1, 2))
    >>> float(GaussianReconstruction()(x, x))
    1.8378770351409912
    >>> float(GaussianReconstruction()(x, [x, x + 1]))
    2.8378770351409912

    Source: kexue.fm 5343.
    """

    num_outputs = (1, 2)

    def __init__(
        self,
        variance: float = 1.0,
        name: str = "gaussian_reconstruction",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if not variance > 0:
            raise ValueError(
                f"`variance` must be above 0. Received: variance={variance}"
            )
        self.variance = float(variance)

    def error(self, x: Tensor, reconstruction: Tensor | list[Tensor]) -> Tensor:
        if isinstance(reconstruction, (list, tuple)):
            return self._error_of_both(x, *reconstruction)
        _check_same_shape(x, reconstruction)
        square = ops.square(x - reconstruction) / self.variance
        normaliser = math.log(2 * math.pi * self.variance)
        return 0.5 * sum_over_dims(square + normaliser)

    def _error_of_both(self, x, mean, log_var):
        """The loss where the decoder gives mean and log-variance."""
        if self.variance != 1:
            raise ValueError(
                "`variance` must be 1, its default, where the decoder gives "
                f"the log-variance. Received: variance={self.variance}"
            )
        _check_same_shape(x, mean)
        _check_same_shape(log_var, mean)
        log_var = bounded_log_var(log_var)
        square = ops.square(x - mean) * ops.exp(-log_var)
        normaliser = math.log(2 * math.pi) + log_var
        return 0.5 * sum_over_dims(square + normaliser)

    def get_config(self) -> Config:
        return {**super().get_config(), "variance": self.variance}


@keras.saving.register_keras_serializable(package="keras_capsvae")
class CategoricalReconstruction(LogitReconstructionLoss):
    """Cross-entropy of the classes at each position, summed over positions.

    `−Σ_t ln q(x_t|z)`; inside a `VariationalAutoencoder` from the logits of
    the decoder's last softmax.

    Args:
        from_logits: Whether `y_pred` holds logits. Defaults to `False`.
        name: Name of the loss. Defaults to `"categorical_reconstruction"`.

    Call arguments: x as integers `(batch, ...)` or one-hot `(batch, ...,
        classes)`, and class probabilities `(batch, ..., classes)`. Returns the
        mean over the batch in nats, float32.

    Raises:
        ValueError: If the shape of x is neither of the two.

    Example:

    >>> probabilities = np.full((1, 3, 4), 0.25)
    >>> x = np.array([[0, 3, 1]])
    >>> float(CategoricalReconstruction()(x, probabilities))
    4.158883094787598

    Source: kexue.fm 5332.
    """

    activation = "softmax"

    def __init__(
        self,
        from_logits: bool = False,
        name: str = "categorical_reconstruction",
        **kwargs: Any,
    ):
        super().__init__(from_logits, name, **kwargs)

    def error(
        self, x: Tensor, reconstruction: Tensor, from_logits: bool = False
    ) -> Tensor:
        if len(x.shape) == len(reconstruction.shape) - 1:
            entropy = ops.sparse_categorical_crossentropy(
                ops.cast(x, "int32"), reconstruction, from_logits
            )
        else:
            _check_same_shape(x, reconstruction)
            entropy = ops.categorical_crossentropy(
                x, reconstruction, from_logits
            )
        return sum_over_dims(entropy)


def _check_same_shape(x, reconstruction):
    expected, received = tuple(reconstruction.shape), tuple(x.shape)
    fits = len(expected) == len(received) and all(
        None in (a, b) or a == b for a, b in zip(expected, received)
    )
    if not fits:
        raise ValueError(
            f"The target must have the reconstruction's shape {expected}. "
            f"Received: target of shape {received}"
        )
