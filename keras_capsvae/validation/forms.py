"""The forms in which x, y and weights come, and the one that is checked.

What Keras takes stays as it is, for it may lie on a device or on a disk; what
it does not take in every place becomes a NumPy array.
"""

from typing import Any

import keras
import numpy as np

SHOWN = 5  # columns that a message names

# What a sparse or ragged array holds, by the name of its class: none of these
# libraries is imported for it.
_HELD = {
    "RaggedTensor": lambda array: array.flat_values,
    "SparseTensor": lambda array: array.values,
    "JAXSparse": lambda array: array.data,
    "_spbase": lambda array: array.tocoo().data,
}


def held_values(array: Any) -> Any:
    """The values that a sparse or ragged array holds, `None` of a dense one."""
    found = [_HELD[name] for name in _kinds(array) if name in _HELD]
    return found[0](array) if found else None


def in_numpy(array: Any) -> np.ndarray:
    """A dense array or tensor in NumPy, without a copy where it can be."""
    if isinstance(array, np.ndarray):
        return array  # of its own class: a memory map stays one
    if hasattr(array, "detach"):  # PyTorch, on any device
        array = array.detach().cpu()
        if str(array.dtype) == "torch.bfloat16":
            array = array.float()
        return array.numpy()
    return np.asarray(array)


def dense_in_numpy(array: Any) -> np.ndarray:
    """An array of any kind in NumPy, the zeros of a sparse one written out."""
    if held_values(array) is None:
        return in_numpy(array)
    if hasattr(array, "toarray"):  # SciPy
        return array.toarray()
    dense = keras.ops.convert_to_tensor(array, sparse=False)
    return keras.ops.convert_to_numpy(dense)


def as_array(data: Any, name: str) -> Any:
    """One array in a form that Keras takes.

    Lists of numbers, tables of pandas and variables come back in NumPy.

    Raises:
        ValueError: If a list has rows of different lengths or holds no arrays,
            a table no numbers, or values are masked.
    """
    if hasattr(data, "to_numpy"):
        return _table_in_numpy(data, name)
    if isinstance(data, (list, tuple, int, float)):
        try:
            return np.asarray(data)
        except ValueError as error:
            raise ValueError(
                f"`{name}` must be an array, its rows of one shape. "
                f"Received: a {type(data).__name__} of other things"
            ) from error
    if not hasattr(data, "shape"):
        raise ValueError(
            f"`{name}` must be an array; of a stream take one batch after the "
            f"other. Received: {type(data).__name__}"
        )
    if hasattr(data, "assign"):
        return in_numpy(data)
    if isinstance(data, np.ma.MaskedArray):
        return _without_mask(data, name)
    if is_ragged(data):
        return _of_equal_rows(data)
    is_foreign = isinstance(data, np.ndarray) and not data.dtype.isnative
    return data.astype(data.dtype.newbyteorder("=")) if is_foreign else data


def is_ragged(array: Any) -> bool:
    """Whether an array is a ragged tensor of TensorFlow."""
    return "RaggedTensor" in _kinds(array)


def _kinds(array):
    """Names of its class and of those that it derives from."""
    return [kind.__name__ for kind in type(array).__mro__]


def _of_equal_rows(ragged):
    """In NumPy where no row is longer than another; else as Keras pads it."""
    if not hasattr(ragged.flat_values, "numpy"):
        return ragged
    dense = ragged.to_tensor().numpy()
    is_full = dense.size == ragged.flat_values.numpy().size
    return dense if is_full else ragged


def _without_mask(data, name):
    count = np.ma.count_masked(data)
    if count:
        raise ValueError(
            f"`{name}` must hold a number everywhere: fill in what is masked, "
            "data.filled(value), or leave those rows out. "
            f"Received: {count} masked values"
        )
    return data.data


def standard_inputs(x: Any, count: int, name: str) -> Any:
    """x of a model with `count` inputs: an array, a tuple or a dict of them."""
    if isinstance(x, dict):
        return {key: as_array(part, name) for key, part in x.items()}
    is_list = isinstance(x, (list, tuple))
    if not is_list or (count == 1 and holds_numbers(x)):
        return as_array(x, name)
    parts = tuple(as_array(part, name) for part in x)
    return parts[0] if count == len(parts) == 1 else parts


def standard_targets(y: Any, name: str) -> Any:
    """The one array of targets, that may come in a list or a dict of one.

    Raises:
        ValueError: If there are several.
    """
    if y is None or not keras.tree.is_nested(y) or holds_numbers(y):
        return y if y is None else as_array(y, name)
    parts = list(y.values()) if isinstance(y, dict) else list(y)
    if len(parts) != 1:
        raise ValueError(
            f"`{name}` must be one array; what a decoder reconstructs is x "
            f"itself. Received: {len(parts)} in a {type(y).__name__}"
        )
    return None if parts[0] is None else as_array(parts[0], name)


def standard_weights(weights: Any, name: str = "sample_weight") -> Any:
    """Weights `(batch,)`, that may come as `(batch, 1)`."""
    weights = standard_targets(weights, name)
    if weights is not None and tuple(weights.shape)[1:] == (1,):
        return weights[:, 0]
    return weights


def holds_numbers(data: Any) -> bool:
    """Whether a list, nested or not, is of numbers (or texts), not arrays."""
    if not isinstance(data, (list, tuple)):
        return False
    while isinstance(data, (list, tuple)) and len(data):
        data = data[0]
    has_axes = len(getattr(data, "shape", ())) > 0
    return data is not None and not has_axes and not isinstance(data, dict)


def holds_texts(array: Any) -> bool:
    """Whether an array is of strings."""
    dtype = getattr(array, "dtype", None)
    if getattr(dtype, "name", "") == "object":
        return array.size > 0 and isinstance(array.flat[0], str)
    return getattr(dtype, "name", "").startswith(("str", "bytes"))


def _table_in_numpy(table, name):
    array = table.to_numpy()
    if array.dtype != object or holds_texts(array):
        return array
    try:  # columns of several types, or with missing values
        if hasattr(table, "isna"):
            array = table.to_numpy(na_value=np.nan)
        return array.astype(keras.config.floatx())
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` must hold numbers. Received: a "
            f"{type(table).__name__} with other values{_where(table)}"
        ) from error


def _where(table):
    """The columns of a table that hold no numbers, in words."""
    dtypes = getattr(table, "dtypes", None)
    if not hasattr(dtypes, "items"):
        return ""
    columns = [
        f"{column!r} ({dtype})"
        for column, dtype in dtypes.items()
        if not _are_numbers(table[column])
    ]
    more = ", …" * (len(columns) > SHOWN)
    return f" in {', '.join(columns[:SHOWN])}{more}" if columns else ""


def _are_numbers(column):
    try:
        np.array(list(column), "float64")
    except (TypeError, ValueError):
        return False
    return True
