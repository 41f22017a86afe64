import keras
import numpy as np
import pytest
from keras import ops

from keras_capsvae import activations
from tests import capsule_oracles as oracles
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.oracles import central_differences

NAMES = sorted(activations.ACTIVATIONS)


def vectors(scale=1.0):
    return scale * np.random.default_rng(0).normal(size=(4, 3, 5))


@pytest.mark.parametrize("scale", [1e-2, 1.0, 30.0])
@pytest.mark.parametrize("name", NAMES)
def test_values(name, scale):
    x = vectors(scale)
    received = numpy_of(activations.ACTIVATIONS[name](x.astype("float32")))
    expected = oracles.ACTIVATIONS[name](x)
    np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("constant", [0.5, 1.0, 3.0])
def test_squash_constant(constant):
    x = vectors()
    received = numpy_of(activations.squash(x, constant))
    expected = oracles.squash(x, constant)
    np.testing.assert_allclose(received, expected, rtol=1e-5)
    half = np.eye(1, 5) * np.sqrt(constant)
    length = oracles.norm(numpy_of(activations.squash(half, constant)))
    np.testing.assert_allclose(length, [[0.5]], rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_gradients(name):
    x = vectors()
    weights = np.random.default_rng(1).normal(size=x.shape)

    def loss(tensor):
        value = activations.ACTIVATIONS[name](tensor)
        return ops.sum(ops.multiply(value, weights.astype("float32")))

    (received,) = gradient(loss, x.astype("float32"))
    expected = central_differences(
        lambda array: (oracles.ACTIVATIONS[name](array) * weights).sum(), x
    )
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [*NAMES, "unit"])
def test_zero_has_a_finite_value_and_gradient(name):
    function = getattr(activations, name)
    zero = np.zeros((2, 3), "float32")
    assert np.array_equal(numpy_of(function(zero)), zero)
    (received,) = gradient(lambda x: ops.sum(function(x)), zero)
    assert np.isfinite(received).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_short_floats_are_computed_in_float32(dtype):
    x = ops.cast(np.full((1, 4), 300.0), dtype)  # its square has no float16
    received = activations.squash(x)
    assert keras.backend.standardize_dtype(received.dtype) == "float32"
    np.testing.assert_allclose(numpy_of(received), np.full((1, 4), 0.5), 1e-3)


@pytest.mark.parametrize("constant", [0, -1.0, float("nan")])
def test_constant_must_be_positive(constant):
    with pytest.raises(ValueError, match="must be above 0"):
        activations.squash(np.ones((1, 2)), constant)


def test_unknown_name():
    with pytest.raises(ValueError, match="activation='squish'"):
        activations.capsule_activation("squish", 0.5)
