"""Losses of class scores, with labels in any form."""

from typing import Any

import keras
from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.labels import multi_hot
from keras_capsvae.validation.numbers import check_number
from keras_capsvae.validation.numbers import check_positive
from keras_capsvae.validation.numbers import check_share


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
        multi-hot `(batch, classes)`, of a single class 1 where it is present
        and 0 elsewhere, and scores `(batch, classes)`. Returns the mean over
        the batch, float32.

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
        positive_margin: float = 0.9,
        negative_margin: float = 0.1,
        negative_weight: float = 0.5,
        name: str = "margin_loss",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if not 0 <= negative_margin < positive_margin:
            raise ValueError(
                "Margins must satisfy 0 <= negative_margin < positive_margin. "
                f"Received: negative_margin={negative_margin}, "
                f"positive_margin={positive_margin}"
            )
        self.positive_margin = positive_margin
        self.negative_margin = negative_margin
        self.negative_weight = check_number("negative_weight", negative_weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        scores = at_least_float32(y_pred)  # (batch, classes)
        present = ops.cast(multi_hot(y_true, scores.shape[-1]), scores.dtype)
        missed = ops.square(ops.relu(self.positive_margin - scores))
        excess = ops.square(ops.relu(scores - self.negative_margin))
        return ops.sum(
            present * missed + self.negative_weight * (1 - present) * excess,
            axis=-1,
        )

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "positive_margin": self.positive_margin,
            "negative_margin": self.negative_margin,
            "negative_weight": self.negative_weight,
        }


@keras.saving.register_keras_serializable(package="keras_capsvae")
class SpreadLoss(keras.losses.Loss):
    """Squared hinges around the gaps between the labelled class and the others.

    `Σ_{i≠t} max(0, m − (a_t − a_i))²` with the score a_i of class i, the
    labelled class t and the margin m.

    Args:
        margin: m, by which the labelled class should lead, above 0. Kept as a
            non-trainable variable, `loss.margin`, that `SpreadMargin` moves
            while training; its current value is saved. Defaults to 0.9.
        name: Name of the loss. Defaults to `"spread_loss"`.

    Call arguments: labels as integers `(batch,)` or `(batch, 1)` or one-hot
        `(batch, classes)`, and scores `(batch, classes)`. With several labels
        the sum runs over each labelled class and each that is not. Returns the
        mean over the batch, float32.

    Raises:
        ValueError: If the labels have another shape, there is a single class,
            or the margin is not above 0.

    Example:

    >>> scores = np.array([[0.5, 0.3, 0.1]])
    >>> float(SpreadLoss(margin=0.3)(np.array([0]), scores))
    0.010000000707805157

    Source: kexue.fm 5155; Hinton, Sabour and Frosst, 2018, equation 3.
    """

    def __init__(
        self, margin: float = 0.9, name: str = "spread_loss", **kwargs: Any
    ):
        super().__init__(name=name, **kwargs)
        self.margin = keras.Variable(
            check_positive("margin", margin),
            dtype="float32",
            trainable=False,
            name="margin",
        )

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        scores = at_least_float32(y_pred)  # (batch, classes)
        _check_has_others(self, scores)
        present = ops.cast(multi_hot(y_true, scores.shape[-1]), scores.dtype)
        margin = ops.cast(self.margin.value, scores.dtype)
        gaps = scores[:, :, None] - scores[:, None]  # labelled, other
        hinges = ops.square(ops.relu(margin - gaps))
        pairs = present[:, :, None] * (1 - present[:, None])
        return ops.sum(pairs * hinges, axis=(1, 2))

    def get_config(self) -> Config:
        margin = float(ops.convert_to_numpy(self.margin))
        return {**super().get_config(), "margin": margin}


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
        ValueError: If the labels have another shape, there is a single class,
            or s is out of range.

    Example:

    >>> probabilities = np.array([[0.5, 0.25, 0.25]])
    >>> float(LabelCrossentropy()(np.array([0]), probabilities))
    0.6931471824645996

    Source: kexue.fm 4823; Szegedy et al., "Rethinking the Inception
    Architecture", 2016, section 7.
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        name: str = "label_crossentropy",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.label_smoothing = check_share("label_smoothing", label_smoothing)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        probabilities = at_least_float32(y_pred)  # (batch, classes)
        _check_has_others(self, probabilities)
        return keras.losses.categorical_crossentropy(
            multi_hot(y_true, probabilities.shape[-1]),
            probabilities,
            label_smoothing=self.label_smoothing,
        )

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
        }


def _check_has_others(loss, scores):
    """A class that is compared with others needs some: alone its loss is 0."""
    if scores.shape[-1] == 1:
        raise ValueError(
            f"{type(loss).__name__} compares classes, of which there must be "
            "at least 2; a single one, present or not, is for MarginLoss or "
            "keras.losses.BinaryCrossentropy. "
            f"Received: scores of shape {tuple(scores.shape)}"
        )
