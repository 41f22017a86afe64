import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from keras import ops

from keras_capsvae.divergences import gaussian_kl
from keras_capsvae.divergences import importance_weighted_bound
from keras_capsvae.divergences import one_sample_kl
from keras_capsvae.divergences import sample_divergence
from keras_capsvae.numerics import LOG_VAR_LIMIT
from keras_capsvae.numerics import bounded_log_var
from tests import oracles
from tests.helpers import gradient
from tests.helpers import numpy_of

quick = settings(max_examples=8, deadline=None)
shapes = st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple)
seeds = st.integers(0, 2**32 - 1)


def posterior(shape, seed, spread=10.0):
    """z_mean, z_log_var, z and prior_mean, as a training may meet them."""
    random = np.random.default_rng(seed)
    z_mean, prior_mean = random.normal(0, 3, (2, *shape)).astype("float32")
    z_log_var = random.uniform(-spread, spread, shape).astype("float32")
    noise = random.normal(size=shape)
    z = oracles.sample(z_mean, z_log_var, noise).astype("float32")
    return z_mean, z_log_var, z, prior_mean


def assert_close(received, expected):
    assert len(received) == len(expected)
    for one, other in zip(received, expected):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@quick
@given(shapes, seeds)
def test_gaussian_kl_is_the_printed_formula(shape, seed):
    z_mean, z_log_var, _, prior_mean = posterior(shape, seed)
    for prior in ({}, {"prior_mean": prior_mean}):
        received = numpy_of(gaussian_kl(z_mean, z_log_var, **prior))
        assert received.dtype == "float32"
        expected = oracles.gaussian_kl(z_mean, z_log_var, **prior)
        assert_close([received], [expected])


@quick
@given(shapes, seeds)
def test_gaussian_kl_gradients(shape, seed):
    z_mean, z_log_var, _, prior_mean = posterior(shape, seed)
    received = gradient(
        lambda *tensors: ops.sum(gaussian_kl(*tensors)),
        z_mean,
        z_log_var,
        prior_mean,
    )
    assert_close(
        received, oracles.gaussian_kl_gradients(z_mean, z_log_var, prior_mean)
    )


@quick
@given(shapes, seeds)
def test_one_sample_kl_is_the_ratio_of_the_densities(shape, seed):
    z_mean, z_log_var, z, prior_mean = posterior(shape, seed, spread=5.0)
    for prior in ({}, {"prior_mean": prior_mean}):
        received = numpy_of(one_sample_kl(z_mean, z_log_var, z, **prior))
        expected = oracles.one_sample_kl(z_mean, z_log_var, z, **prior)
        assert_close([received], [expected])


@quick
@given(shapes, seeds)
def test_one_sample_kl_gradients(shape, seed):
    z_mean, z_log_var, z, prior_mean = posterior(shape, seed, spread=5.0)
    received = gradient(
        lambda mean, log_var, z, prior: ops.sum(
            one_sample_kl(mean, log_var, z, prior)
        ),
        z_mean,
        z_log_var,
        z,
        prior_mean,
    )
    assert_close(
        received,
        oracles.one_sample_kl_gradients(z_mean, z_log_var, z, prior_mean),
    )


def test_oracle_gradients_are_those_of_the_oracles():
    z_mean, z_log_var, z, prior_mean = posterior((2, 3), seed=1, spread=2.0)
    by_log_var = oracles.central_differences(
        lambda log_var: oracles.gaussian_kl(z_mean, log_var).sum(), z_log_var
    )
    assert_close(
        [by_log_var], [oracles.gaussian_kl_gradients(z_mean, z_log_var)[1]]
    )
    by_z = oracles.central_differences(
        lambda z: oracles.one_sample_kl(z_mean, z_log_var, z, prior_mean).sum(),
        z,
    )
    expected = oracles.one_sample_kl_gradients(z_mean, z_log_var, z, prior_mean)
    assert_close([by_z], [expected[2]])


def test_kl_is_zero_at_the_prior_and_only_there():
    zeros = np.zeros((1, 1), "float32")
    assert numpy_of(gaussian_kl(zeros, zeros)).item() == 0
    assert numpy_of(gaussian_kl(zeros + 2, zeros, zeros + 2)).item() == 0
    assert numpy_of(gaussian_kl(zeros + 0.1, zeros)).item() > 0
    assert numpy_of(gaussian_kl(zeros, zeros - 0.1)).item() > 0


