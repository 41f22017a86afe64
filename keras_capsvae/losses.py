"""Losses of autoencoders, summed over an example, and of capsules."""

import math

import keras
from keras import ops

from keras_capsvae.labels import multi_hot
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.numerics import sum_over_dims


class ReconstructionLoss(keras.losses.Loss):
    """−ln q(x|z) of each example in nats, from what the decoder gives.

    `activation` names the decoder's last activation whose argument (the logits)
    `VariationalAutoencoder` hands to `error` in place of the probabilities;
    `target_range` bounds the values that x may take.
    """

    activation = None
    target_range = None

    def error(self, x, reconstruction):
        """The loss of each example, `(batch,)`."""
        raise NotImplementedError

    def call(self, y_true, y_pred):
        return self.error(y_true, y_pred)


class LogitReconstructionLoss(ReconstructionLoss):
    """A reconstruction loss computed from logits wherever they are known."""

    def __init__(self, from_logits, name, **kwargs):
        super().__init__(name=name, **kwargs)
        self.from_logits = from_logits

    def call(self, y_true, y_pred):
        return self.error(y_true, y_pred, self.from_logits)

    def get_config(self):
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
        self, from_logits=False, name="bernoulli_reconstruction", **kwargs
    ):
        super().__init__(from_logits, name, **kwargs)

    def error(self, x, reconstruction, from_logits):
        _check_same_shape(x, reconstruction)
        entropy = ops.binary_crossentropy(x, reconstruction, from_logits)
        return sum_over_dims(entropy)


@keras.saving.register_keras_serializable(package="keras_capsvae")
class GaussianReconstruction(ReconstructionLoss):
    """Negative log-density of a Gaussian with fixed variance.

    `½ Σ (x − x̂)² / σ² + ½ D ln(2πσ²)` over the D dims of an example.

    Args:
        variance: σ², above 0. Defaults to 1.
        name: Name of the loss. Defaults to `"gaussian_reconstruction"`.

    Call arguments: x and its reconstruction, both `(batch, ...)` of one shape.
        Returns the mean over the batch in nats, float32.

    Raises:
        ValueError: If the variance is not above 0 or the shapes differ.

    Example:

    >>> x = np.zeros((1, 2))
    >>> float(GaussianReconstruction()(x, x))
    1.8378770351409912

    Source: kexue.fm 5343.
    """

    def __init__(self, variance=1.0, name="gaussian_reconstruction", **kwargs):
        super().__init__(name=name, **kwargs)
        if not variance > 0:
            raise ValueError(
                f"`variance` must be above 0. Received: variance={variance}"
            )
        self.variance = float(variance)

    def error(self, x, reconstruction):
        _check_same_shape(x, reconstruction)
        distance = sum_over_dims(ops.square(x - reconstruction))
        dims = math.prod(reconstruction.shape[1:])
        normaliser = 0.5 * dims * math.log(2 * math.pi * self.variance)
        return 0.5 * distance / self.variance + normaliser

    def get_config(self):
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
        self, from_logits=False, name="categorical_reconstruction", **kwargs
    ):
        super().__init__(from_logits, name, **kwargs)

    def error(self, x, reconstruction, from_logits):
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
            f"Expected a target of the reconstruction's shape {expected}. "
            f"Received: target of shape {received}"
        )


@keras.saving.register_keras_serializable(package="keras_capsvae")
class MarginLoss(keras.losses.Loss):
    """Squared hinges around the lengths of the class capsules.

    `Σ_c T_c · max(0, m⁺ − s_c)² + λ · (1 − T_c) · max(0, s_c − m⁻)²` with the
    score s_c of class c (the length of its capsule) and T_c = 1 for the
    labelled classes, of which there may be several.

    Args:
        positive_margin: m⁺, what the score of a labelled class should reach.
            Defaults to 0.9.
        negative_margin: m⁻, what no other should pass. Defaults to 0.1.
        negative_weight: λ, weight of the classes that are absent. Defaults to
            0.5 (Sabour); Su uses 0.25.
        name: Name of the loss. Defaults to `"margin_loss"`.

    Call arguments: labels as integers `(batch,)` or `(batch, 1)`, or one-hot or
        multi-hot `(batch, classes)`, and scores `(batch, classes)`. Returns the
        mean over the batch, float32.

    Raises:
        ValueError: If the labels have another shape; if the margins are not
            0 ≤ m⁻ < m⁺ or the weight is negative.

    Example:

    >>> scores = np.array([[0.8, 0.3]])
    >>> float(MarginLoss()(np.array([0]), scores))
    0.029999999329447746

    Source: kexue.fm 4819; Sabour, Frosst and Hinton, 2017, equation 4.
    """

    def __init__(
        self,
        positive_margin=0.9,
        negative_margin=0.1,
        negative_weight=0.5,
        name="margin_loss",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        if not 0 <= negative_margin < positive_margin:
            raise ValueError(
                "Margins must satisfy 0 <= negative_margin < positive_margin. "
                f"Received: negative_margin={negative_margin}, "
                f"positive_margin={positive_margin}"
            )
        if not negative_weight >= 0:
            raise ValueError(
                "`negative_weight` must not be negative. "
                f"Received: negative_weight={negative_weight}"
            )
        self.positive_margin = positive_margin
        self.negative_margin = negative_margin
        self.negative_weight = negative_weight

    def call(self, y_true, y_pred):
        scores = at_least_float32(y_pred)  # (batch, classes)
        present = ops.cast(multi_hot(y_true, scores.shape[-1]), scores.dtype)
        missed = ops.square(ops.relu(self.positive_margin - scores))
        excess = ops.square(ops.relu(scores - self.negative_margin))
        return ops.sum(
            present * missed + self.negative_weight * (1 - present) * excess,
            axis=-1,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "positive_margin": self.positive_margin,
            "negative_margin": self.negative_margin,
            "negative_weight": self.negative_weight,
        }


@keras.saving.register_keras_serializable(package="keras_capsvae")
class LabelCrossentropy(keras.losses.Loss):
    """Cross-entropy of class probabilities with labels in any form.

    `−Σ_c T_c · ln p_c` with T one-hot, or, with smoothing s over C classes,
    `T · (1 − s) + s / C`: a net that is never asked for certainty is better
    calibrated and overfits later.

    Args:
        label_smoothing: s, in [0, 1). Defaults to 0.
        name: Name of the loss. Defaults to `"label_crossentropy"`.

    Call arguments: labels as integers `(batch,)` or `(batch, 1)`, or one-hot
        `(batch, classes)`, and probabilities `(batch, classes)`. Returns the
        mean over the batch in nats, float32.

    Raises:
        ValueError: If the labels have another shape or s is out of range.

    Example:

    >>> probabilities = np.array([[0.5, 0.25, 0.25]])
    >>> float(LabelCrossentropy()(np.array([0]), probabilities))
    0.6931471824645996

    Source: kexue.fm 4823; Szegedy et al., "Rethinking the Inception
    Architecture", 2016, section 7.
    """

    def __init__(
        self, label_smoothing=0.0, name="label_crossentropy", **kwargs
    ):
        super().__init__(name=name, **kwargs)
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                "`label_smoothing` must lie in [0, 1). "
                f"Received: label_smoothing={label_smoothing}"
            )
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        probabilities = at_least_float32(y_pred)  # (batch, classes)
        return keras.losses.categorical_crossentropy(
            multi_hot(y_true, probabilities.shape[-1]),
            probabilities,
            label_smoothing=self.label_smoothing,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
        }
