"""Where the commands write what they made."""

import pathlib
from collections.abc import Callable


def check_free(
    out: pathlib.Path, suffixes: tuple[str, ...], overwrite: bool
) -> None:
    """Raise unless a file can be written there.

    Raises:
        ValueError: where it has another suffix.
        FileExistsError: where something is there that must not be replaced.
    """
    if out.suffix.lower() not in suffixes:
        raise ValueError(
            f"--out must end in {' or '.join(suffixes)}. Received: {out}"
        )
    if out.is_dir():
        raise FileExistsError(f"{out} is a folder")
    if out.exists() and not overwrite:
        raise FileExistsError(f"{out} exists already: --overwrite replaces it")


def write(
    out: pathlib.Path, write_to: Callable[[pathlib.Path], object]
) -> None:
    """Write a file in one step; the folders that it lacks are made."""
    from zoo.runs import files

    out.parent.mkdir(parents=True, exist_ok=True)
    files.replace(out, write_to)
