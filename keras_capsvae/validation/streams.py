"""Batches that come one by one: the first is checked before, each when drawn.

Each batch goes through the check on its way to the model. What other processes
or devices draw is left alone: when the loss of an epoch is not finite, it is
read again to name the batch at fault, and so is whatever else was checked by a
sample.
"""

import contextlib
import copy
import itertools
import math
import sys
import types
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_capsvae.private_keras import looked_dataset

ENDLESS = -1  # the cardinality of such a `tf.data.Dataset`

Check = Callable[[Any, str], tuple[Any, ...]]
Read = Callable[[int | None], Any]


class StreamChecks:
    """Checks of the streams of one call of `fit`, `evaluate` or `predict`."""

    def __init__(self):
        self._refusals = []

    def checked(
        self, data: Any, check: Check, standard: Check, name: str
    ) -> Any:
        """The stream, with its first batch checked and the others to be.

        Args:
            data: The stream.
            check: Takes a batch and a name for messages, returns the batch in
                the standard form or raises.
            standard: As `check`, without looking at values: for the graph of a
                `tf.data.Dataset`.
            name: What the messages call the stream.

        Raises:
            ValueError: If the first batch is refused or there is none.
        """

        def look(batch):
            try:
                return check(batch, name)
            except (TypeError, ValueError) as refusal:
                self._refusals.append(refusal)
                raise

        if isinstance(data, types.GeneratorType):
            first = _first(data, name, "a generator of nothing")
            return _generator(itertools.chain([look(first)], map(look, data)))
        if isinstance(data, keras.utils.PyDataset):
            if data.num_batches == 0:
                _refuse_empty(name, "a PyDataset of length 0")
            look(data[0])
            # Other processes may not hold the model; as of tf.data.
            return data if data.use_multiprocessing else _Looked(data, look)
        first = _first(data, name, "a data set of nothing")
        look(_on_one_device(first))
        if _is_of_grain(data):
            if hasattr(data, "map"):
                return data.map(look)
            if _shapes_in(standard(first, name)) != _shapes_in(first):
                raise ValueError(
                    f"`{name}`, a loader of grain, must give batches of shape "
                    f"{_shapes_in(standard(first, name))}; of a MapDataset "
                    "they are brought there. "
                    f"Received: {_shapes_in(first)}"
                )
            return data
        if _is_of(data, "DataLoader"):
            return _looked_loader(data, look)
        if _is_of(data, "DatasetV2"):
            data = looked_dataset(data, look)
            return _standard_dataset(data, standard, name)
        return data

    @contextlib.contextmanager
    def in_plain_words(self) -> Iterator[None]:
        """Raises a refusal as it was, not wrapped in errors of a backend."""
        try:
            yield
        except Exception:
            if self._refusals:
                raise self._refusals[0] from None
            raise


class FiniteLoss(keras.callbacks.Callback):
    """Looks through the data again when the loss has become NaN or infinite.

    Raises nothing if the data are sound: then it is the training that fails.

    Args:
        training, validation: Functions of a number of batches that raise if the
            data are at fault, or `None`.
    """

    def __init__(
        self,
        training: Read | None = None,
        validation: Read | None = None,
    ):
        super().__init__()
        self.training = training
        self.validation = validation

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        steps = (self.params or {}).get("steps")
        _look_again(self.training, steps, logs, f" of epoch {epoch + 1}")

    def on_test_end(self, logs: dict | None = None) -> None:
        _look_again(self.validation, None, logs, "")


def is_stream(data: Any) -> bool:
    """Whether the data come in batches rather than as arrays."""
    kinds = (types.GeneratorType, keras.utils.PyDataset)
    return (
        isinstance(data, kinds)
        or _is_of(
            data, "DataLoader", "DatasetV2", "DistributedDatasetInterface"
        )
        or _is_of_grain(data)
    )


def inputs_in(stream: Any) -> Iterator[Any]:
    """x of one batch after the other, without targets and weights.

    Raises:
        ValueError: If there is none, or no end.
    """
    if _is_endless(stream):
        raise ValueError(
            "`x` must end, for all of it is read: of an endless stream take "
            f"some batches. Received: an endless {type(stream).__name__}"
        )
    is_empty = True
    for batch in stream:
        is_empty = False
        yield keras.utils.unpack_x_y_sample_weight(_on_one_device(batch))[0]
    if is_empty:
        _refuse_empty("x", "a stream of nothing")