def test_one_sample_kl_is_unbiased():
    random = np.random.default_rng(0)
    z_mean = np.full((200_000, 1), 0.7, "float32")
    z_log_var = np.full_like(z_mean, -1.0)
    z = oracles.sample(z_mean, z_log_var, random.normal(size=z_mean.shape))
    estimates = numpy_of(one_sample_kl(z_mean, z_log_var, z.astype("float32")))
    expected = oracles.gaussian_kl(0.7, -1.0)
    error = estimates.std() / len(estimates) ** 0.5
    assert abs(estimates.mean() - expected) < 4 * error


@pytest.mark.parametrize("log_var", [-80.0, -20.0, 20.0, 80.0, -300.0, 300.0])
def test_extreme_log_variances_stay_finite(log_var):
    z_mean = np.array([[0.0, 3.0, -3.0]], "float32")
    z_log_var = np.full_like(z_mean, log_var)
    z = z_mean + np.float32(0.1)

    def total(mean, log_var, z):
        exact = gaussian_kl(mean, log_var)
        return ops.sum(exact) + ops.sum(one_sample_kl(mean, log_var, z))

    assert np.isfinite(numpy_of(total(*map(ops.array, (z_mean, z_log_var, z)))))
    for one in gradient(total, z_mean, z_log_var, z):
        assert np.isfinite(one).all()


def test_the_clamp_leaves_ordinary_values_alone():
    z_log_var = np.linspace(-79, 79, 400, dtype="float32")
    bounded = numpy_of(bounded_log_var(z_log_var))
    np.testing.assert_array_equal(bounded, z_log_var)
    (slope,) = gradient(lambda t: ops.sum(bounded_log_var(t)), z_log_var)
    np.testing.assert_array_equal(slope, 1)
    beyond = numpy_of(bounded_log_var(np.array([-1e4, 1e4], "float32")))
    np.testing.assert_array_equal(beyond, [-LOG_VAR_LIMIT, LOG_VAR_LIMIT])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bit_inputs_are_computed_in_float32(dtype):
    z_mean = ops.cast(np.full((2, 2), 0.5, "float32"), dtype)
    z_log_var = ops.cast(np.full((2, 2), 12.0, "float32"), dtype)
    received = numpy_of(gaussian_kl(z_mean, z_log_var))
    expected = oracles.gaussian_kl(np.full((2, 2), 0.5), 12.0)
    np.testing.assert_allclose(received, expected, rtol=1e-5)


def test_divergence_of_samples_is_the_ratio_of_densities():
    z_mean, z_log_var, _, prior_mean = posterior((3, 2), seed=0, spread=2.0)
    noise = np.random.default_rng(1).normal(size=(3, 4, 2))
    z = oracles.sample(z_mean[:, None], z_log_var[:, None], noise)
    z = z.astype("float32")
    for mean in (None, prior_mean):
        received = numpy_of(sample_divergence(z_mean, z_log_var, z, mean))
        prior = 0.0 if mean is None else mean[:, None]
        posterior_density = oracles.log_normal(
            z, z_mean[:, None], np.exp(z_log_var[:, None])
        )
        ratio = posterior_density - oracles.log_normal(z, prior, 1.0)
        assert_close([received], [ratio.sum(-1)])


@pytest.mark.parametrize("num_samples", [1, 2, 50])
def test_importance_weighted_bound_is_the_mean_weight(num_samples):
    random = np.random.default_rng(0)
    log_weights = random.normal(0, 3, (5, num_samples)).astype("float32")
    received = numpy_of(importance_weighted_bound(log_weights))
    assert_close([received], [oracles.importance_weighted_bound(log_weights)])
    (slope,) = gradient(
        lambda t: ops.sum(importance_weighted_bound(t)), log_weights
    )
    shares = np.exp(log_weights) / np.exp(log_weights).sum(-1, keepdims=True)
    assert_close([slope], [shares])


@pytest.mark.parametrize("offset", [-1e4, 1e4])
def test_the_bound_of_extreme_weights_is_finite(offset):
    received = numpy_of(importance_weighted_bound(np.full((1, 8), offset)))
    np.testing.assert_allclose(received, [offset], rtol=1e-6)
