"""Pages of README and docs: links lead somewhere, code runs."""

import pathlib
import re
import shlex

import click
import keras
import numpy as np
import pytest
from click.testing import CliRunner

from tests.helpers import tensorflow_only
from zoo import cli
from zoo import datasets
from zoo.runs import ship

ROOT = pathlib.Path(__file__).parents[1]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")]
    if not path.relative_to(ROOT).parts[0].startswith(".")
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(python -m zoo [^`]*)`")
TAKE_MINUTES = ("own_models.md",)
CHEAP = ("list", "search", "show", "sample")
COMMAND_LINES = {"zoo": cli.main, "zoo.runs.ship": ship.main}
OTHER_PROGRAMS = (
    "bash .ci/run",
    "pip install",
    "pre-commit install",
    "pyright",
    "python -m pytest",
    "python -m venv",
    "ruff",
    "tf/bin/pip install",
    "jax/bin/pip install",
    "torch/bin/pip install",
)


def _blocks(page, *languages):
    """(line, code) of a page's blocks."""
    text = page.read_text()
    for block in BLOCK.finditer(text):
        assert block[1] in ("python", "bash", "shell"), f"{page}: {block[1]!r}"
        if block[1] in languages:
            yield text.count("\n", 0, block.start(2)), block[2]


def _commands(page):
    for _, code in _blocks(page, "bash", "shell"):
        joined = code.replace("\\\n", " ")
        yield from re.split(r"\s*(?:\n|&&)\s*", joined.strip())
    for command in INLINE.findall(page.read_text()):
        yield " ".join(command.split())


COMMANDS = sorted({command for page in PAGES for command in _commands(page)})


def _given():
    """Names that the blocks take for granted."""
    image = keras.Input((28, 28, 1))
    features = keras.layers.Conv2D(128, 9, strides=4)(image)
    two_digits = np.random.default_rng(0).random((2, 28, 56, 1), "float32")
    x = keras.Input((12,))
    heads = [keras.layers.Dense(2, name=n)(x) for n in ("z_mean", "z_log_var")]
    z = keras.Input((2,))
    return {
        "image": image,
        "features": features,
        "two_digit_images": two_digits,
        "encoder": keras.Model(x, heads),
        "decoder": keras.Model(z, keras.layers.Dense(12, "sigmoid")(z)),
        "x": np.random.default_rng(0).random((8, 12), "float32"),
    }


@pytest.fixture
def few_digits(monkeypatch):
    """Some of the embedded images stand for MNIST, for a short training."""
    load = datasets.load

    def load_few(source, shape=(28, 28, 1)):
        name = "mnist_small" if source == "mnist" else source
        arrays = load(name, shape=shape)
        return type(arrays)(*(array[:32] for array in arrays))

    monkeypatch.setattr(datasets, "load", load_few)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_dead_link_and_no_placeholder(page):
    text = page.read_text()
    assert not re.findall(r"@[A-Z]+@", text)
    for target in re.findall(r"\]\(([^)#]+)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@tensorflow_only
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page,
            id=page.name,
            marks=[pytest.mark.slow] if page.name in TAKE_MINUTES else [],
        )
        for page in PAGES
        if list(_blocks(page, "python"))
    ],
)
def test_blocks_run_in_order(
    page, few_digits, short_training, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    namespace = _given()
    for line, code in _blocks(page, "python"):
        exec(compile("\n" * line + code, page, "exec"), namespace)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_can_be_given(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command, comments=True)
    if words[:2] == ["python", "-m"] and words[2] in COMMAND_LINES:
        _give(COMMAND_LINES[words[2]], words[3:])
    elif words[0].endswith("python") and words[1].startswith("benchmarks/"):
        assert (ROOT / words[1]).exists()
        scripts = [path.read_text() for path in ROOT.glob("benchmarks/*.py")]
        for option in words[2:]:
            if option.startswith("--"):
                assert any(f'"{option}"' in script for script in scripts)
    else:
        assert command.startswith(OTHER_PROGRAMS)


def _give(command, arguments):
    """Parse the arguments; a cheap command runs, unless it wants a run."""
    if isinstance(command, click.Group):
        name, *arguments = arguments
        command = command.get_command(click.Context(command), name)
        assert command, name
    pathlib.Path("runs/NAME").mkdir(parents=True)
    command.make_context(command.name, list(arguments))
    of_a_run = any(word.startswith("runs/") for word in arguments)
    if command.name in CHEAP and not of_a_run:
        result = CliRunner().invoke(command, arguments)
        assert result.exit_code == 0, result.output
