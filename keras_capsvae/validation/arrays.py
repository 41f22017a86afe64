"""Checks of one array: rank, size, finiteness and range."""

from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_capsvae.validation.forms import as_array
from keras_capsvae.validation.forms import held_values
from keras_capsvae.validation.forms import in_numpy
from keras_capsvae.validation.forms import is_ragged
from keras_capsvae.validation.shapes import shapes_agree

ADVICE = "Scale the data first; divide 8-bit images by 255. "
LIKE_BYTES = 2  # values above are neither in [0, 1] nor labels of two classes
ROOM = 1e-6  # outside of a range, for rounding; the losses clip it away
ROWS_OF_A_SAMPLE = 64
VALUES_AT_ONCE = 2**16  # which the cache of a processor holds


def check_array(
    array: Any,
    shape: Sequence[int | None],
    name: str,
    value_range: tuple[float, float] | None = None,
    advice: str = ADVICE,
) -> Any:
    """Check rank, size, emptiness, finiteness and range of one array.

    The values are judged as Keras sees them, in its float type. A memory map
    is read by a sample of its rows, everything else whole, a part at a time.

    Args:
        array: Array, tensor, table or list of numbers, with a batch axis.
        shape: Expected shape without the batch; `None` entries match any size.
        name: What the messages call the array.
        value_range: `(low, high)` that the values must keep to, but for
            rounding, or `None`.
        advice: What to do about values far above [0, 1].

    Returns:
        The array, in NumPy unless it is sparse or ragged.

    Raises:
        ValueError: Naming what was expected and what was received.
    """
    array = as_array(array, name)
    held = held_values(array)
    dense = in_numpy(array) if held is None else array
    dtype = (dense if held is None else in_numpy(held)).dtype
    _check_real(dtype, name)
    check_shape(array.shape, shape, name)
    if is_ragged(array) and None not in shape:
        raise ValueError(
            f"`{name}` must have rows of one shape, {tuple(shape)}: pad them, "
            "x.to_tensor(). Received: a ragged tensor of shape "
            f"{tuple(array.shape)}"
        )
    if array.shape[0] == 0:
        raise ValueError(
            f"`{name}` must not be empty. Received: shape {tuple(array.shape)}"
        )
    low, high = _extremes(dense)
    if not np.isfinite([low, high]).all():
        wrong = sum(np.sum(~np.isfinite(_cast(p))) for p in parts_of(dense))
        raise ValueError(
            f"`{name}` must be finite. Received: an array with {wrong} values "
            "that are NaN or infinite"
        )
    if value_range is not None:
        least, most = value_range
        if low < least - ROOM or high > most + ROOM:
            is_far = most == 1 and high > LIKE_BYTES
            raise ValueError(
                f"`{name}` must lie in [{least:g}, {most:g}]. "
                f"{advice if is_far else ''}"
                f"Received: {dtype} values in [{low:g}, {high:g}]"
            )
    return dense


def check_shape(
    received: Sequence[int | None], expected: Sequence[int | None], name: str
) -> None:
    """Check a full shape against an expected one without the batch."""
    if not shapes_agree(received, (None, *expected)):
        batched = ", ".join(["batch", *map(str, expected)])
        advice = ""
        if expected and shapes_agree(received, expected):
            advice = ". One example alone is x[None]; a data set has .batch(32)"
        raise ValueError(
            f"`{name}` must have shape ({batched}). "
            f"Received: shape {tuple(received)}{advice}"
        )


def check_enough(received: int, count: int, name: str, of: str) -> None:
    """Check that there are as many examples as another argument counts."""
    if received < count:
        raise ValueError(
            f"`{name}` must hold at least as many examples as `{of}` says. "
            f"Received: {received} with {of}={count}"
        )


def length_of(array: Any) -> int:
    """Number of examples, of sparse arrays and tensors too."""
    return int(array.shape[0]) if hasattr(array, "shape") else len(array)


def check_same_length(arrays: Sequence[Any], name: str) -> None:
    """Check that arrays hold as many examples each."""
    lengths = [length_of(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(
            f"The arrays of `{name}` must have one length. "
            f"Received: lengths {lengths}"
        )


def parts_of(array: Any) -> Iterator[np.ndarray]:
    """The values of an array in NumPy, some rows at a time."""
    held = held_values(array)
    array = in_numpy(array if held is None else held)
    if isinstance(array, np.memmap):
        rows = np.linspace(0, len(array) - 1, ROWS_OF_A_SAMPLE).astype(int)
        array = np.asarray(array[np.unique(rows)])
    step = max(1, VALUES_AT_ONCE * len(array) // max(1, array.size))
    for start in range(0, max(1, len(array)), step):
        yield array[start : start + step]


def _check_real(dtype, name):
    short = dtype.name.startswith(("bfloat16", "float8"))  # not of NumPy
    if not short and dtype.kind not in "buif":
        texts = dtype.kind in "US"
        advice = ", which of texts are ids: model.encode_text(texts)"
        raise ValueError(
            f"`{name}` must hold numbers{advice if texts else ''}. "
            f"Received: dtype {dtype}"
        )


def _cast(part):
    """A part as Keras hands it on: floats in `floatx`, the least in float32."""
    if part.dtype.kind in "bui":
        return part
    wide = "float64" if keras.config.floatx() == "float64" else "float32"
    with np.errstate(over="ignore"):
        return part.astype(wide, copy=False)


def _extremes(array):
    """Least and greatest value, NaN if one is."""
    ends = [(p.min(), p.max()) for p in map(_cast, parts_of(array)) if p.size]
    low, high = np.array(ends or [(0, 0)]).T
    return float(low.min()), float(high.max())
