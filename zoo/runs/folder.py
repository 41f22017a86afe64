"""A run folder: settings, history and state of a training."""

import contextlib
import csv
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import keras

from zoo.export import load_model
from zoo.run_files import CONFIG
from zoo.run_files import HISTORY
from zoo.run_files import LAST
from zoo.run_files import MODEL
from zoo.runs import clearing
from zoo.runs import config_file
from zoo.runs import files
from zoo.runs import histories
from zoo.settings import Settings

PRIOR = "prior.keras"  # the state of a prior over codes
SUMMARY = "summary.json"
SAVED_MODEL = "saved_model"
PICTURES = "pictures"
EPOCH_PICTURES = "epochs"
# In SUMMARY, from the end of the first epoch on:
SECONDS = "seconds_trained"
FIRST = "epochs_of_another_loss"  # that a schedule changed; the first ones


class RunFolder:
    """The files of a run, each written in one step.

    Args:
        path: Where they lie; made when a run claims it.

    Raises:
        ValueError: If the path is empty.
    """

    def __init__(self, path: str | os.PathLike):
        if not os.fspath(path):
            raise ValueError(
                "`out` must be the path of a folder. Received: an empty string"
            )
        self.path = pathlib.Path(path)
        self.config = self.path / CONFIG
        self.model = self.path / MODEL
        self.last = self.path / LAST
        self.prior = self.path / PRIOR
        self.history = self.path / HISTORY
        self.summary = self.path / SUMMARY
        self.saved_model = self.path / SAVED_MODEL
        self.pictures = self.path / PICTURES
        self.epoch_pictures = self.pictures / EPOCH_PICTURES
        self._states = (self.model, self.last)
        records = (self.config, self.history, self.summary)
        self._files = (*records, self.prior, *self._states)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other runs out; see `files.claimed`.

        What a process left that was killed while it wrote is taken away.
        """
        with files.claimed(self.path):
            for path in self._files:
                files.temporary(path).unlink(missing_ok=True)
            yield

    def settings(self) -> Settings:
        """The settings of the run.

        Those that its version did not know have their defaults.

        Raises:
            ValueError: If the file is damaged, or of a newer version.
        """
        return config_file.read(self.config)

    def state(self, settings: Settings) -> pathlib.Path:
        """The file that a run of these settings goes on from."""
        return self.last if settings.keeps_best else self.model

    def begin(self, settings: Settings) -> None:
        """Write the settings of a new run, and take away what was before."""
        self.clear()
        config_file.write(self.config, settings)

    def go_on(self, settings: Settings, epochs: int) -> None:
        """Write the settings, and drop what follows the epochs trained.

        The line of an epoch may stand there that was killed before its state
        was saved, or without its end.

        Raises:
            ValueError: If the history is damaged.
        """
        rows = self._rows()
        if rows:
            kept = rows[: epochs + 1] if epochs else []
            files.replace(self.history, lambda path: _write_rows(path, kept))
        self.write_summary(
            {
                FIRST: self.first_comparable(),
                SECONDS: self.seconds() if epochs else 0.0,
            }
        )
        config_file.write(self.config, settings)

    def epochs(self) -> int:
        """The epochs that the history tells of."""
        return max(0, len(self._rows()) - 1)

    def figures(self) -> list[dict[str, float]]:
        """The figures of each epoch.

        Raises:
            ValueError: If the history is damaged.
        """
        return histories.epoch_figures(self._rows())

    def logger(self) -> keras.callbacks.Callback:
        """A callback that adds a line to the history after each epoch."""
        return keras.callbacks.CSVLogger(self.history, append=True)

    def save(self, model: keras.Model, path: pathlib.Path) -> None:
        """Write the whole state of a model to `model` or `last`."""
        files.replace(path, model.save)

    def read_summary(self) -> dict[str, Any]:
        """What came out of a finished run."""
        return json.loads(self.summary.read_text(encoding="utf-8"))

    def seconds(self) -> float | None:
        """Seconds that the epochs took, `None` where that is not known."""
        try:
            return self.read_summary()[SECONDS]
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def first_comparable(self) -> int:
        """The epoch, from 0, from which on losses are of the same kind."""
        try:
            return int(self.read_summary()[FIRST])
        except (OSError, ValueError, TypeError, KeyError):
            return 0

    def write_summary(self, figures: dict[str, Any]) -> None:
        """Write what came out."""
        text = json.dumps(figures, indent=2, ensure_ascii=False)
        files.replace_text(self.summary, text + "\n")

    def begun(self) -> Settings:
        """The settings of the run to go on with.

        Raises:
            ValueError: If there is none, or its state is missing.
        """
        if not self.config.is_file():
            raise self._nothing_to_resume(self.config)
        settings = self.settings()
        state = self.state(settings)
        if self.epochs() > 1 and not state.is_file():
            raise self._nothing_to_resume(state)
        return settings

    def reopen(self, path: pathlib.Path, built: keras.Model) -> keras.Model:
        """The model of a state, which must be the net that was built.

        Raises:
            ValueError: If the file is damaged or of another net.
        """
        model = load_model(path)
        if not model.compiled:
            raise config_file.damaged(path, "it is not compiled")
        found, expected = _net(model), _net(built)
        if found != expected:
            raise ValueError(
                f"{path} is not of the net that {CONFIG} tells of: "
                f"{_told(built)} was expected. Received: {_told(model)}. "
                "Nothing was changed"
            )
        return model

    def clear(self) -> None:
        """Take away what a run writes, and nothing else."""
        clearing.clear(self.path, [*self._files, *self._pictures()])

    def _pictures(self):
        """Those that the summary names: they depend on the model."""
        try:
            files = self.read_summary()["files"]
            paths = [self.path / name for name in files]
        except (OSError, ValueError, TypeError, KeyError):
            return []
        return [path for path in paths if path.parent == self.pictures]

    def _nothing_to_resume(self, missing):
        return ValueError(
            f"There is no run to resume in {self.path}: {missing.name} is "
            "missing"
        )

    def _rows(self):
        try:
            return histories.rows_of(self.history)
        except ValueError as error:
            raise config_file.damaged(self.history, error) from error


def _net(model):
    """What tells one net from another, whatever its weights are."""
    shapes = [tuple(weight.shape) for weight in model.weights]
    return type(model), shapes


def _told(model):
    return (
        f"a {type(model).__name__} of {model.count_params():,} parameters, "
        f"named {model.name}"
    )


def _write_rows(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def class_names_of(path: str | os.PathLike) -> list[str] | None:
    """Names of the classes that a run was trained on, in order of the labels.

    Args:
        path: A run folder, or a file in one.

    Returns:
        List of strings, `None` where the classes have numbers alone or the
        path is of no run.

    Raises:
        ValueError: If `config.json` is damaged.
    """
    path = pathlib.Path(path)
    folder = path.parent if path.is_file() else path
    return config_of(folder).get("class_names")


def config_of(path: str | os.PathLike) -> dict[str, Any]:
    """The settings of a run folder as a dict, `{}` for another path.

    Raises:
        ValueError: If `config.json` is damaged.
    """
    folder = RunFolder(path)
    return (
        dataclasses.asdict(folder.settings()) if folder.config.is_file() else {}
    )
