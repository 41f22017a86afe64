"""Python run in a process of its own."""

import pathlib
import subprocess
import sys

import zoo


def run_script(source, *arguments):
    """Run a script on these arguments; it fails with what the script says."""
    process = subprocess.run(
        [sys.executable, "-c", source, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=pathlib.Path(zoo.__file__).parents[1],
    )
    assert process.returncode == 0, process.stderr
    return process.stdout
