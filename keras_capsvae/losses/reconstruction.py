"""Reconstruction losses: summed over an example, averaged over the batch."""

from typing import Any

import keras
from keras import ops

from keras_capsvae.numerics import sum_over_dims
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.shapes import shapes_agree


class ReconstructionLoss(keras.losses.Loss):
    """−ln q(x|z) of each example in nats, from what the decoder gives.

    A subclass defines `values`, or `error` where an example is no sum of them.
    `activation` names the decoder's last activation whose argument (the logits)
    `VariationalAutoencoder` hands to `error` in place of the probabilities;
    `target_range` bounds the values that x may take; `num_outputs` holds the
    numbers of outputs that a decoder may have, `None` for any; `trained` is a
    layer that `VariationalAutoencoder` builds on the decoder's output, trains
    and saves; `is_of_batch` says that the loss of an example depends on others.
    """

    activation = None
    target_range = None
    num_outputs = None
    trained: keras.layers.Layer | None = None
    is_of_batch = False

    def values(self, x: Tensor, reconstruction: Tensor) -> Tensor:
        """The loss of each value of the examples, `(batch, ...)`."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `values`, the loss of each "
            "value of an example, for values to be scored"
        )

    def error(self, x: Tensor, reconstruction: Tensor) -> Tensor:
        """The loss of each example, `(batch,)`."""
        return sum_over_dims(self.values(x, reconstruction))

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.error(y_true, y_pred)


class LogitReconstructionLoss(ReconstructionLoss):
    """A reconstruction loss computed from logits wherever they are known."""

    num_outputs = (1,)

    def __init__(self, from_logits: bool, name: str, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.from_logits = from_logits

    def values(
        self,
        x: Tensor,
        reconstruction: Tensor,
        from_logits: bool | None = None,
    ) -> Tensor:
        if from_logits is None:
            from_logits = self.from_logits
        return self._entropy(x, reconstruction, from_logits)

    def error(
        self,
        x: Tensor,
        reconstruction: Tensor,
        from_logits: bool | None = None,
    ) -> Tensor:
        return sum_over_dims(self.values(x, reconstruction, from_logits))

    def _entropy(self, x, reconstruction, from_logits):
        """Cross-entropy of each value."""
        raise NotImplementedError

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

    def _entropy(self, x, reconstruction, from_logits):
        check_same_shape(x, reconstruction)
        x = ops.clip(ops.cast(x, reconstruction.dtype), 0.0, 1.0)  # rounding
        return ops.binary_crossentropy(x, reconstruction, from_logits)


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

    def _entropy(self, x, reconstruction, from_logits):
        if len(x.shape) == len(reconstruction.shape) - 1:
            return ops.sparse_categorical_crossentropy(
                ops.cast(x, "int32"), reconstruction, from_logits
            )
        check_same_shape(x, reconstruction)
        return ops.categorical_crossentropy(x, reconstruction, from_logits)


def check_same_shape(x: Tensor, reconstruction: Tensor) -> None:
    """Raise unless a target has the shape of its reconstruction."""
    expected, received = tuple(reconstruction.shape), tuple(x.shape)
    if not shapes_agree(expected, received):
        raise ValueError(
            f"The target must have the reconstruction's shape {expected}. "
            f"Received: target of shape {received}"
        )
