"""How far a training is: one bar on a terminal, elsewhere a few lines."""

import shutil
import sys
import time
from collections.abc import Mapping
from types import TracebackType

import click
import keras
from tqdm import tqdm

LINES = 10  # of the whole, where there is no terminal
WIDEST = 20  # characters of the bar, fewer where the words need them
AROUND = len("100 % || ")


class Progress:
    """The progress of one training, or of several that belong together.

    On a terminal it is one bar on stderr; elsewhere about ten lines on stdout.
    Both name the epoch, its losses and the time left.

    Args:
        epochs: Epochs of all trainings together.
        hidden: Whether nothing is shown. Defaults to `False`.

    Attributes:
        name: What is trained now, shown before its epochs.
        done: Epochs done.

    Example:

    >>> with Progress(epochs=2 * 3) as progress:
    ...     for name in ("first", "second"):
    ...         progress.name = name
    ...         told = [progress.callback()]
    ...         model.fit(x, epochs=3, verbose=0, callbacks=told)
    """

    def __init__(self, epochs: int, hidden: bool = False):
        self.epochs = epochs
        self.hidden = hidden
        self.name = ""
        self.done = 0
        self._figures = ""
        self._began = self._began_at = None
        self._knows_an_epoch = False
        self._bar = None

    def __enter__(self) -> "Progress":
        if sys.stderr.isatty() and not self.hidden:
            # tqdm shows nothing on a terminal that tells no size.
            columns, lines = shutil.get_terminal_size()
            self._bar = tqdm(
                total=self.epochs,
                bar_format=_bar(WIDEST),
                desc="getting ready",
                miniters=0,
                ncols=columns,
                nrows=lines,
                file=sys.stderr,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def callback(self, held_out: str = "held out") -> keras.callbacks.Callback:
        """A callback that tells of one `fit`, whose own bar `verbose=0` hides.

        `zoo.runs.train(progress=…)` makes one itself.

        Args:
            held_out: What the loss on validation data is called. Defaults to
                `"held out"`.
        """
        return _OfOneFit(self, {"loss": "loss", "val_loss": held_out})

    def skip(self, epochs: int) -> None:
        """Count epochs that were done before."""
        self.done += epochs
        self._move(self.done)

    def say(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        if self._bar is not None:
            tqdm.write(text, file=sys.stdout)
        elif not self.hidden:
            click.echo(text)

    def step(self, share: float, epoch: str) -> None:
        """Tell that a share of the epoch under way is done."""
        if self._began is None:
            self._time_from(self.done + share)
        self._move(self.done + share, epoch)

    def end_epoch(self, epoch: str, figures: Mapping[str, float]) -> None:
        """Tell that an epoch is done, with its figures by their names."""
        lines_before = self.done * LINES // self.epochs
        self.done += 1
        self._figures = "  ".join(
            f"{name} {value:.4g}" for name, value in figures.items()
        )
        self._move(self.done, epoch)
        lines = self.done * LINES // self.epochs
        if self._bar is None and lines > lines_before:
            self.say(self._told(self.done, epoch))
        if not self._knows_an_epoch:
            # The next step's end begins anew: validation was compiled within
            # this epoch, and the steps perhaps are within the next.
            self._knows_an_epoch = True
            self._began = None

    def _time_from(self, place):
        self._began, self._began_at = time.monotonic(), place

    def _move(self, place, epoch=""):
        if self._bar is not None:
            words = self._told(place, epoch)
            room = self._bar.ncols - AROUND - len(words)
            self._bar.bar_format = _bar(max(1, min(WIDEST, room)))
            self._bar.set_description_str(words, False)
            self._bar.update(place - self._bar.n)

    def _told(self, place, epoch):
        parts = [self.name, epoch, self._figures, self._time_left(place)]
        return "  ".join(part for part in parts if part)

    def _time_left(self, place):
        if self._began is None or not self._began_at < place < self.epochs:
            return ""
        seconds = time.monotonic() - self._began
        rate = (place - self._began_at) / seconds if seconds else float("inf")
        return f"{as_time((self.epochs - place) / rate)} left"


def _bar(width):
    """The form of a bar of so many characters, as tqdm takes it."""
    return f"{{percentage:3.0f}} % |{{bar:{width}}}| {{desc}}"


class _OfOneFit(keras.callbacks.Callback):
    def __init__(self, progress, shown):
        super().__init__()
        self._progress = progress
        self._shown = shown

    def on_epoch_begin(self, epoch, logs=None):
        self._told = f"epoch {epoch + 1} of {self.params['epochs']}"

    def on_train_batch_end(self, batch, logs=None):
        steps = self.params["steps"]
        share = min(1.0, (batch + 1) / steps) if steps else 0.0
        self._progress.step(share, self._told)

    def on_epoch_end(self, epoch, logs=None):
        figures = {
            word: logs[key]
            for key, word in self._shown.items()
            if key in (logs or {})
        }
        self._progress.end_epoch(self._told, figures)


def as_time(seconds: float) -> str:
    """Minutes and seconds, with hours if there are any.

    Example:

    >>> as_time(62.4), as_time(3725)
    ('1:02', '1:02:05')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}"
