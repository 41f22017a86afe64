import functools
import inspect
from typing import Any

import keras

from keras_capsvae.models.added_callbacks import epoch_followers
from keras_capsvae.models.added_callbacks import with_callbacks
from keras_capsvae.models.embedded_ids import count_of_ids
from keras_capsvae.models.standard_data import StandardData
from keras_capsvae.models.standard_data import three_parts
from keras_capsvae.models.variable_paths import check_variable_paths
from keras_capsvae.private_keras import can_loop
from keras_capsvae.private_keras import looped
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.arrays import check_same_length
from keras_capsvae.validation.forms import holds_numbers
from keras_capsvae.validation.inputs import has_own_name
from keras_capsvae.validation.labels import check_classes
from keras_capsvae.validation.streams import FiniteLoss
from keras_capsvae.validation.streams import StreamChecks
from keras_capsvae.validation.streams import is_stream
from keras_capsvae.validation.streams import reader_of
from keras_capsvae.validation.streams import reader_of_maps


class CheckedModel(StandardData):
    """A functional model that refuses unusable data before it trains.

    `fit`, `evaluate` and `predict` take all forms of data that Keras takes, and
    lists of numbers. They check arrays whole and the first batch of a stream
    before the first step, and the other batches as `streams` says: number,
    shape, range and finiteness of inputs and targets.

    A `PyDataset` with a method `set_epoch(epoch)`, which fixes the order of
    that epoch's batches, is told of each epoch, so that a training resumed with
    `initial_epoch` sees what an uninterrupted one sees.

    Subclasses say what their inputs and targets must be in `check_input`,
    `check_targets` and `check_class_weight`.
    """

    @functools.wraps(keras.Model.fit)
    def fit(self, *args: Any, **kwargs: Any) -> Any:
        self.check_compiled()
        check_variable_paths(self)
        given = inspect.signature(super().fit).bind(*args, **kwargs)
        arguments = given.arguments
        streams = StreamChecks()
        follows = epoch_followers(arguments)
        watch = FiniteLoss(self._check_data(arguments, streams))
        if arguments.get("validation_data") is not None:
            watch.validation = self._check_validation_data(arguments, streams)
        with_callbacks(arguments, before=[*follows, watch])
        with streams.in_plain_words():
            return super().fit(*given.args, **given.kwargs)

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        self.check_compiled()
        if kwargs.get("_use_cached_eval_dataset", False):
            return super().evaluate(*args, **kwargs)
        given = inspect.signature(super().evaluate).bind(*args, **kwargs)
        streams = StreamChecks()
        read = self._check_data(given.arguments, streams)
        with_callbacks(given.arguments, before=[FiniteLoss(validation=read)])
        with streams.in_plain_words():
            return super().evaluate(*given.args, **given.kwargs)

    @functools.wraps(keras.Model.predict)
    def predict(self, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        if is_stream(x):
            streams = StreamChecks()
            check = self._checked_inputs_of_batch
            x = streams.checked(x, check, self.standard_batch, "x")
            with streams.in_plain_words():
                return super().predict(x, *args, **kwargs)
        x = self._checked_inputs(x, "x")
        return super().predict(x, *args, **kwargs)

    @functools.wraps(keras.Model.predict_on_batch)
    def predict_on_batch(self, x: Tensor) -> Any:
        return super().predict_on_batch(self._checked_inputs(x, "x"))

    @functools.wraps(keras.Model.train_on_batch)
    def train_on_batch(
        self,
        x: Tensor,
        y: Tensor = None,
        sample_weight: Tensor = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        batch = self._checked_batch((x, y, sample_weight), "x")
        return super().train_on_batch(*three_parts(batch), *args, **kwargs)

    @functools.wraps(keras.Model.test_on_batch)
    def test_on_batch(
        self,
        x: Tensor,
        y: Tensor = None,
        sample_weight: Tensor = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        batch = self._checked_batch((x, y, sample_weight), "x")
        return super().test_on_batch(*three_parts(batch), *args, **kwargs)

    def check_compiled(self) -> None:
        """Raise unless the model is compiled with what it can train on."""
        self._assert_compile_called()

    def check_input(
        self,
        array: Tensor,
        tensor: Tensor,
        name: str,
        value_range: tuple[float, float] | None = None,
    ) -> None:
        """Raise unless `array` suits the model input `tensor`.

        What an embedding takes are ids, for which it must have rows; the range
        is that of other inputs.
        """
        count = count_of_ids(self, tensor)
        if count is None:
            check_array(array, tensor.shape[1:], name, value_range)
        else:
            check_classes(array, tensor.shape[1:], count, name)

    def check_targets(self, targets: Tensor, name: str) -> None:
        """Raise unless `targets` suit the loss."""

    def check_class_weight(
        self, class_weight: dict[int, float], targets: Tensor, name: str
    ) -> None:
        """Raise unless the targets, if they are known, are single classes."""
        raise ValueError(
            "`class_weight` must be None, for it weighs targets that are "
            f"classes, and a {type(self).__name__} has others. "
            f"Received: class_weight={class_weight}"
        )

    def check_inputs(self, x: Tensor, name: str) -> list[Tensor]:
        """Raise unless x holds the inputs of the model; gives them in order."""
        arrays = self.inputs_in_order(x, name)
        for place, (array, tensor) in enumerate(zip(arrays, self.inputs)):
            part = name
            if len(arrays) > 1:
                part = f"{name}[{place}]"
                if has_own_name(tensor):
                    part = f"{name} ({tensor.name})"
            self.check_input(array, tensor, part)
        return arrays

    def check_batch(
        self,
        x: Tensor,
        y: Tensor = None,
        sample_weight: Tensor = None,
        name: str = "x",
    ) -> None:
        """Raise unless these arrays are inputs and targets of the model."""
        arrays = self.check_inputs(x, name)
        if y is not None:
            self.check_targets(y, "y" if name == "x" else f"{name} (targets)")
            arrays = [*arrays, y]
        if sample_weight is not None:
            if y is None:
                raise ValueError(
                    "`sample_weight` must come with targets, without which "
                    "Keras drops it: fit(x, x, sample_weight=...). "
                    "Received: sample_weight with y=None"
                )
            check_array(sample_weight, (), "sample_weight", (0, float("inf")))
            arrays = [*arrays, sample_weight]
        check_same_length(arrays, name)

    def _check_data(self, arguments, streams):
        """Check and standardise x, y and weights where they stand.

        Returns:
            What checks them once more and whole, `None` if they were.
        """
        x = arguments.get("x")
        if x is None:
            raise ValueError("`x` must be data. Received: x=None")
        class_weight = arguments.get("class_weight")
        if class_weight is not None:
            self.check_class_weight(class_weight, None, "y")
        check = functools.partial(
            self._checked_batch, class_weight=class_weight
        )
        if is_stream(x):
            arguments["x"] = streams.checked(x, check, self.standard_batch, "x")
            return reader_of(x, check, "x")
        keys = ("x", "y", "sample_weight")
        batch = check(tuple(arguments.get(key) for key in keys), "x")
        arguments.update(zip(keys, batch))
        return reader_of_maps(batch, check, "x")

    def _check_validation_data(self, arguments, streams):
        """`_check_data` of the validation data, which have no class weights."""
        data, name = arguments["validation_data"], "validation_data"
        check = self._checked_batch
        if is_stream(data):
            standard = self.standard_batch
            arguments[name] = streams.checked(data, check, standard, name)
            return reader_of(data, check, name)
        is_list = isinstance(data, list) and holds_numbers(data)
        arguments[name] = check((data,) if is_list else data, name)
        return reader_of_maps(arguments[name], check, name)

    def _checked_batch(self, batch, name, class_weight=None):
        """`(x,)`, `(x, y)` or `(x, y, weights)` in the standard form."""
        batch = self.standard_batch(batch, name)
        x, y, weights = three_parts(batch)
        self.check_batch(x, y, weights, name)
        if class_weight is not None:
            self.check_class_weight(class_weight, y, "y")
        return batch

    def _checked_inputs(self, x, name):
        x = self.standard_inputs(x, name)
        check_same_length(self.check_inputs(x, name), name)
        return x

    def _checked_inputs_of_batch(self, batch, name):
        x, *rest = keras.utils.unpack_x_y_sample_weight(batch)
        x = self._checked_inputs(x, name)
        return (x, *(part for part in rest if part is not None))

    def _make_function(self, step_function, *args, **kwargs):
        if can_loop(self) and not (args or kwargs):  # those of predictions
            return looped(step_function, self)
        return super()._make_function(step_function, *args, **kwargs)
