"""Metrics of classifiers whose examples may have several labels."""

import keras
from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.numerics import largest
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.labels import multi_hot


@keras.saving.register_keras_serializable(package="keras_capsvae")
class LabelAccuracy(keras.metrics.Mean):
    """Share of the examples whose labelled classes have the highest scores.

    An example with k labels is right when its k highest scores are those of its
    labels, in any order; with one label this is the usual accuracy. A tie
    between a labelled and another class counts as wrong. An example without any
    label has nothing to rank and does not count. A single class is ranked
    against ½: an example is right when its score is above where it has the
    label, and not where it has none.

    Args:
        threshold: Ask in addition that the scores of all labelled classes are
            above this. How many labels there are is taken for known, so that
            another class above it does no harm. An example without labels is
            then right when no score is above it. Defaults to `None`: no such
            condition.
        name: Name of the metric. Defaults to `"accuracy"`.

    Call arguments: labels as integers `(batch,)` or `(batch, 1)`, or one-hot or
        multi-hot `(batch, classes)`, and scores `(batch, classes)`.

    Raises:
        ValueError: If the labels have another shape.

    Example:

    >>> scores = np.array([[0.9, 0.2, 0.7]])
    >>> float(LabelAccuracy()(np.array([[1, 0, 1]]), scores))
    1.0
    >>> float(LabelAccuracy(threshold=0.8)(np.array([[1, 0, 1]]), scores))
    0.0
    >>> float(LabelAccuracy(threshold=0.8)(np.array([[0, 0, 0]]), scores))
    0.0

    Source: kexue.fm 5112, the two-digit experiment.
    """

    def __init__(
        self,
        threshold: float | None = None,
        name: str = "accuracy",
        dtype: str | None = None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.threshold = threshold
        self._direction = "up"  # which EarlyStopping asks every metric

    def update_state(
        self,
        y_true: Tensor,
        y_pred: Tensor,
        sample_weight: Tensor | None = None,
    ) -> None:
        scores = at_least_float32(y_pred)
        labels = ops.convert_to_tensor(y_true)
        present = multi_hot(labels, scores.shape[-1]) > 0.5
        if scores.shape[-1] == 1 and self.threshold is None:
            right = (scores > 0.5) == present
            return super().update_state(right[:, 0], sample_weight)
        infinite = float("inf")
        lowest = -largest(ops.where(present, -scores, -infinite), axis=-1)
        highest = largest(ops.where(present, -infinite, scores), axis=-1)
        has_labels = ops.any(present, axis=-1)
        right = lowest > highest
        if self.threshold is None:
            weight = ops.cast(has_labels, scores.dtype)
            if sample_weight is not None:
                given = at_least_float32(sample_weight)
                weight *= given[:, 0] if len(given.shape) == 2 else given
            return super().update_state(right, weight)
        right = ops.where(
            has_labels,
            ops.logical_and(right, lowest > self.threshold),
            highest <= self.threshold,
        )
        return super().update_state(right, sample_weight)

    def get_config(self) -> Config:
        return {
            "name": self.name,
            "dtype": self.dtype,
            "threshold": self.threshold,
        }
