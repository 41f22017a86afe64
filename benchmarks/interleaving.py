"""Contenders in processes of their own, timed in turn, round after round."""

import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

import click

ROOT = pathlib.Path(__file__).resolve().parent.parent
MESSAGE_LINES = 15


@dataclasses.dataclass
class Contender:
    """A row of the table: its name, its worker and what it measured."""

    name: str
    worker: subprocess.Popen | None = None
    log: object = None
    trouble: str | None = None
    versions: dict = dataclasses.field(default_factory=dict)
    rounds: list = dataclasses.field(default_factory=list)

    def column(self, key):
        return [answer[key] for answer in self.rounds]

    @property
    def milliseconds(self):
        return statistics.median(self.column("ms"))

    def ratio_to(self, other):
        """Median over the rounds of the ratio within a round."""
        pairs = zip(self.column("ms"), other.column("ms"))
        return statistics.median(own / theirs for own, theirs in pairs)


def start(name, interpreter, script, settings, backend, **variables):
    """Start a worker on the CPU, wait until it is warm; keep what fails."""
    click.echo(f"preparing {name}", err=True)
    log = tempfile.TemporaryFile("w+")
    arguments = json.dumps(dataclasses.asdict(settings))
    worker = subprocess.Popen(
        [interpreter, *map(str, script), name, arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": path_with_root(),
            "KERAS_BACKEND": backend,
            "CUDA_VISIBLE_DEVICES": "",
            "JAX_PLATFORMS": "cpu",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            **variables,
        },
    )
    contender = Contender(name, worker, log)
    answer = _answer(contender)
    if answer and "missing" in answer:
        contender.trouble = "missing: " + ", ".join(answer["missing"])
    elif answer:
        contender.versions = answer["versions"]
    return contender


def take_turns(contenders, rounds):
    """Ask each contender in turn for a block of steps, one at a time."""
    running = [c for c in contenders if not c.trouble]
    for index in range(rounds):
        click.echo(f"round {index + 1} of {rounds}", err=True)
        for contender in _rotated(running, index):
            if not contender.trouble:
                _ask(contender)


def stop(contenders):
    for contender in contenders:
        contender.worker.stdin.close()
        contender.worker.wait()


def _ask(contender):
    try:
        contender.worker.stdin.write("go\n")
        contender.worker.stdin.flush()
    except BrokenPipeError:
        pass
    answer = _answer(contender)
    if answer:
        contender.rounds.append(answer)


def _answer(contender):
    line = contender.worker.stdout.readline()
    if line:
        return json.loads(line)
    contender.log.seek(0)
    messages = contender.log.readlines()[-MESSAGE_LINES:]
    click.echo(f"{contender.name} failed:\n{''.join(messages)}", err=True)
    contender.trouble = "failed"


def _rotated(items, count):
    """Other neighbours and another first in every round."""
    count %= max(len(items), 1)
    return items[count:] + items[:count]


def path_with_root():
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(path for path in paths if path)
