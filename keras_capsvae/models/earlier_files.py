"""Files of keras-capsvae 0.1, which hold the graph of a model for its parts."""

from typing import Any
from typing import NoReturn

import keras

from keras_capsvae.typing import Config


class EarlierFileError(ValueError):
    """A file that an earlier version wrote and this one does not read."""


def refuse_graph(name: str, config: Config) -> None:
    """Raise if the config of a model is that of its graph."""
    if "layers" in config and "input_layers" in config:
        refuse(name)


def refuse(name: str) -> NoReturn:
    """Say which version wrote a file.

    Raises:
        EarlierFileError: Always.
    """
    raise EarlierFileError(
        f"This {name} was saved by keras-capsvae 0.1, whose models this "
        "version does not read: load it with keras-capsvae 0.1"
    )


class _ImageAutoencoder(keras.layers.Layer):
    """A class of 0.1, by whose name Keras looks for it."""

    @classmethod
    def from_config(cls, config: Config) -> Any:
        refuse(cls.__name__)


for _name in ("ImageAutoencoder", "ImportanceWeightedImageAutoencoder"):
    keras.saving.register_keras_serializable("keras_capsvae", _name)(
        type(_name, (_ImageAutoencoder,), {})
    )
