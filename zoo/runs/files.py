"""Files of a folder that one process writes at a time, each in one step."""

import contextlib
import errno
import os
import pathlib
import warnings
from collections.abc import Callable
from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None

LOCK = ".lock"
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


@contextlib.contextmanager
def claimed(folder: pathlib.Path) -> Iterator[None]:
    """Hold a folder for this process, and make it if it is missing.

    The system lets go of the lock of a process that dies. Folders that were
    made here and are empty at the end disappear again. Where the system has no
    locks nothing is held; a file system without them is warned of.

    Raises:
        ValueError: If another run holds the folder.
        OSError: If it cannot be written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _locked(folder / LOCK):
            yield
    finally:
        for path in made:
            with contextlib.suppress(OSError):  # it holds something
                path.rmdir()


@contextlib.contextmanager
def _locked(path):
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor, path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _lock(descriptor, path):
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_held = not _is_open(descriptor, path)
    except BlockingIOError:
        is_held = True
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        warnings.warn(
            f"The file system of {path.parent} has no locks: see to it that "
            "no other run writes there",
            stacklevel=2,
        )
        return
    if is_held:
        raise ValueError(
            f"Another run is at work in {path.parent}: choose another folder "
            "or wait for its end. Nothing was changed"
        )


def _is_open(descriptor, path):
    """Whether the file is still there: a run that ends takes it away."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def temporary(path: pathlib.Path) -> pathlib.Path:
    """Where a file is written before it is moved to its place."""
    return path.with_name(f".{path.name}")


def replace(
    path: pathlib.Path, write: Callable[[pathlib.Path], object]
) -> None:
    """Write a file beside its place, then move it there in one step.

    The folder must be claimed: no two processes write the same file.
    """
    place = temporary(path)
    try:
        write(place)
        os.replace(place, path)
    finally:
        place.unlink(missing_ok=True)


def replace_text(path: pathlib.Path, text: str) -> None:
    """`replace` with a text in UTF-8."""
    replace(path, lambda place: place.write_text(text, encoding="utf-8"))
