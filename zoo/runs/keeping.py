"""What a run keeps of each epoch, and when it has gone on for too long."""

import time
import warnings
from collections.abc import Sequence

import keras

from zoo.runs.folder import FIRST
from zoo.runs.folder import SECONDS
from zoo.runs.folder import RunFolder
from zoo.runs.histories import CHOICE
from zoo.runs.histories import best_epoch

LONG = 10  # epochs for which a loss must rise before a word is said
SHARE = 0.1  # of what it fell before
FEW = 50  # examples whose loss is too rough to say a word of


class SaveState(keras.callbacks.Callback):
    """Saves the state and the seconds trained after each epoch; it comes last.

    Args:
        folder: Where they are written.
        keeps_best: Whether `model.keras` is kept for the best epoch.
        seconds: Those of the epochs before.
        first: The epoch, from 0, from which on losses can be compared.
    """

    def __init__(
        self,
        folder: RunFolder,
        keeps_best: bool,
        seconds: float | None = 0.0,
        first: int = 0,
    ):
        super().__init__()
        self.folder = folder
        self.seconds = seconds
        self.first = first
        self.path = folder.last if keeps_best else folder.model
        self.saved = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.folder.save(self.model, self.path)
        self.saved = True
        figures: dict[str, float] = {FIRST: self.first}
        if self.seconds is not None:
            seconds = self.seconds + time.monotonic() - self._began
            figures[SECONDS] = round(seconds, 1)
        self.folder.write_summary(figures)


class KeepBest(keras.callbacks.Callback):
    """Saves the epoch with the lowest held-out loss; stops where none comes.

    While a schedule changes the loss, each epoch takes the place of the one
    before.

    Args:
        folder: Where `model.keras` is written.
        losses: Held-out losses of the epochs before.
        patience: Epochs without a better one after which training stops; 0:
            it never does.
        first: The epoch, from 0, from which on losses can be compared.
    """

    def __init__(
        self,
        folder: RunFolder,
        losses: Sequence[float],
        patience: int,
        first: int = 0,
    ):
        super().__init__()
        self.folder = folder
        self.losses = list(losses)
        self.patience = patience
        self.first = first

    @property
    def is_over(self) -> bool:
        """Whether the best epoch lies too far back."""
        waited = _epochs_since_best(self.losses, self.first)
        return 0 < self.patience <= waited

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.losses.append(logs[CHOICE])
        if not _epochs_since_best(self.losses, self.first):
            self.folder.save(self.model, self.folder.model)
        if self.is_over:
            self.model.stop_training = True


class WarnOfRise(keras.callbacks.Callback):
    """Warns once where the loss on test examples has risen for long.

    That is: its lowest value lies ten epochs back, and it has risen by a tenth
    of what it fell before. The loss of fewer than 50 examples is not judged.

    Args:
        losses: Those of the epochs before.
        examples: How many are tested on; `None` where that is not known.
        first: The epoch, from 0, from which on losses can be compared.
    """

    is_over = False

    def __init__(
        self,
        losses: Sequence[float],
        examples: int | None = None,
        first: int = 0,
    ):
        super().__init__()
        self.losses = list(losses)
        self.first = first
        is_rough = examples is not None and examples < FEW
        self.has_warned = is_rough or has_risen(self.losses[first:])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        loss = (logs or {}).get(CHOICE)
        if loss is None or self.has_warned:
            return
        self.losses.append(loss)
        if has_risen(self.losses[self.first :]):
            self.has_warned = True
            best = best_epoch(self.losses, self.first)
            warnings.warn(
                f"The loss on test examples rises since epoch {best + 1}: from "
                f"{self.losses[best]:.4g} to {self.losses[-1]:.4g}. "
                f"`--patience {LONG}` (patience={LONG}) stops there and keeps "
                "the best epoch",
                stacklevel=2,
            )


def has_risen(losses: Sequence[float]) -> bool:
    """Whether a held-out loss has risen for long."""
    if _epochs_since_best(losses) < LONG:
        return False
    lowest = losses[best_epoch(losses)]
    return losses[-1] - lowest > SHARE * (losses[0] - lowest)


def _epochs_since_best(losses, first=0):
    return len(losses) - 1 - best_epoch(losses, first) if losses else 0
