"""The settings of a run in `config.json`."""

import dataclasses
import json
import pathlib
import re

import keras_capsvae
from zoo.runs import files
from zoo.settings import OPTIONS
from zoo.settings import Settings


def read(path: pathlib.Path) -> Settings:
    """The settings in a file; those that its version lacked are as usual.

    Raises:
        ValueError: If the file is damaged, or of a newer version.
    """
    found = {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(
                f"an object was expected, of type {type(found).__name__}"
            )
        unknown = sorted(set(found) - set(OPTIONS))
        if unknown:
            raise ValueError(f"settings of another version: {unknown}")
        return Settings(**found)
    except (ValueError, TypeError, RecursionError) as error:
        if _is_newer(found):
            raise ValueError(
                f"{path} was written by version {found['version']} "
                f"of keras-capsvae; this is {keras_capsvae.__version__}: "
                f"update it ({error}). Nothing was changed"
            ) from error
        raise damaged(path, error) from error


def write(path: pathlib.Path, settings: Settings) -> None:
    """Write settings in one step."""
    values = dataclasses.asdict(settings)
    text = json.dumps(values, indent=2, ensure_ascii=False)
    files.replace_text(path, text + "\n")


def damaged(path: pathlib.Path, error: object) -> ValueError:
    """The error about a file of a run that cannot be read."""
    return ValueError(
        f"{path} is damaged ({error}). Restore it or start a new run in "
        "another folder. Nothing was changed"
    )


def _is_newer(found):
    """Whether settings were written by a version after this one."""
    written = str(found.get("version")) if isinstance(found, dict) else ""
    return _numbers(written) > _numbers(keras_capsvae.__version__)


def _numbers(version):
    return [int(part) for part in re.findall(r"\d+", version)]
