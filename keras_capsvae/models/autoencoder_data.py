import warnings
from typing import Any

import keras
import numpy as np

from keras_capsvae.losses import CategoricalReconstruction
from keras_capsvae.models.own_loss import OwnLossModel
from keras_capsvae.private_keras import entries_of
from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.forms import holds_numbers
from keras_capsvae.validation.forms import holds_texts
from keras_capsvae.validation.forms import in_numpy
from keras_capsvae.validation.inputs import has_own_name
from keras_capsvae.validation.inputs import told
from keras_capsvae.validation.labels import check_classes
from keras_capsvae.validation.labels import check_no_numbers_of_classes
from keras_capsvae.validation.labels import check_one_hot
from keras_capsvae.validation.shapes import with_last_axis

ARE_NUMBERS = "conditions_are_numbers"


class AutoencoderData(OwnLossModel):
    """What data an autoencoder takes: x, its conditions, and targets.

    The range of a target is what the loss can score. That of x counts where it
    is the target too and a subclass sets `input_range`.
    """

    def check_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, name: str = "x"
    ) -> None:
        if y is not None:
            self._check_no_labels(y)
        super().check_batch(x, y, sample_weight, name)
        first, *conditions = self.inputs_in_order(x, name)
        for array in conditions:
            self.conditions.look_at(array)
        if y is None:
            self.check_targets(first, name)
        if self.input_range and (y is None or y is first):
            self._check_input_range(first, name)

    def check_input(
        self,
        array: Any,
        tensor: Any,
        name: str,
        value_range: tuple[float, float] | None = None,
    ) -> None:
        if self._is_label(tensor):
            check_one_hot(array, tensor.shape[-1], name)
            return
        if tensor is not self.inputs[0] and self.conditions.are_one_hot:
            check_no_numbers_of_classes(array, self.num_classes, name)
        super().check_input(array, tensor, name, value_range)

    def standard_targets(self, y: Any, name: str) -> Any:
        y = super().standard_targets(y, name)
        return None if y is None else with_last_axis(y, self.outputs[0].shape)

    def check_targets(self, targets: Any, name: str) -> None:
        expected = tuple(self.outputs[0].shape[1:])
        if self._has_classes and len(targets.shape) == len(expected):
            *positions, num_classes = expected
            check_classes(targets, positions, num_classes, name)
        else:
            check_array(targets, expected, name, self._range_of_targets)

    def conditions_given(
        self, n: int, label: Any, condition: Any
    ) -> list[Any] | None:
        """The conditions of n examples, checked; `None` if none is given."""
        given = self.conditions.given(n, label, condition)
        if condition is not None:
            for array, tensor in zip(given, self.inputs[1:]):
                name = tensor.name if has_own_name(tensor) else "condition"
                self.check_input(array, tensor, name)
        return given

    def arrays_of_model(self, x: Any) -> list[Any]:
        """x and its conditions, as the model takes them."""
        x = self.standard_inputs(x, "x")
        return self.inputs_in_order(x, "x")

    def arrays_of_encoder(self, x: Any) -> list[Any]:
        """The arrays that the encoder takes, checked.

        Args:
            x: What the encoder or what the whole model takes.
        """
        names = [tensor.name for tensor in self.encoder.inputs]
        x = self.standard_inputs(x, "x")
        if isinstance(x, dict):
            x = tuple(x[name] for name in names if name in x)
        arrays = list(x) if isinstance(x, tuple) else [x]
        if len(arrays) == len(self.inputs):
            given = self.conditions.for_encoder(arrays[1:])
            arrays = [arrays[0], *given]
        if len(arrays) != len(names):
            raise ValueError(
                f"`x` must hold the {len(names)} arrays of the encoder, "
                f"{told(self.encoder.inputs)}, or the {len(self.inputs)} of "
                "the model. "
                f"Received: {len(arrays)}"
            )
        of_model = [
            self.inputs[0],
            *self.conditions.for_encoder(self.inputs[1:]),
        ]
        arrays = [
            with_last_axis(array, tensor.shape)
            for array, tensor in zip(arrays, of_model)
        ]
        for array, tensor in zip(arrays, of_model):
            is_named = tensor is not self.inputs[0] and has_own_name(tensor)
            self.check_input(array, tensor, tensor.name if is_named else "x")
        return arrays

    def arrays_beside_weights(self) -> dict[str, np.ndarray]:
        """What files hold beside the weights, by name."""
        if not self.conditions.inputs:
            return {}
        return {ARE_NUMBERS: np.array(self.conditions.are_numbers)}

    def take_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        """Take what `arrays_beside_weights` gave; a file may lack any."""
        if ARE_NUMBERS in arrays:
            self.conditions.are_numbers = bool(arrays[ARE_NUMBERS])

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        for name, array in self.arrays_beside_weights().items():
            store[name] = array

    def load_own_variables(self, store: Any) -> None:
        weights = entries_of(store)
        names = [name for name in weights if not name.isdigit()]
        arrays = {name: np.asarray(weights.pop(name)) for name in names}
        super().load_own_variables(weights)
        self.take_arrays(arrays)

    def _check_no_labels(self, y):
        first = self.outputs[0].shape[1]  # None or 1 takes a column
        is_column = tuple(y.shape)[1:] == (1,) and first not in (None, 1)
        if holds_texts(y) or len(y.shape) == 1 or is_column:
            given = "x"
            if self.inputs[1:]:
                given = f"[x, {told(self.inputs[1:])}]"
            raise ValueError(
                f"`y` must be left out, fit({given}), or be what x is to "
                "become: a VAE takes no labels as targets. "
                f"Received: y of shape {tuple(y.shape)}, dtype {y.dtype}"
            )

    def _is_label(self, tensor):
        """Whether an input is the class that the prior depends on."""
        of_prior = self.conditions.for_prior(self.inputs[1:])
        return tensor is of_prior and self.latent.num_classes is not None

    @property
    def _has_classes(self):
        """Whether outputs are classes of what comes in as integers."""
        sparse = keras.losses.SparseCategoricalCrossentropy
        if isinstance(self.loss, (CategoricalReconstruction, sparse)):
            return True
        function = keras.losses.sparse_categorical_crossentropy
        return self.loss in (function, function.__name__)

    @property
    def _range_of_targets(self):
        return getattr(self.loss, "target_range", None)

    def _check_input_range(self, x, name):
        """Where x is the target too, and not every number can be scored.

        A loss may score any number, of which a sigmoid gives few.
        """
        shape = self.inputs[0].shape[1:]
        if self._range_of_targets not in (None, self.input_range):
            check_array(x, shape, name, self.input_range)
        elif self.reconstruction.last_activation == "sigmoid":
            try:
                check_array(x, shape, name, (0.0, 1.0))
            except ValueError as error:
                warnings.warn(
                    f"{error}: the decoder ends in a sigmoid and never gives "
                    "them back.",
                    stacklevel=2,
                )


def batch_of_one(example: Any) -> Any:
    """A single example, alone or with conditions, with a batch axis."""
    if isinstance(example, dict):
        return {key: _one(part) for key, part in example.items()}
    if isinstance(example, (list, tuple)) and not holds_numbers(example):
        return [_one(part) for part in example]
    return _one(example)


def _one(array):
    """With a batch axis; a row of a data frame stays one, with its names."""
    if hasattr(array, "to_frame"):
        return array.to_frame().T
    return in_numpy(array)[None]
