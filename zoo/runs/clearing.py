"""Taking away what a run wrote, and nothing that lies beside it."""

import contextlib
import pathlib
from collections.abc import Iterable

# Of a SavedModel, and of pictures drawn on the way.
PATTERNS = (
    "saved_model/*.pb",
    "saved_model/assets/*",
    "saved_model/assets.extra/*",
    "saved_model/variables/variables.*",
    "pictures/epochs/epoch_*.png",
)


def clear(folder: pathlib.Path, own: Iterable[pathlib.Path]) -> None:
    """Remove these files of a run, its SavedModel and pictures on the way.

    Folders within that are empty then go too.
    """
    files = [path for path in own if path.is_file()]
    for pattern in PATTERNS:
        files += folder.glob(pattern)
    for path in files:
        path.unlink(missing_ok=True)
    parents = {path.parent for path in files} | {folder / "saved_model"}
    for parent in sorted(parents - {folder}, reverse=True):
        with contextlib.suppress(OSError):  # it holds something, or is gone
            parent.rmdir()
    with contextlib.suppress(OSError):
        (folder / "pictures").rmdir()
