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
    """Trainings end after one epoch, so that examples may ask for many."""
    fit = keras.Model.fit

    @functools.wraps(fit)
    def fit_one_epoch(*args, **kwargs):
        given = inspect.signature(fit).bind(*args, **kwargs)
        given.arguments |= {"epochs": 1, "verbose": 0}
        return fit(*given.args, **given.kwargs)

    monkeypatch.setattr(keras.Model, "fit", fit_one_epoch)
