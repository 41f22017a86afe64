"""Class labels in the forms that a classifier takes them."""

from keras import ops


def is_integer_classes(labels, num_classes):
    """Whether `labels` of this shape are integers, `(batch,)` or `(batch, 1)`.

    Otherwise they are one-hot or multi-hot, `(batch, num_classes)`.
    """
    shape = tuple(labels.shape)
    return len(shape) == 1 or len(shape) == 2 and shape[-1] == 1 != num_classes


def multi_hot(labels, num_classes):
    """Integer, one-hot or multi-hot labels → `(batch, num_classes)`, float32.

    Raises:
        ValueError: If the shape is none of the three.
    """
    if is_integer_classes(labels, num_classes):
        classes = ops.reshape(ops.cast(labels, "int32"), (-1,))
        return ops.one_hot(classes, num_classes)
    if len(labels.shape) != 2 or labels.shape[-1] != num_classes:
        raise ValueError(
            "Labels must be integers, (batch,) or (batch, 1), or one-hot or "
            f"multi-hot, (batch, {num_classes}). Received: labels of shape "
            f"{tuple(labels.shape)}"
        )
    return ops.cast(labels, "float32")