def examples_in(stream: Any) -> int | None:
    """How many examples a stream holds, where it tells.

    A loader of PyTorch does, and any stream by an attribute `num_examples`.
    """
    if not _is_of(stream, "DataLoader") or _is_of_grain(stream):
        return getattr(stream, "num_examples", None)
    is_endless = _is_of(stream.dataset, "IterableDataset")
    return None if is_endless else len(stream.dataset)


def reader_of(data: Any, check: Check, name: str) -> Read | None:
    """What reads so many batches of a stream again and checks them.

    `None` of a stream whose batches are checked as they are drawn.
    """
    is_left_alone = (
        _is_of(data, "DistributedDatasetInterface")
        or getattr(data, "use_multiprocessing", False)
        or (_is_of_grain(data) and not hasattr(data, "map"))
    )
    if not is_left_alone:
        return None

    def read(steps):
        for number, batch in enumerate(itertools.islice(data, steps)):
            check(_on_one_device(batch), f"{name}, batch {number}")

    return read


def reader_of_maps(batch: Any, check: Check, name: str) -> Read | None:
    """What reads memory maps whole and checks them; `None` without any.

    They were checked by a sample.
    """

    def whole(leaf):
        return np.asarray(leaf) if isinstance(leaf, np.memmap) else leaf

    if not any(isinstance(x, np.memmap) for x in keras.tree.flatten(batch)):
        return None
    arrays = keras.tree.map_structure(whole, batch)
    return lambda steps: check(arrays, name)


class _Looked(keras.utils.PyDataset):
    def __init__(self, data, look):
        super().__init__(
            workers=data.workers, max_queue_size=data.max_queue_size
        )
        self.data = data
        self.look = look

    @property
    def num_batches(self):
        return self.data.num_batches

    def __getitem__(self, index):
        return self.look(self.data[index])

    def on_epoch_begin(self):
        self.data.on_epoch_begin()

    def on_epoch_end(self):
        self.data.on_epoch_end()


def _looked_loader(loader, look):
    """A loader of the same class, which Keras asks for, that looks."""
    kind = type(loader)

    def batches(self):
        return map(look, kind.__iter__(self))

    looked = copy.copy(loader)
    looked.__class__ = type(kind.__name__, (kind,), {"__iter__": batches})
    return looked


def _standard_dataset(data, standard, name):
    """A `tf.data.Dataset` of batches in the standard form."""
    is_tuple = isinstance(data.element_spec, tuple)

    def of_batch(*batch):
        x, *rest = standard(batch, name)
        return (x, *rest) if is_tuple else x

    standardised = data.map(of_batch)
    is_same = standardised.element_spec == data.element_spec
    return data if is_same else standardised


def _on_one_device(batch):
    """The shares that replicas have of a distributed batch, together."""

    def together(leaf):
        if not _is_of(leaf, "DistributedValues"):
            return leaf
        return np.concatenate([np.asarray(share) for share in leaf.values])

    return keras.tree.map_structure(together, batch)


def _is_endless(stream):
    if isinstance(stream, keras.utils.PyDataset):
        return stream.num_batches is None
    if _is_of_grain(stream):
        return hasattr(stream, "__len__") and len(stream) == sys.maxsize
    return _is_of(stream, "DatasetV2") and int(stream.cardinality()) == ENDLESS


def _shapes_in(batch):
    return [tuple(leaf.shape) for leaf in keras.tree.flatten(batch)]


def _is_of_grain(data):
    """Whether it is a data set or loader of grain, which Keras takes."""
    kinds = type(data).__mro__
    return any(kind.__module__.startswith("grain.") for kind in kinds)


def _is_of(data, *names):
    return any(kind.__name__ in names for kind in type(data).__mro__)


def _first(data, name, nothing):
    first = next(iter(data), None)
    if first is None:
        _refuse_empty(name, nothing)
    return first


def _refuse_empty(name, nothing):
    raise ValueError(f"`{name}` must not be empty. Received: {nothing}")


def _generator(batches):
    yield from batches


def _look_again(read, steps, logs, where):
    loss = float((logs or {}).get("loss", 0.0))
    if read is None or math.isfinite(loss):
        return
    try:
        read(steps)
    except ValueError as refusal:
        raise ValueError(f"The loss{where} is {loss}: {refusal}") from refusal
