"""Inputs of a model that go to its parts beside x and z."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.latents.base import Latent
from keras_capsvae.models.embedded_ids import count_of_ids
from keras_capsvae.models.structures import alone
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arrays import check_same_length
from keras_capsvae.validation.arrays import parts_of
from keras_capsvae.validation.forms import as_array
from keras_capsvae.validation.forms import in_numpy
from keras_capsvae.validation.inputs import told
from keras_capsvae.validation.labels import check_label
from keras_capsvae.validation.shapes import shapes_agree
from keras_capsvae.validation.shapes import with_last_axis

IDS = ((), (1,))  # shapes of a condition of one integer an example


class Conditions:
    """The conditions of encoder, decoder and prior, each once.

    Conditions with one `keras.Input` name are one. Others of encoder and
    decoder go by their position among the conditions of their part, if they
    have one shape. That of the prior has the name `label`.

    Attributes:
        inputs: A symbolic input for each condition.
        of_encoder, of_decoder: Indices of the conditions that a part takes.
        of_prior: Index of the prior's condition, `None` without one.
        are_numbers: Whether data showed that the only condition is not one-hot;
            files keep it.
        are_ids: Whether the only condition goes into an embedding, as integers
            `(n,)` or `(n, 1)`.
        num_classes: Classes of the only condition: rows of its embedding, or
            its width, for it is taken for one-hot; `None` where there is none,
            there are several, or it holds other numbers.
    """

    def __init__(
        self, encoder: keras.Model, decoder: keras.Model, latent: Latent
    ) -> None:
        self.inputs = []
        self.of_encoder = self._matched(encoder.inputs[1:])
        self.of_decoder = self._matched(decoder.inputs[1:])
        self.of_prior = None
        if latent.condition_shape is not None:
            label = keras.Input(latent.condition_shape, name="label")
            (self.of_prior,) = self._matched([label], by_position=False)
            self._check_prior(self.inputs[self.of_prior], label)
        self._prior_has_classes = latent.num_classes is not None
        self.are_numbers = False
        # Of an id of the decoder the rows of the embedding that it goes into.
        self._rows = [
            count_of_ids(decoder, tensor)
            if tuple(tensor.shape[1:]) in IDS
            else None
            for tensor in decoder.inputs[1:]
        ]
        ids = self._embedded_classes(encoder, decoder)
        self.are_ids = ids is not None
        self._classes = ids or self._classes_of(latent.num_classes)

    def _check_prior(self, condition, expected):
        """Raise if the condition that has the prior's name is another."""
        if not shapes_agree(condition.shape, expected.shape):
            raise ValueError(
                f"The input {condition.name!r} must have shape "
                f"{tuple(expected.shape)}, which the prior takes, or another "
                f"name. Received: shape {tuple(condition.shape)}"
            )

    def _embedded_classes(self, encoder, decoder):
        """Rows of the smallest embedding of the only condition, if any."""
        if len(self.inputs) != 1 or tuple(self.inputs[0].shape[1:]) not in IDS:
            return None
        counts = [
            count_of_ids(part, tensor)
            for part in (encoder, decoder)
            for tensor in part.inputs[1:]
        ]
        return min((one for one in counts if one is not None), default=None)

    @property
    def num_classes(self) -> int | None:
        return None if self.are_numbers else self._classes

    @property
    def are_one_hot(self) -> bool:
        """Whether the only condition is taken for one-hot classes."""
        return self.num_classes is not None and not self.are_ids

    def _classes_of(self, of_prior):
        if len(self.inputs) != 1:
            return None
        _, *dims = self.inputs[0].shape
        is_one_hot = len(dims) == 1 and dims[0] > 1
        return dims[0] if is_one_hot else of_prior

    def _matched(self, wanted, by_position=True):
        """The index of each wanted input; those not yet there are added."""
        names = [known.name for known in self.inputs]
        taken = {names.index(w.name) for w in wanted if w.name in names}
        indices = []
        for position, tensor in enumerate(wanted):
            if tensor.name in names:
                indices.append(names.index(tensor.name))
            elif by_position and self._fits(position, tensor, taken):
                indices.append(position)
            else:
                indices.append(len(self.inputs))
                self.inputs.append(input_like(tensor))
        return indices

    def _fits(self, position, tensor, taken):
        return (
            position < len(self.inputs)
            and position not in taken
            and self.inputs[position].shape == tensor.shape
        )

    def look_at(self, array: Any) -> None:
        """Note whether the values of the only condition can be classes."""
        if self._prior_has_classes or not self.are_one_hot:
            return
        if not all(np.isin(part, (0, 1)).all() for part in parts_of(array)):
            self.are_numbers = True

    @property
    def are_generated_from(self) -> bool:
        """Whether prior or decoder take a condition, not the encoder alone."""
        return bool(self.of_decoder) or self.of_prior is not None

    def for_encoder(self, values: Any) -> list[Tensor]:
        return [values[index] for index in self.of_encoder]

    def for_decoder(self, values: Any) -> list[Tensor]:
        return [values[index] for index in self.of_decoder]

    def as_vectors(self, values: Any) -> list[Tensor]:
        """Those of the decoder as vectors `(n, dims)`, ids one-hot."""
        vectors = []
        for value, rows, size in zip(
            self.for_decoder(values), self._rows, self.vector_sizes()
        ):
            if rows is not None:
                value = ops.one_hot(ops.reshape(value, (-1,)), rows)
            vectors.append(ops.reshape(ops.cast(value, "float32"), (-1, size)))
        return vectors

    def vector_sizes(self) -> list[int]:
        """Dims of each of `as_vectors`.

        Raises:
            ValueError: If a condition may have any size.
        """
        inputs: list[Any] = self.for_decoder(self.inputs)
        if any(None in tensor.shape[1:] for tensor in inputs):
            raise ValueError(
                "A prior must know the size of the conditions that it depends "
                f"on. Received: {told(inputs)}"
            )
        return [
            math.prod(tensor.shape[1:]) if rows is None else rows
            for tensor, rows in zip(inputs, self._rows)
        ]

    def for_prior(self, values: Any) -> Tensor | None:
        if values is None or self.of_prior is None:
            return None
        return values[self.of_prior]

    def given(
        self, n: int, label: Any = None, condition: Tensor | None = None
    ) -> list[Any] | None:
        """The conditions of n examples as arrays; `None` if none is given."""
        if label is not None and condition is not None:
            raise ValueError(
                "`label` or `condition` must be None. "
                f"Received: label={label!r}, condition={condition!r}"
            )
        if label is not None:
            return [self._of_label(n, label)]
        return None if condition is None else self._arrays(n, condition)

    def drawn(self, n: int, random: Any) -> list[np.ndarray]:
        """Classes drawn uniformly, for a prior that has them."""
        if not self._prior_has_classes or self.num_classes is None:
            raise ValueError(self.missing())
        labels = random.integers(self.num_classes, n)
        return [ops.convert_to_numpy(self.of_classes(labels))]

    def missing(self) -> str:
        """What to say when there should be conditions and are none."""
        return (
            f"`condition` must hold {told(self.inputs)}, which this model "
            "depends on, or "
            "`label` a class. Received: neither"
        )

    def _arrays(self, n, condition):
        if isinstance(condition, dict):
            condition = self._in_order(condition)
        is_list = isinstance(condition, (list, tuple)) and (
            len(self.inputs) > 1
            or (len(condition) == 1 and np.ndim(condition[0]) > 0)
        )
        arrays = [
            in_numpy(as_array(c, "condition"))
            for c in (condition if is_list else [condition])
        ]
        if len(arrays) != len(self.inputs):
            raise ValueError(
                f"`condition` must hold {len(self.inputs)} arrays, "
                f"{told(self.inputs)}. "
                f"Received: {len(arrays)}"
            )
        return [
            self._for_all(n, array, tensor)
            for array, tensor in zip(arrays, self.inputs)
        ]

    def _in_order(self, condition):
        """The arrays of a dict, by the names of the inputs."""
        names = [tensor.name for tensor in self.inputs]
        if set(condition) != set(names):
            raise ValueError(
                f"`condition` must hold {names}. Received: {list(condition)}"
            )
        return [condition[name] for name in names]

    def _for_all(self, n, array, tensor):
        """An array `(n, ...)`, of which a single one may be given."""
        dims = tensor.shape[1:]
        self._check_no_classes(array, dims)
        if dims == (1,) and array.ndim < 2:  # numbers, one or for each
            array = (
                array.reshape(-1, 1) if array.shape == (n,) else array.ravel()
            )
        if array.ndim == len(dims):
            array = np.broadcast_to(array, (n, *array.shape))
        if array.ndim != len(dims) + 1:
            raise ValueError(
                f"`condition` must hold {told([tensor])}, or one of them for "
                f"all. Received: shape {array.shape}"
            )
        check_same_length([range(n), array], "condition")
        return array

    def _check_no_classes(self, array, dims):
        """Raise for `[0, 2, 1]`, which are numbers of classes, not a vector."""
        if not self.are_one_hot or array.ndim != 1:
            return
        if array.dtype.kind in "iu" and (
            array.shape != dims or array.max(initial=0) > 1
        ):
            raise ValueError(
                "`label` takes integer classes, `condition` arrays "
                f"(n, {self.num_classes}) or a vector for all. "
                f"Received: condition={array.tolist()}"
            )

    def of_classes(self, labels: Tensor) -> Tensor:
        """Integer classes `(n,)` in the form of the condition, in a graph."""
        if not self.are_ids:
            return ops.one_hot(labels, self._classes)
        return with_last_axis(labels, self.inputs[0].shape)

    def _of_label(self, n, label):
        classes = self.num_classes
        if classes is None:
            raise ValueError(
                "`label` must be None: this model has no single condition with "
                f"classes. Received: label={label!r}"
            )
        labels = np.full(n, label) if np.ndim(label) == 0 else label
        check_same_length([range(n), labels], "label")
        if np.shape(labels)[1:] == (1,):
            labels = np.reshape(labels, -1)
        for one in labels:
            check_label(one, classes)
        return ops.convert_to_numpy(self.of_classes(np.asarray(labels)))


def input_like(tensor: Any) -> Tensor:
    """A fresh symbolic input of the same shape, dtype and name."""
    return keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)


def called(
    part: keras.Model, arrays: list[Any], training: bool | None = None
) -> Any:
    """Call a model with a list of arrays, or with the only one."""
    return part(alone(arrays), training=training)
