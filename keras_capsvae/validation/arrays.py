"""Checks of the data given to `fit` and `evaluate`, before any step is run."""

import numpy as np
from keras import ops

ADVICE = {
    (0.0, 1.0): "Scale the data first; divide 8-bit images by 255.",
}


def check_array(array, shape, name, value_range=None):
    """Check rank, size, emptiness, finiteness and range of one array.

    Args:
        array: NumPy array or tensor with a leading batch axis.
        shape: Expected shape without the batch; `None` entries match any size.
        name: What the messages call the array.
        value_range: `(low, high)` that the values must keep to, or `None`.

    Returns:
        The array in NumPy.

    Raises:
        ValueError: Naming what was expected and what was received.
    """
    array = ops.convert_to_numpy(array)
    check_shape(array.shape, shape, name)
    if array.dtype.name == "bfloat16":  # which NumPy does not know a number
        array = array.astype("float32")
    if len(array) == 0:
        raise ValueError(f"`{name}` is empty. Received: shape {array.shape}")
    if not np.issubdtype(array.dtype, np.number) and array.dtype != bool:
        raise ValueError(
            f"`{name}` must hold numbers. Received: dtype {array.dtype}"
        )
    low, high = float(np.min(array)), float(np.max(array))
    if not np.isfinite([low, high]).all():
        raise ValueError(
            f"`{name}` must be finite. Received: an array with "
            f"{np.sum(~np.isfinite(array))} values that are NaN or infinite"
        )
    if value_range is not None:
        least, most = value_range
        if low < least or high > most:
            raise ValueError(
                f"`{name}` must lie in [{least:g}, {most:g}]. "
                f"{ADVICE.get(tuple(value_range), '')} "
                f"Received: {array.dtype} values in [{low:g}, {high:g}]"
            )
    return array


def check_shape(received, expected, name):
    """Check a full shape against an expected one without the batch."""
    dims = tuple(received)[1:]
    fits = len(received) == len(expected) + 1 and all(
        None in pair or pair[0] == pair[1] for pair in zip(dims, expected)
    )
    if not fits:
        raise ValueError(
            f"`{name}` must have shape {_with_batch(expected)}. "
            f"Received: shape {tuple(received)}"
        )


def check_one_hot(labels, num_classes, name):
    """Check one-hot labels of shape (batch, num_classes)."""
    if len(labels.shape) < 2 or labels.shape[-1] == 1 != num_classes:
        raise ValueError(
            f"`{name}` must be one-hot, of shape (batch, {num_classes}): "
            "convert integer labels with keras.utils.to_categorical(labels, "
            f"{num_classes}). Received: shape {tuple(labels.shape)}"
        )
    labels = check_array(labels, (num_classes,), name)
    wrong = (labels.sum(axis=-1) != 1) | ((labels != 0) & (labels != 1)).any(-1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"`{name}` must be one-hot: a single 1 a row, 0 elsewhere. "
            f"Received: {labels[row].tolist()} in row {row}"
        )


def check_classes(classes, shape, num_classes, name):
    """Check an array of integer classes, `shape` without the batch."""
    classes = check_array(classes, shape, name, (0, num_classes - 1))
    if np.any(classes != np.floor(classes)):
        raise ValueError(
            f"`{name}` must hold integer classes. Received: fractions"
        )


def check_label(label, num_classes):
    """Check an integer class label."""
    if isinstance(label, bool) or not isinstance(label, (int, np.integer)):
        raise TypeError(
            f"`label` must be an integer class in [0, {num_classes - 1}], not "
            f"one-hot. Received: {label!r} of type {type(label).__name__}"
        )
    if not 0 <= label < num_classes:
        raise ValueError(
            f"`label` must lie in [0, {num_classes - 1}]. "
            f"Received: label={label}"
        )
    return int(label)


def check_same_length(arrays, name):
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(
            f"The arrays of `{name}` must have one length. "
            f"Received: lengths {lengths}"
        )


def _with_batch(shape):
    return "(" + ", ".join(["batch", *map(str, shape)]) + ")"
