"""What a command says: to people, to a program, or nothing but errors."""

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import click


def output_options(command: Callable) -> Callable:
    """Add `--quiet` and `--json` to a command."""
    as_json = click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON object; all else goes to stderr.",
    )
    quiet = click.option("--quiet", is_flag=True, help="Print errors alone.")
    return quiet(as_json(command))


@contextlib.contextmanager
def warning_in_lines() -> Iterator[None]:
    """Have warnings told in a line, once each."""
    with warnings.catch_warnings():
        # They are for those who write code, as Python's own filters have it.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.showwarning = _told_once_in_a_line()
        yield


@contextlib.contextmanager
def speaking(quiet: bool, as_json: bool) -> Iterator[None]:
    """Let what is printed within go where the options of a command say.

    Errors are raised through, and printed by the command line.
    """
    with contextlib.ExitStack() as stack:
        if quiet:
            nowhere = stack.enter_context(open(os.devnull, "w"))
            stack.enter_context(contextlib.redirect_stdout(nowhere))
            stack.enter_context(contextlib.redirect_stderr(nowhere))
        elif as_json:
            stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


def starting() -> None:
    """Say at a terminal what the seconds before the first word are for."""
    if sys.stderr.isatty():
        click.echo("Starting Keras …", err=True)


def echo_json(figures: dict[str, Any]) -> None:
    """Print the one JSON object of a command."""
    click.echo(json.dumps(figures, indent=2, ensure_ascii=False))


def _told_once_in_a_line():
    told = set()

    def tell(message, category, filename, lineno, file=None, line=None):
        from tqdm import tqdm

        if str(message) not in told:
            told.add(str(message))
            tqdm.write(f"Warning: {message}", file=sys.stderr)

    return tell
