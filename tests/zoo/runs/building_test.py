"""Nets of runs that begin with those of others."""

import warnings

import numpy as np
import pytest

from tests.zoo.found_test import save_classes
from zoo import runs
from zoo.export import load_model
from zoo.runs.building import built
from zoo.settings import Settings


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    data = save_classes(folder / "data", (28, 28), ("ball", "box"))
    options = {"epochs": 1, "arguments": {"jit_compile": False}, "verbose": 0}
    runs.train("pooling_cnn", data, folder / "run", **options)
    return folder


def kernel_of_classes(model):
    return model.class_layers[0].get_weights()[0]


def settings_of(data, first):
    return Settings.of("pooling_cnn", data=data, weights=first / "run", seed=1)


def test_as_many_classes_of_other_names_begin_anew(first, tmp_path):
    data = save_classes(tmp_path / "data", (28, 28), ("big box", "small ball"))
    with pytest.warns(UserWarning, match="apart ball, box; the data hold big"):
        model = built(settings_of(data, first), is_new=True)
    trained = load_model(first / "run" / runs.MODEL)
    change = kernel_of_classes(model) - kernel_of_classes(trained)
    assert np.abs(change).max() > 1e-3
    for one, other in zip(model.get_weights()[:2], trained.get_weights()):
        np.testing.assert_array_equal(one, other)


def test_the_same_classes_go_on(first):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = built(settings_of(first / "data", first), is_new=True)
    trained = load_model(first / "run" / runs.MODEL)
    for one, other in zip(model.get_weights(), trained.get_weights()):
        np.testing.assert_array_equal(one, other)
