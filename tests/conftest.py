import functools
import inspect
import os

import pytest

# Nets of the tests take few steps: what counts is the time to compile them.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import keras

pytest.register_assert_rewrite("tests.helpers")


@pytest.fixture(autouse=True)
def reset_seed():
    """Every test starts from one global seed, whatever ran before it."""
    keras.utils.set_random_seed(0)


@pytest.fixture
def short_training(monkeypatch):
    """Trainings of one epoch, without XLA, which compiles for longer."""
    _always_with(monkeypatch, "compile", jit_compile=False)
    _always_with(monkeypatch, "fit", epochs=1, verbose=0)


def _always_with(monkeypatch, name, **arguments):
    method = getattr(keras.Model, name)

    @functools.wraps(method)
    def changed(*args, **kwargs):
        given = inspect.signature(method).bind(*args, **kwargs)
        given.arguments |= arguments
        return method(*given.args, **given.kwargs)

    monkeypatch.setattr(keras.Model, name, changed)
