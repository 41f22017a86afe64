import functools
import inspect
import itertools
import types

import keras

from keras_capsvae.models.composed_model import ComposedModel
from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.arrays import check_same_length


class CheckedModel(ComposedModel):
    """A functional model that refuses unusable data before it trains.

    `fit` and `evaluate` check arrays whole, and the first batch of a stream
    (`tf.data`, `PyDataset`, generator): number, shape, range and finiteness of
    inputs and targets. A `PyDataset` with a method `set_epoch(epoch)`, which
    fixes the order of that epoch's batches, is told of each epoch, so that a
    training resumed with `initial_epoch` sees what an uninterrupted one sees.
    Subclasses say what their inputs and targets must be in
    `check_input` and `check_targets`.
    """

    @functools.wraps(keras.Model.fit)
    def fit(self, *args, **kwargs):
        self.check_compiled()
        given = inspect.signature(super().fit).bind(*args, **kwargs)
        arguments = given.arguments
        self._check_variable_paths()
        self._check_training_data(arguments)
        self._follow_epochs(arguments)
        validation_data = arguments.get("validation_data")
        if validation_data is not None:
            arguments["validation_data"] = self._checked(
                validation_data, name="validation_data"
            )
        return super().fit(*given.args, **given.kwargs)

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, *args, **kwargs):
        self.check_compiled()
        if not kwargs.get("_use_cached_eval_dataset", False):
            given = inspect.signature(super().evaluate).bind(*args, **kwargs)
            self._check_training_data(given.arguments)
            args, kwargs = given.args, given.kwargs
        return super().evaluate(*args, **kwargs)

    def check_compiled(self):
        """Raise unless the model is compiled with what it can train on."""
        self._assert_compile_called()

    def check_input(self, array, tensor, name):
        """Raise unless `array` suits the model input `tensor`."""
        check_array(array, tensor.shape[1:], name)

    def check_targets(self, targets, name):
        """Raise unless `targets` suit the loss."""

    def check_batch(self, x, y=None, sample_weight=None, name="x"):
        """Raise unless these arrays are inputs and targets of the model."""
        arrays = self._inputs_in_order(x, name)
        for array, tensor in zip(arrays, self.inputs):
            part = name if len(arrays) == 1 else f"{name} ({tensor.name})"
            self.check_input(array, tensor, part)
        if y is not None:
            self.check_targets(y, "y" if name == "x" else f"{name} (targets)")
            arrays = [*arrays, *keras.tree.flatten(y)]
        if sample_weight is not None:
            if y is None:
                raise ValueError(
                    "`sample_weight` is dropped by Keras when there are no "
                    "targets: pass the targets too, fit(x, x, sample_weight="
                    "...). Received: sample_weight with y=None"
                )
            check_array(sample_weight, (), "sample_weight", (0, float("inf")))
            arrays = [*arrays, sample_weight]
        check_same_length(arrays, name)

    def _check_variable_paths(self):
        """Keras finds the variables of a PyTorch module by their paths.

        Of two with one path it would never reset the gradient of the first.
        """
        if keras.backend.backend() != "torch":
            return
        paths = [variable.path for variable in self.trainable_variables]
        shared = sorted({path for path in paths if paths.count(path) > 1})
        if shared:
            raise ValueError(
                "On PyTorch every layer of a model must have a name of its "
                "own, in encoder and decoder alike. Received: variables that "
                f"share the paths {shared}"
            )

    def _follow_epochs(self, arguments):
        """Tell a data set with `set_epoch` of each epoch and keep its order."""
        data = arguments.get("x")
        if hasattr(data, "set_epoch"):
            arguments["shuffle"] = False
            callbacks = keras.tree.flatten(arguments.get("callbacks") or [])
            arguments["callbacks"] = [_TellEpoch(data), *callbacks]

    def _check_training_data(self, arguments):
        data = [arguments.get(key) for key in ("x", "y", "sample_weight")]
        if data[0] is None:
            raise ValueError("Expected data to train on. Received: x=None")
        if arguments.get("class_weight") and data[1] is None:
            raise ValueError(
                "`class_weight` weighs targets that are classes. Received: "
                "class_weight with y=None"
            )
        arguments["x"] = self._checked(*data)

    def _checked(self, x, y=None, sample_weight=None, name="x"):
        """The data, after a check of it or of its first batch."""
        if isinstance(x, (list, tuple)) and x and isinstance(x[0], str):
            raise ValueError(
                f"`{name}` must hold numbers; a model of texts makes them, "
                f"model.encode_text(texts). Received: a list with {x[0]!r}"
            )
        if isinstance(x, types.GeneratorType):
            first = next(x, None)
            if first is None:
                raise ValueError(f"`{name}` is empty: a generator of nothing.")
            self._check_python_batch(first, name)
            return _chained(first, x)
        if isinstance(x, keras.utils.PyDataset):
            if x.num_batches == 0:
                raise ValueError(f"`{name}` is empty: a PyDataset of length 0.")
            self._check_python_batch(x[0], name)
        elif hasattr(x, "element_spec"):
            first = next(iter(x.take(1)), None)
            if first is None:
                raise ValueError(f"`{name}` is empty: a data set of nothing.")
            self.check_batch(*_unpacked(first), name=name)
        elif name == "validation_data":
            self.check_batch(*_unpacked(x), name=name)
        elif _holds_arrays(x):
            self.check_batch(x, y, sample_weight, name)
        return x

    def _check_python_batch(self, batch, name):
        inputs, *rest = _unpacked(batch)
        if isinstance(inputs, list):
            raise ValueError(
                f"Several inputs of a batch of `{name}` must be a tuple, "
                "((a, b),): TensorFlow takes no list. Received: a list of "
                f"{len(inputs)}"
            )
        self.check_batch(inputs, *rest, name=name)

    def _inputs_in_order(self, x, name):
        if isinstance(x, dict):
            missing = {tensor.name for tensor in self.inputs} - set(x)
            if missing:
                raise ValueError(
                    f"`{name}` must hold the inputs "
                    f"{[tensor.name for tensor in self.inputs]}. "
                    f"Received: keys {list(x)}"
                )
            return [x[tensor.name] for tensor in self.inputs]
        arrays = list(x) if isinstance(x, (list, tuple)) else [x]
        if len(arrays) != len(self.inputs):
            names = ", ".join(tensor.name for tensor in self.inputs)
            raise ValueError(
                f"`{name}` must hold {len(self.inputs)} input arrays: {names}. "
                f"Received: {len(arrays)}. Keras reads a pair (a, b) as inputs "
                "and targets: two inputs alone are ([a, b],) as "
                "`validation_data` and ((a, b),) as a batch of a stream"
            )
        return arrays


class _TellEpoch(keras.callbacks.Callback):
    def __init__(self, data):
        super().__init__()
        self.data = data

    def on_epoch_begin(self, epoch, logs=None):
        self.data.set_epoch(epoch)


def _unpacked(batch):
    return keras.utils.unpack_x_y_sample_weight(batch)


def _holds_arrays(x):
    return all(hasattr(leaf, "shape") for leaf in keras.tree.flatten(x))


def _chained(first, rest):
    yield from itertools.chain([first], rest)
