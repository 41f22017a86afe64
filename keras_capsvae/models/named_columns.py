"""An autoencoder of rows that knows the names of their columns."""

import json
from typing import Any

import numpy as np

from keras_capsvae.models.variational_autoencoder import VariationalAutoencoder
from keras_capsvae.validation.frames import column_names
from keras_capsvae.validation.frames import in_order

NAMES = "column_names"


class NamedColumns(VariationalAutoencoder):
    """A VAE that takes data frames by the names of their columns.

    Attributes:
        column_names: Those of the first frame that it learned from, which
            files keep; `None`, which it may be set to: all frames are read by
            position, as arrays are.
    """

    column_names: tuple[str, ...] | None = None

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        inputs = self._first_in_order(inputs, "inputs")
        return super().__call__(inputs, *args, **kwargs)

    def learn_names(self, x: Any) -> None:
        """Keep the names of the columns if x has any and none are known."""
        if self.column_names is None:
            self.column_names = column_names(self.first_input(x))

    def standard_inputs(self, x: Any, name: str) -> Any:
        if isinstance(x, dict):
            rows = self.inputs[0].name
            x = {
                key: self._in_order(part, name) if key == rows else part
                for key, part in x.items()
            }
        return super().standard_inputs(self._first_in_order(x, name), name)

    def standard_targets(self, y: Any, name: str) -> Any:
        if isinstance(y, dict):
            y = {key: self._in_order(part, name) for key, part in y.items()}
        return super().standard_targets(self._first_in_order(y, name), name)

    def _first_in_order(self, data, name):
        """Rows, or a list that begins with them."""
        if not isinstance(data, (list, tuple)) or not len(data):
            return self._in_order(data, name)
        first = self._in_order(data[0], name)
        return data if first is data[0] else [first, *data[1:]]

    def _in_order(self, rows, name):
        if self.column_names is None:
            return rows
        return in_order(rows, self.column_names, name)

    def arrays_beside_weights(self) -> dict[str, np.ndarray]:
        arrays = super().arrays_beside_weights()
        if self.column_names is not None:
            text = json.dumps(self.column_names)
            arrays[NAMES] = np.frombuffer(text.encode(), "uint8")
        return arrays

    def take_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        super().take_arrays(arrays)
        self.column_names = None
        if NAMES in arrays:
            text = arrays[NAMES].astype("uint8").tobytes().decode()
            self.column_names = tuple(json.loads(text))
