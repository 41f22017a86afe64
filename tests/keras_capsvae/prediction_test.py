import logging

import keras
import numpy as np
import pytest

import zoo
from keras_capsvae.models.prediction import predicted
from tests.helpers import tensorflow_only

SIZES = (3, 40, 200)


@pytest.fixture(scope="module")
def vaes():
    sizes = {"original_dim": 16, "intermediate_dim": 8, "jit_compile": False}
    return [zoo.dense_vae(**sizes, latent_dim=dims) for dims in (2, 3)]


@pytest.fixture(scope="module")
def capsules():
    return zoo.capsnet((17, 17, 1), jit_compile=False)


def images(n, *shape):
    return np.random.default_rng(n).random((n, *shape), "float32")


@pytest.mark.thorough
@tensorflow_only
def test_ordinary_use_traces_each_part_for_two_sizes_of_batches(
    vaes, capsules, caplog
):
    with caplog.at_level(logging.WARNING, "tensorflow"):
        for n in SIZES:
            for model in vaes:
                z = model.encode(images(n, 16))
                model.decode(z)
                model.generate(n, seed=0)
                model.reconstruct(images(n, 16))
            capsules.capsules(images(n, 17, 17, 1))
        capsules.reconstruct(images(3, 17, 17, 1))
    assert "retracing" not in caplog.text
    parts = [part for model in vaes for part in (model.encoder, model.decoder)]
    for part in [*parts, capsules.capsule_encoder]:
        assert part.predict_function.experimental_get_tracing_count() <= 2
    assert capsules.decoder.predict_function is None


@pytest.mark.parametrize("n", [1, 32, *SIZES])
@pytest.mark.parametrize("batch_size", [None, 50, 500])
def test_values_are_those_of_keras(n, batch_size, vaes):
    encoder = vaes[0].encoder
    x = images(n, 16)
    received = predicted(encoder, [x], batch_size)
    expected = encoder.predict(x, batch_size, verbose=0)
    for one, other in zip(received, expected, strict=True):
        assert isinstance(one, np.ndarray) and one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n", SIZES)
def test_several_inputs_and_outputs_by_name(n):
    a, b = keras.Input((2,)), keras.Input((3,))
    joined = keras.layers.Concatenate()([a, b])
    model = keras.Model([a, b], {"joined": joined, "first": a})
    x = [images(n, 2), images(n, 3)]
    received = predicted(model, x)
    np.testing.assert_array_equal(received["joined"], np.concatenate(x, 1))
    np.testing.assert_array_equal(received["first"], x[0])
