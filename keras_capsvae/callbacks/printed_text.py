from collections.abc import Callable
from typing import Any

import keras

from keras_capsvae.typing import Config
from keras_capsvae.validation.numbers import check_integer


class PrintedText(keras.callbacks.Callback):
    """Prints a text that the model generates after each epoch.

    The text of an epoch depends on its number and the weights alone.

    Args:
        every: Print after each so many epochs. Defaults to 1.
        temperature: See `PoemAutoencoder.generate`. Defaults to 0.
        write: Function that takes the line. Defaults to `print`.

    Raises:
        ValueError: If `every` is below 1.

    Example:

    >>> model.fit(ids, epochs=100, callbacks=[PrintedText(every=10)])

    Source: kexue.fm 5332.
    """

    def __init__(
        self,
        every: int = 1,
        temperature: float = 0.0,
        write: Callable[[str], Any] = print,
    ):
        super().__init__()
        self.every = check_integer("every", every)
        self.temperature = temperature
        self.write = write

    def on_epoch_end(self, epoch: int, logs: Config | None = None) -> None:
        done = epoch + 1
        if done % self.every == 0:
            (text,) = self.model.generate(
                1, seed=done, temperature=self.temperature
            )
            self.write(f"\n{done}: {text}")
