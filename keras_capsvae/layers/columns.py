"""Between the columns of a table and the numbers that a net likes."""

import math
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.private_keras import entries_of
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.columns import Categories
from keras_capsvae.validation.columns import check_categories
from keras_capsvae.validation.columns import check_columns

# A column that others determine would have a density without bound.
LEAST_LOG_VARIANCE = math.log(1e-4)  # of a standard deviation of 0.01


class _Columns(keras.layers.Layer):
    """A layer that knows mean and scale of the columns that are numbers.

    The columns of the last groups, one-hot categories, are left alone.
    """

    def __init__(self, categories: Categories = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.categories = check_categories(categories)

    def build(self, input_shape: Shape) -> None:
        check_columns(self.categories, input_shape[-1])
        self.numbers = input_shape[-1] - sum(self.categories.values())
        self.mean = self._statistic("mean", "zeros", (self.numbers,))
        self.scale = self._statistic("scale", "ones", (self.numbers,))

    def _statistic(self, name, initializer, shape, trainable=False):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=trainable,
            dtype="float32",
            autocast=False,
        )

    def set_statistics(self, mean: np.ndarray, scale: np.ndarray) -> None:
        """Set the mean and scale of the columns of numbers, `(numbers,)`."""
        self.mean.assign(mean)
        self.scale.assign(scale)

    def parts(self, rows: Tensor) -> list[Tensor]:
        """The numbers, and each group of categories, in float32."""
        rows = at_least_float32(rows)
        ends = np.cumsum([0, self.numbers, *self.categories.values()])
        return [rows[:, begin:end] for begin, end in pairwise(ends.tolist())]

    def joined(self, parts: list[Tensor]) -> Tensor:
        joined = ops.concatenate(parts, axis=-1)
        return ops.cast(joined, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def get_config(self) -> Config:
        return {**super().get_config(), "categories": dict(self.categories)}


@keras.saving.register_keras_serializable(package="keras_capsvae")
class StandardColumns(_Columns):
    """Rows of a table with the numbers at mean 0 and deviation 1.

    `(x − mean) / scale`, statistics that `set_statistics` sets and training
    leaves as they are; at first 0 and 1.

    Args:
        categories: Sizes, or name → size, of the groups of one-hot columns at
            the end, which stay as they are. Defaults to none.

    Inputs and output: `(batch, columns)`.

    Raises:
        ValueError: If the groups have more columns than there are.

    Example:

    >>> layer = StandardColumns(categories=[2])
    >>> layer.build((None, 3))
    >>> layer.set_statistics([20.0], [5.0])
    >>> np.asarray(layer(np.array([[30.0, 0.0, 1.0]])))
    array([[2., 0., 1.]], dtype=float32)
    """

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        self.is_set = self._statistic("is_set", "zeros", ())

    def set_statistics(self, mean: np.ndarray, scale: np.ndarray) -> None:
        super().set_statistics(mean, scale)
        self.is_set.assign(1)

    def call(self, inputs: Tensor) -> Tensor:
        numbers, *groups = self.parts(inputs)
        return self.joined([(numbers - self.mean) / self.scale, *groups])


@keras.saving.register_keras_serializable(package="keras_capsvae")
class TableColumns(_Columns):
    """What the last layer of a decoder gives → the columns of a table.

    Numbers become `mean + scale · h`, in the units of the table, groups of
    categories probabilities, by a softmax. The layer also holds a trained
    variance of each column of numbers: at first the square of the scale, and
    never below a ten thousandth of it; and the range that `kept_in_range` keeps
    numbers to, which `set_range` sets and is at first everything.

    Args:
        categories: Sizes, or name → size, of the groups of one-hot columns at
            the end. Defaults to none.

    Inputs and output: `(batch, columns)`.

    Raises:
        ValueError: If the groups have more columns than there are.

    Example:

    >>> layer = TableColumns(categories=[2])
    >>> layer.build((None, 3))
    >>> layer.set_statistics([20.0], [5.0])
    >>> np.asarray(layer(np.array([[2.0, 0.0, 0.0]])))
    array([[30. ,  0.5,  0.5]], dtype=float32)
    >>> np.round(np.exp(layer.log_variance()), 2)
    array([25.], dtype=float32)
    """

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        self.spread = self._statistic("spread", "zeros", (self.numbers,), True)
        self.low, self.high = (
            self._statistic(
                name, keras.initializers.Constant(value), (self.numbers,)
            )
            for name, value in (("low", -math.inf), ("high", math.inf))
        )

    def set_range(self, low: np.ndarray, high: np.ndarray) -> None:
        """Set the least and greatest value of each column of numbers."""
        self.low.assign(low)
        self.high.assign(high)

    def kept_in_range(self, numbers: Tensor) -> Tensor:
        """Numbers `(batch, numbers)`, those outside at the end of the range."""
        return ops.minimum(ops.maximum(numbers, self.low), self.high)

    def load_own_variables(self, store: Any) -> None:
        held = entries_of(store)
        for place, weight in enumerate(self.weights):
            if weight is self.low or weight is self.high:
                held.setdefault(str(place), weight)  # not of version 0.4
        super().load_own_variables(held)

    def call(self, inputs: Tensor) -> Tensor:
        numbers, *groups = self.parts(inputs)
        probabilities = [ops.softmax(group, axis=-1) for group in groups]
        return self.joined([self.mean + self.scale * numbers, *probabilities])

    def log_variance(self) -> Tensor:
        """ln σ² of each column of numbers, in the units of the table."""
        room = ops.softplus(self.spread - LEAST_LOG_VARIANCE)
        return 2 * ops.log(self.scale) + LEAST_LOG_VARIANCE + room
