"""Callbacks that a model adds to those that it is given."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_capsvae.typing import Config


def with_callbacks(
    arguments: Config, before: Sequence = (), after: Sequence = ()
) -> None:
    """Add callbacks to those among the arguments of `fit` or `evaluate`."""
    given = arguments.get("callbacks")
    if isinstance(given, keras.callbacks.CallbackList):
        given = given.callbacks
    arguments["callbacks"] = [*before, *keras.tree.flatten(given or []), *after]


def epoch_followers(arguments: Config) -> list[keras.callbacks.Callback]:
    """Those that tell a data set with `set_epoch`, whose order is then kept."""
    data = arguments.get("x")
    if not hasattr(data, "set_epoch"):
        return []
    arguments["shuffle"] = False
    return [_TellEpoch(data)]


class _TellEpoch(keras.callbacks.Callback):
    def __init__(self, data: Any) -> None:
        super().__init__()
        self.data = data

    def on_epoch_begin(self, epoch: int, logs: Config | None = None) -> None:
        self.data.set_epoch(epoch)
