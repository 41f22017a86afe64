"""The files of a run folder, as far as they are known without Keras."""

import os
import pathlib

CONFIG = "config.json"
MODEL = "model.keras"
LAST = "last.keras"  # the state to go on from, where MODEL is the best one
HISTORY = "history.csv"


def check_unused(folder: str | os.PathLike) -> None:
    """Raise if a folder holds a run that trained an epoch.

    Raises:
        ValueError: If so; says what to do.
    """
    folder = pathlib.Path(folder)
    has_state = any((folder / name).exists() for name in (MODEL, LAST))
    if has_state or _epochs(folder / HISTORY) > 1:
        raise ValueError(
            f"{folder} holds a run already: go on with it (resume=True, "
            "--resume), train anew in its place (overwrite=True, --overwrite) "
            "or choose another folder. Nothing was changed"
        )


def _epochs(history):
    """Lines of a history below its header."""
    if not history.is_file():
        return 0
    return len(history.read_bytes().splitlines()) - 1
