"""Class labels in the forms that a classifier takes them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.arrays import check_shape
from keras_capsvae.validation.arrays import parts_of
from keras_capsvae.validation.forms import holds_texts
from keras_capsvae.validation.numbers import check_integer


def is_integer_classes(labels: Any, num_classes: int) -> bool:
    """Whether `labels` of this shape are integers, `(batch,)` or `(batch, 1)`.

    Otherwise they are one-hot or multi-hot, `(batch, num_classes)`. Labels of
    a single class say whether it is present, in both forms.
    """
    shape = tuple(labels.shape)
    is_column = len(shape) == 2 and shape[-1] == 1
    return num_classes > 1 and (len(shape) == 1 or is_column)


NO_CLASSES = (
    "They say which classes there are; what is a number of another kind a "
    "plain keras.Model learns. "
)


def check_labels(labels: Any, num_classes: int, name: str) -> None:
    """Check labels in any of the forms that `multi_hot` takes."""
    check_not_names(labels, name)
    shape = tuple(labels.shape)[1:]
    if is_integer_classes(labels, num_classes):
        check_classes(labels, shape, num_classes, name)
    else:
        is_flat = num_classes == 1 and not shape
        shape = shape if is_flat else (num_classes,)
        check_array(labels, shape, name, (0, 1), NO_CLASSES)


def check_not_names(labels: Any, name: str) -> None:
    """Check that labels are numbers, and not the names of classes."""
    if holds_texts(labels):
        raise ValueError(
            f"`{name}` must hold numbers of classes: class_names, y = "
            "np.unique(labels, return_inverse=True). Received: names of "
            f"classes, dtype {labels.dtype}"
        )


def integers_of(labels: Any, class_names: Sequence[str] | None) -> Any:
    """Names of classes as their integers; other labels as they are.

    Raises:
        ValueError: If a name is none of the classes.
    """
    if class_names is None or np.asarray(labels).dtype.kind not in "UO":
        return labels
    names, asked = list(class_names), np.asarray(labels, "U")
    unknown = sorted(set(asked.ravel().tolist()) - set(names))
    if unknown:
        raise ValueError(
            f"Labels must be of the classes {names}. Received: {unknown}"
        )
    return np.vectorize(names.index, otypes=[int])(asked)[()]


def multi_hot(labels: Any, num_classes: int) -> Any:
    """Integer, one-hot or multi-hot labels → `(batch, num_classes)`, float32.

    Labels of a single class may be `(batch,)`: whether it is present. An
    integer that is no class gives NaN and not zeros, so that the loss shows
    what a stream brought unseen.

    Raises:
        ValueError: If the shape is none of the three.
    """
    if is_integer_classes(labels, num_classes):
        classes = ops.reshape(ops.cast(labels, "int32"), (-1, 1))
        is_class = ops.logical_and(classes >= 0, classes < num_classes)
        one_hot = ops.one_hot(classes[:, 0], num_classes)
        return ops.where(is_class, one_hot, float("nan"))
    if num_classes == 1 and len(labels.shape) == 1:
        labels = ops.expand_dims(labels, axis=-1)
    if len(labels.shape) != 2 or labels.shape[-1] != num_classes:
        raise ValueError(
            "Labels must be integers, (batch,) or (batch, 1), or one-hot or "
            f"multi-hot, (batch, {num_classes}). Received: labels of shape "
            f"{tuple(labels.shape)}"
        )
    return ops.cast(labels, "float32")


def check_no_numbers_of_classes(
    labels: Any, num_classes: int, name: str
) -> None:
    """Check that labels are not `(batch,)` or `(batch, 1)`, as integers are."""
    if len(labels.shape) < 2 or labels.shape[-1] == 1 != num_classes:
        raise ValueError(
            f"`{name}` must be one-hot, of shape (batch, {num_classes}): "
            "convert integer labels with keras.utils.to_categorical(labels, "
            f"{num_classes}). Received: shape {tuple(labels.shape)}"
        )


def check_one_hot(labels: Any, num_classes: int, name: str) -> None:
    """Check one-hot labels of shape (batch, num_classes)."""
    check_no_numbers_of_classes(labels, num_classes, name)
    labels = check_array(labels, (num_classes,), name)
    done = 0
    for part in parts_of(labels):
        is_bit = (part == 0) | (part == 1)
        wrong = (part.sum(axis=-1) != 1) | ~is_bit.all(axis=-1)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"`{name}` must be one-hot: a single 1 a row, 0 elsewhere. "
                f"Received: {part[row].tolist()} in row {done + row}"
            )
        done += len(part)


def check_classes(
    classes: Any, shape: Sequence[int | None], num_classes: int, name: str
) -> None:
    """Check an array of integer classes, `shape` without the batch."""
    classes = check_array(classes, shape, name, (0, num_classes - 1))
    for part in parts_of(classes):
        if part.dtype.kind not in "bui" and np.any(part != np.floor(part)):
            raise ValueError(
                f"`{name}` must hold integer classes. Received: fractions"
            )


def check_single_classes(labels: Any, num_classes: int, name: str) -> None:
    """Check that each example has one class, which it can be weighed by."""
    if num_classes > 1 and not is_integer_classes(labels, num_classes):
        check_shape(labels.shape, (num_classes,), name)
        check_one_hot(labels, num_classes, name)


def check_label(label: Any, num_classes: int, name: str = "label") -> int:
    """Check an integer class, or one of another `name`."""
    try:
        number = check_integer(name, label, -math.inf)
    except TypeError as error:
        raise TypeError(
            f"`{name}` must be an integer class in [0, {num_classes - 1}], not "
            f"one-hot. Received: {label!r} of type {type(label).__name__}"
        ) from error
    if not 0 <= number < num_classes:
        raise ValueError(
            f"`{name}` must lie in [0, {num_classes - 1}]. "
            f"Received: {name}={label}"
        )
    return number
