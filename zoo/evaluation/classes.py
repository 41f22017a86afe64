"""How well a classifier tells each class from the others."""

import functools
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import keras
import numpy as np

from keras_capsvae import Classifier
from keras_capsvae.typing import Tensor


class ClassReport(NamedTuple):
    """Figures of each class.

    Attributes:
        names: Names of the classes, in order.
        precision: Share of what was predicted to be of the class that is, NaN
            where nothing was.
        recall: Share of the class that was predicted to be, NaN where there is
            no example of it.
        count: Examples of the class.
        confusion: Integers `(classes, classes)`, how many examples of the class
            of the row were predicted to be of that of the column.
    """

    names: list[str]
    precision: np.ndarray
    recall: np.ndarray
    count: np.ndarray
    confusion: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        """The same in what JSON can hold, `None` for NaN."""
        columns = (self.precision, self.recall, self.count)
        return {
            "classes": [
                {
                    "name": name,
                    "precision": _number(precision),
                    "recall": _number(recall),
                    "count": int(count),
                }
                for name, precision, recall, count in zip(self.names, *columns)
            ],
            "confusion": self.confusion.tolist(),
        }


@functools.singledispatch
def count_of(model: keras.Model) -> int:
    """How many classes a model tells apart; 0 if it does not classify."""
    return 0


@count_of.register
def _(model: Classifier):
    return model.num_classes


def class_report(
    model: keras.Model,
    x: Tensor,
    labels: np.ndarray,
    class_names: Sequence[str] | None = None,
) -> ClassReport:
    """The `ClassReport` of a classifier on labelled examples.

    Args:
        model: A `Classifier`.
        x: Examples shaped for the model.
        labels: Integers `(n,)`; of a single class 1 where it is present.
        class_names: Names of the classes. Defaults to `None`: numbers.

    Raises:
        ValueError: If x or the labels do not fit the model.
    """
    from sklearn import metrics

    model.check_targets(labels, "labels")
    scores = keras.ops.convert_to_numpy(model.predict(x, verbose=0))
    classes, predicted = range(model.num_classes), scores.argmax(axis=1)
    if model.num_classes == 1:
        classes, predicted = range(2), (scores[:, 0] > 0.5).astype(int)
    labels = np.reshape(labels, -1).astype(int)
    precision, recall, _, count = metrics.precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=np.nan
    )
    confusion = metrics.confusion_matrix(labels, predicted, labels=classes)
    names = list(map(str, classes if class_names is None else class_names))
    return ClassReport(names, precision, recall, count, confusion)


def _number(value):
    return None if np.isnan(value) else float(value)
