import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from keras import ops

from keras_capsvae import Sampling
from tests import oracles
from tests.helpers import SIXTEEN_BIT_POLICIES
from tests.helpers import check_layer
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.helpers import upcoming_noise

LARGEST_FLOAT16 = 65504


def posterior(batch=4, dims=3, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(2, batch, dims)).astype("float32")


@pytest.mark.parametrize("num_samples", [None, 1, 3])
def test_contract(num_samples):
    arguments = {"num_samples": num_samples, "seed": 5}
    check_layer(Sampling, arguments, [(4,), (4,)])


@settings(max_examples=8, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([None, 1, 4]),
    st.integers(0, 2**31 - 1),
)
def test_values_are_the_formula(batch, dims, num_samples, seed):
    z_mean, z_log_var = posterior(batch, dims, seed)
    layer = Sampling(num_samples, seed=seed)
    drawn = (batch, dims) if num_samples is None else (batch, num_samples, dims)
    noise = upcoming_noise(layer.seed_generator, drawn)
    received = numpy_of(layer([z_mean, z_log_var]))
    if num_samples is not None:
        z_mean, z_log_var = z_mean[:, None], z_log_var[:, None]
    expected = oracles.sample(z_mean, z_log_var, noise)
    assert received.shape == drawn
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)


def test_gradients_reach_mean_and_log_variance():
    z_mean, z_log_var = posterior()
    factors = np.random.default_rng(1).normal(size=(4, 3)).astype("float32")
    layer = Sampling(seed=2)
    noise = upcoming_noise(layer.seed_generator, (4, 3))
    by_mean, by_log_var = gradient(
        lambda mean, log_var: ops.sum(
            layer([mean, log_var]) * ops.array(factors)
        ),
        z_mean,
        z_log_var,
    )
    np.testing.assert_allclose(by_mean, factors, rtol=1e-5)
    expected = factors * 0.5 * np.exp(z_log_var / 2) * noise
    np.testing.assert_allclose(by_log_var, expected, rtol=1e-5, atol=1e-6)


def test_the_noise_is_standard_normal():
    zeros = np.zeros((100, 100), "float32")
    noise = numpy_of(Sampling(10, seed=0)([zeros, zeros])).ravel()
    error = len(noise) ** -0.5
    assert abs(noise.mean()) < 4 * error
    assert abs(noise.var() - 1) < 4 * 2**0.5 * error
    assert abs((noise**3).mean()) < 4 * 15**0.5 * error
    assert abs((noise**4).mean() - 3) < 4 * 96**0.5 * error


def test_noise_is_fresh_at_every_call_in_training_and_inference():
    inputs = list(posterior())
    layer = Sampling(seed=0)
    draws = [
        numpy_of(layer(inputs, **training))
        for training in ({}, {}, {"training": True}, {"training": False})
    ]
    for i, one in enumerate(draws):
        for other in draws[:i]:
            assert not np.isclose(one, other).any()


def test_samples_of_one_example_differ():
    inputs = list(posterior())
    samples = numpy_of(Sampling(2, seed=0)(inputs))
    assert not np.isclose(samples[:, 0], samples[:, 1]).any()


def test_seed_fixes_the_noise():
    inputs = list(posterior())
    one, same, other = (
        numpy_of(Sampling(seed=seed)(inputs)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.isclose(one, other).any()


def test_seed_state_is_saved(tmp_path):
    inputs = [keras.Input((3,)), keras.Input((3,))]
    arrays = list(posterior())
    model = keras.Model(inputs, Sampling(seed=0, name="sampling")(inputs))
    model(arrays)
    model.save_weights(tmp_path / "model.weights.h5")
    expected = numpy_of(model(arrays))
    assert not np.isclose(numpy_of(model(arrays)), expected).any()
    model.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(numpy_of(model(arrays)), expected)


@pytest.mark.parametrize("policy", ["float32", *SIXTEEN_BIT_POLICIES])
@pytest.mark.parametrize("log_var", [-80.0, 80.0, -500.0, 500.0])
def test_extreme_log_variances_stay_finite(policy, log_var):
    z_mean = np.array([[-3.0, 0.0, 3.0]], "float32")
    z_log_var = np.full_like(z_mean, log_var)
    layer = Sampling(seed=0, dtype=policy)
    assert np.isfinite(numpy_of(layer([z_mean, z_log_var]))).all()
    for one in gradient(
        lambda mean, log_var: ops.sum(
            ops.cast(layer([mean, log_var]), "float32")
        ),
        z_mean,
        z_log_var,
    ):
        assert np.isfinite(one).all()


def test_float16_saturates_instead_of_overflowing():
    z_mean = np.zeros((20, 1), "float32")
    z = numpy_of(Sampling(seed=0, dtype="mixed_float16")([z_mean, z_mean + 60]))
    assert set(np.abs(z).ravel()) == {LARGEST_FLOAT16}


@pytest.mark.parametrize("num_samples", [0, -1])
def test_num_samples_below_one(num_samples):
    with pytest.raises(ValueError, match=f"num_samples={num_samples}"):
        Sampling(num_samples)


def test_inputs_must_be_a_pair():
    z = np.zeros((2, 3), "float32")
    for inputs in (z, [z], [z, z, z]):
        with pytest.raises(ValueError, match=r"list \[z_mean, z_log_var\]"):
            Sampling()(inputs)


def test_inputs_must_have_one_shape():
    inputs = [np.zeros((2, 3), "float32"), np.zeros((2, 4), "float32")]
    with pytest.raises(ValueError, match=r"one shape.*\(2, 3\).*\(2, 4\)"):
        Sampling()(inputs)
