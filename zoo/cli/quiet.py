"""TensorFlow without the lines that it prints while it is loaded."""

import contextlib
import os
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder

LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def quieten_tensorflow() -> None:
    """Have TensorFlow, once it is imported, print no more than fatal errors.

    Whoever has set `TF_CPP_MIN_LOG_LEVEL` gets what they asked for.
    """
    if LEVEL not in os.environ and sys.stderr is not None:
        os.environ[LEVEL] = "3"
        sys.meta_path.insert(0, _QuietFinder)


class _QuietFinder(PathFinder):
    """TensorFlow's libraries say how they were built whatever the level is."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname != "tensorflow":
            return None
        spec = super().find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_quietly(module):
                with _silenced_standard_error():
                    execute(module)

            spec.loader.exec_module = execute_quietly
        return spec


@contextlib.contextmanager
def _silenced_standard_error() -> Iterator[None]:
    """Of the process, that of its libraries included."""
    sys.stderr.flush()
    standard_error = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
