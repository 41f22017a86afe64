"""What the command line loads before it answers, and what it prints."""

import os
import pathlib
import pty
import subprocess
import sys

import pytest

import zoo
from tests.helpers import tensorflow_only
from zoo.cli import main

ROOT = pathlib.Path(__file__).parents[3]
HEAVY = {
    "jax",
    "keras",
    "keras_capsvae",
    "matplotlib",
    "numpy",
    "sklearn",
    "tensorflow",
    "tensorflow_datasets",
    "torch",
}
MODULE = ["-m", "zoo"]


def run(*words, stdout=subprocess.PIPE, **environment):
    """Python with these words, in a process of its own."""
    environment = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"} | environment
    return subprocess.run(
        [sys.executable, *words],
        stdout=stdout,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        env=os.environ | environment,
    )


def loaded(done):
    """The packages that a process with `-X importtime` imported."""
    names = [line.split("|")[-1].strip() for line in done.stderr.splitlines()]
    return {name.split(".")[0] for name in names}


@pytest.fixture
def console_script(tmp_path):
    """As pip writes it."""
    script = tmp_path / "keras-capsvae"
    script.write_text("from zoo.cli import main\n\nmain()\n")
    return script


LIGHT = [
    (["sample", "nosuch/run"], 1, "'nosuch/run', which does not exist"),
    (["compare", "nosuch", "other"], 1, "nosuch, which does not exist"),
    (["train", "dense_vae", "--weights", "nosuch"], 1, "weights='nosuch'"),
    (["sample", "dense_vae", "--weights", "nosuch"], 1, "weights='nosuch'"),
    (["predict", "pooling_cnn", "--data", "x", "--out", ""], 1, "be empty"),
    (["--help"], 0, "Usage:"),
    (["--version"], 0, "version"),
    (["list"], 0, "dense_vae"),
    (["show", "conv_vae"], 0, "134,165"),
    (["show", "conv_vae", "--json"], 0, '"parameters": 134165'),
    (["search", "条件", "生成"], 0, "conditional_vae"),
    (["-h"], 0, "Usage:"),
    *(([command, "--help"], 0, "Usage:") for command in main.commands),
    (["list", "vae"], 1, "'*vae'"),
    (["dense_vae"], 2, "Did you mean show dense_vae or train dense_vae? "),
    (["lst"], 2, "Unknown command. Did you mean list? "),
    (["show", "dense_vea"], 1, "Did you mean dense_vae"),
    (["train", "dense_vea"], 1, "Did you mean dense_vae"),
    (["sample", "dense_vea"], 1, "Did you mean dense_vae"),
    (["evaluate", "dense_vea"], 1, "Did you mean dense_vae"),
    (["export", "dense_vea", "--out", "x"], 1, "Did you mean dense_vae"),
    (["sample", "deep_conv_vae"], 1, "comes without weights"),
    (["reproduce", "two-digit"], 1, "two-digits"),
    (["train", "dense_vae", "--data", "nope"], 1, "--data must be one of"),
    (["predict", "dense_vae", "--data", "mnits"], 1, "Did you mean mnist"),
    (["evaluate", "dense_vae", "--data", "no/x.png"], 1, "does not exist"),
    (["train", "dense_vae", "--set", "latent=3"], 1, "mean latent_dim"),
    (["train", "dense_vae", "--epochs", "0"], 1, "--epochs must be at least 1"),
    (["train", "dense_vae", "--epoch", "3"], 2, "--epochs"),
    (["train", "dense_vae", "--epochs", "x"], 2, "not a valid integer"),
    (["export", "dense_vae", "--out", "x.onnx"], 1, "give a folder, --format"),
    (["train", "vq_vae", "--set-prior", "widht=8"], 1, "Did you mean width"),
]


@pytest.mark.parametrize(("arguments", "status", "answer"), LIGHT)
def test_it_answers_without_keras(arguments, status, answer):
    done = run("-X", "importtime", *MODULE, *arguments)
    assert done.returncode == status
    assert answer in (done.stderr if status else done.stdout)
    assert "zoo" in loaded(done) and HEAVY.isdisjoint(loaded(done))


def test_so_does_the_console_script(console_script):
    done = run("-X", "importtime", str(console_script), "list")
    assert done.stdout.split() == zoo.list_models()
    assert HEAVY.isdisjoint(loaded(done))


def test_list_on_a_terminal_builds_no_model():
    terminal, its_program = pty.openpty()
    done = run("-X", "importtime", *MODULE, "list", stdout=its_program)
    os.close(its_program)
    text = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert "Convolutional VAE (mnist)" in text
    assert len(text.splitlines()) == len(zoo.list_models())
    assert "zoo" in loaded(done) and HEAVY.isdisjoint(loaded(done))


@pytest.mark.thorough
def test_a_program_that_imports_the_package_has_all_of_it(tmp_path):
    """Also one that is being located when it does."""
    package = tmp_path / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("import zoo\n")
    (package / "__main__.py").write_text(
        "import sys, zoo\n"
        "print('keras' in sys.modules, *{*zoo.__all__} - {*vars(zoo)})\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = run("-m", "mine", "zoo", PYTHONPATH=path)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.thorough
def test_the_command_line_has_all_of_it_when_it_is_asked_for(console_script):
    console_script.write_text(
        "import sys, zoo\n"
        "assert 'keras' not in sys.modules\n"
        "assert set(zoo.__all__) <= {*dir(zoo)}\n"
        "print(*(getattr(zoo, name).__name__ for name in zoo.__all__))\n"
        "assert 'Latents' in zoo.dense_vae.__doc__\n"
    )
    done = run(str(console_script))
    assert done.stdout.split() == zoo.__all__, done.stderr


@pytest.mark.slow
@tensorflow_only
def test_tensorflow_prints_nothing_unless_it_is_asked_to(monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    command = [*MODULE, "sample", "dense_vae", "--count", "3"]
    silent = run(*command).stderr
    assert silent.startswith("Error: --count must not")
    assert len(silent.splitlines()) == 1
    told = run(*command, TF_CPP_MIN_LOG_LEVEL="0").stderr
    assert silent in told and len(told.splitlines()) > 1
