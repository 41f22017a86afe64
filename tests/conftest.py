import functools
import inspect

import keras
import pytest

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
