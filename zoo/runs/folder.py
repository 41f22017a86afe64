"""A run folder: settings, history and state of a training."""

import csv
import dataclasses
import json
import os
import pathlib
from contextlib import AbstractContextManager
from typing import Any

import keras

from zoo.export import load_model
from zoo.runs import files
from zoo.settings import OPTIONS
from zoo.settings import Settings

CONFIG = "config.json"
MODEL = "model.keras"
HISTORY = "history.csv"
SAVED_MODEL = "saved_model"


class RunFolder:
    """The files of a run, each written in one step.

    Args:
        path: where they lie; made when a run claims it.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self.config = self.path / CONFIG
        self.model = self.path / MODEL
        self.history = self.path / HISTORY
        self.saved_model = self.path / SAVED_MODEL

    def claimed(self) -> AbstractContextManager[None]:
        """Keeps other runs out; see `files.claimed`."""
        return files.claimed(self.path)

    def check_unused(self) -> None:
        """Raise if the folder holds a run."""
        if self.config.exists() or self.model.exists():
            raise ValueError(
                f"{self.path} holds a run already: go on with it (resume=True, "
                "--resume) or choose another folder. Nothing was changed"
            )

    def settings(self) -> Settings:
        """The settings of the run.

        Those that its version did not know have their defaults.

        Raises:
            ValueError: where the file is damaged.
        """
        try:
            found = json.loads(self.config.read_text(encoding="utf-8"))
            if not isinstance(found, dict):
                raise ValueError(
                    f"an object was expected, of type {type(found).__name__}"
                )
            unknown = sorted(set(found) - set(OPTIONS))
            if unknown:
                raise ValueError(f"settings of another version: {unknown}")
            return Settings(**found)
        except (ValueError, TypeError, RecursionError) as error:
            raise self._damaged(self.config, error) from error

    def begin(self, settings: Settings, model: keras.Model) -> None:
        """Write the settings and the untrained model."""
        self._write(settings)
        self.save(model)

    def go_on(self, settings: Settings, epochs: int) -> None:
        """Write the settings, and drop what follows the epochs trained.

        The line of an epoch may stand there that was killed before its state
        was saved.

        Raises:
            ValueError: where the history is damaged.
        """
        if self.history.exists():
            rows = self._rows()
            if len(rows) > epochs + 1:
                kept = rows[: epochs + 1] if epochs else []
                files.replace(
                    self.history, lambda path: _write_rows(path, kept)
                )
        self._write(settings)

    def epochs(self) -> int:
        """The epochs that the history tells of."""
        return max(0, len(self._rows()) - 1)

    def logger(self) -> keras.callbacks.Callback:
        """A callback that adds a line to the history after each epoch."""
        return keras.callbacks.CSVLogger(self.history, append=True)

    def save(self, model: keras.Model) -> None:
        """Write the whole state of a model."""
        files.replace(self.model, model.save)

    def reopen(self, settings: Settings) -> keras.Model:
        """The model of a run of these settings.

        Raises:
            ValueError: where there is none, it was begun with other settings,
                or its files are damaged.
        """
        for path in (self.config, self.model):
            if not path.is_file():
                raise ValueError(
                    f"There is no run to resume in {self.path}: {path.name} is "
                    "missing"
                )
        different = settings.differences(self.settings())
        if different:
            raise ValueError(
                f"The run in {self.path} was started otherwise; it cannot go "
                "on with " + ", ".join(different)
            )
        model = load_model(self.model)
        if not model.compiled:
            raise self._damaged(self.model, "it is not compiled")
        return model

    def clear(self) -> None:
        """Take away a run that failed before it had trained an epoch."""
        for path in (self.config, self.model, self.history):
            path.unlink(missing_ok=True)

    def _write(self, settings):
        values = dataclasses.asdict(settings)
        text = json.dumps(values, indent=2, ensure_ascii=False)
        files.replace_text(self.config, text + "\n")

    def _rows(self):
        try:
            with open(self.history, newline="", encoding="utf-8") as file:
                rows = list(csv.reader(file))
            if rows and rows[0][:1] != ["epoch"]:
                raise ValueError("its first column must be 'epoch'")
        except (ValueError, csv.Error) as error:
            raise self._damaged(self.history, error) from error
        return rows

    def _damaged(self, path, error):
        return ValueError(
            f"{path} is damaged ({error}). Restore it or start a new run in "
            "another folder. Nothing was changed"
        )


def _write_rows(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def class_names_of(path: str | os.PathLike) -> list[str] | None:
    """Names of the classes that a run was trained on, in order of the labels.

    Args:
        path: a run folder, or a file in one.

    Returns:
        List of strings, `None` where the classes have numbers alone or the
        path is of no run.

    Raises:
        ValueError: where `config.json` is damaged.
    """
    path = pathlib.Path(path)
    folder = path.parent if path.is_file() else path
    return config_of(folder).get("class_names")


def config_of(path: str | os.PathLike) -> dict[str, Any]:
    """The settings of a run folder as a dict, `{}` for another path.

    Raises:
        ValueError: where `config.json` is damaged.
    """
    folder = RunFolder(path)
    return (
        dataclasses.asdict(folder.settings()) if folder.config.is_file() else {}
    )
