"""Gaussian reconstructions of learned, optimal and decoded variance."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_capsvae import GaussianReconstruction
from keras_capsvae import VariationalAutoencoder
from tests import oracles
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.own_nets import X
from tests.own_nets import check_cycle
from tests.own_nets import compiled
from tests.own_nets import decoder
from tests.own_nets import encoder

MEAN = np.random.default_rng(1).random(X.shape, "float32")


def _vae(**loss):
    net = VariationalAutoencoder(encoder(), decoder(activation=None), seed=0)
    return compiled(net, GaussianReconstruction(**loss), jit_compile=False)


def _learned(log_var, **loss):
    loss = GaussianReconstruction("learned", **loss)
    loss.trained.build(X.shape)
    loss.trained.log.assign(log_var)
    return loss


@pytest.mark.parametrize("per_channel", [False, True])
def test_learned(per_channel):
    log_var = np.linspace(-1, 1, 6) if per_channel else 0.7
    loss = _learned(log_var, per_channel=per_channel)
    expected = oracles.gaussian(X, MEAN, np.broadcast_to(np.exp(log_var), 6))
    np.testing.assert_allclose(
        numpy_of(loss.error(X, MEAN)), expected, rtol=1e-5
    )
    np.testing.assert_allclose(loss.learned_variance, np.exp(log_var), 1e-6)


def test_optimal_is_the_least_over_all_variances():
    loss = GaussianReconstruction("optimal")
    error = np.mean((X - MEAN).astype("float64") ** 2)
    expected = 3 * np.log(2 * np.pi * error) + 3
    np.testing.assert_allclose(float(loss(X, MEAN)), expected, rtol=1e-5)
    for factor in (0.8, 1.25):
        other = oracles.gaussian(X, MEAN, factor * error).mean()
        assert other > expected + 0.01


def test_gradients_of_the_mean():
    error = np.mean((X - MEAN).astype("float64") ** 2)

    def closed(mean):
        return 3 * np.log(2 * np.pi * np.mean((X - mean) ** 2)) + 3

    (received,) = gradient(
        lambda mean: GaussianReconstruction("optimal")(X, mean), MEAN
    )
    np.testing.assert_allclose(received, (MEAN - X) / error / 8, rtol=1e-4)
    expected = oracles.central_differences(closed, MEAN)
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6)
    (received,) = gradient(lambda mean: _learned(0.7)(X, mean), MEAN)
    np.testing.assert_allclose(
        received, (MEAN - X) * np.exp(-0.7) / 8, rtol=1e-4, atol=1e-7
    )


def test_perfect_reconstructions_stay_finite():
    loss = GaussianReconstruction("optimal")
    (received,) = gradient(lambda mean: loss(X, mean), X)
    assert np.isfinite(float(loss(X, X)))
    np.testing.assert_array_equal(received, 0)


def test_gradients_reach_the_variance_anew_in_each_step():
    """Of plain SGD; what a backend forgets to reset would add up."""
    x, z = keras.Input((6,)), keras.Input((2,))
    heads = [layers.Dense(2)(x), layers.Dense(2)(x)]
    zero = layers.Dense(6, kernel_initializer="zeros", trainable=False)(z)
    net = VariationalAutoencoder(keras.Model(x, heads), keras.Model(z, zero))
    loss = GaussianReconstruction("learned")
    net.compile(keras.optimizers.SGD(0.01), loss, jit_compile=False)
    expected, squares = 0.0, (X.astype("float64") ** 2).sum(1).mean()
    for _ in range(3):
        expected -= 0.01 * 0.5 * (6 - squares * np.exp(-expected))
    net.fit(X, batch_size=8, epochs=3, verbose=0)
    received = np.log(net.loss.learned_variance)
    np.testing.assert_allclose(received, expected, rtol=1e-4)


@pytest.mark.slow
def test_learns_the_variance_of_the_data():
    noise = np.random.default_rng(0).normal(0, [0.2, 3], (256, 2))
    x, z = keras.Input((2,)), keras.Input((1,))
    heads = [layers.Dense(1)(x), layers.Dense(1)(x)]
    zero = layers.Dense(2, kernel_initializer="zeros", trainable=False)(z)
    net = VariationalAutoencoder(keras.Model(x, heads), keras.Model(z, zero))
    loss = GaussianReconstruction("learned", per_channel=True)
    net.compile(keras.optimizers.Adam(0.1), loss, jit_compile=False)
    net.fit(noise, batch_size=256, epochs=150, verbose=0)
    np.testing.assert_allclose(
        net.loss.learned_variance, (noise**2).mean(0), rtol=0.02
    )


@pytest.mark.thorough
def test_saved_counted_and_dropped_with_the_loss(tmp_path):
    net = _vae(variance="learned")
    count = net.count_params()
    again = check_cycle(net, X, tmp_path)
    assert net.loss.learned_variance != 1
    assert any(v is net.loss.trained.log for v in net.trainable_variables)
    net.save_weights(tmp_path / "net.weights.h5")
    again.load_weights(tmp_path / "net.weights.h5")
    np.testing.assert_array_equal(
        again.loss.learned_variance, net.loss.learned_variance
    )
    np.testing.assert_allclose(
        again.score_samples(X), net.score_samples(X), rtol=1e-5
    )
    net.compile("adam", GaussianReconstruction(), jit_compile=False)
    assert net.count_params() == count - 1
    net.load_weights(tmp_path / "net.weights.h5")
    assert np.isfinite(net.fit(X, verbose=0).history["loss"]).all()


def test_reloaded_model_scores_alike(tmp_path):
    net = _vae(variance="learned", per_channel=True)
    net.fit(X, epochs=3, verbose=0)
    net.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(
        again.score_samples(X), net.score_samples(X), rtol=1e-5
    )


def test_weights_of_examples():
    weights = np.array([0, 0, 0, 0, 1, 1, 1, 1], "float32")
    net = _vae(variance="learned")
    whole = net.evaluate(
        X, X, sample_weight=weights, verbose=0, return_dict=True
    )
    half = net.evaluate(X[4:], verbose=0, return_dict=True)
    np.testing.assert_allclose(whole["kl_loss"] * 2, half["kl_loss"], rtol=1e-5)


def test_decoder_of_mean_and_log_variance(tmp_path):
    z = keras.Input((2,))
    both = keras.Model(z, [layers.Dense(6)(z), layers.Dense(6)(z)])
    net = compiled(
        VariationalAutoencoder(encoder(), both), GaussianReconstruction()
    )
    check_cycle(net, X, tmp_path)
    assert net.reconstruct(X).shape == X.shape
    net.compile("adam", GaussianReconstruction("learned"))
    with pytest.raises(ValueError, match="variance='learned'"):
        net.fit(X, verbose=0)


def test_errors():
    for wrong in (0, -1.0, "leraned"):
        with pytest.raises(ValueError, match=f"variance={wrong!r}"):
            GaussianReconstruction(wrong)
    with pytest.raises(ValueError, match="per_channel.*variance=1"):
        GaussianReconstruction(per_channel=True)
    with pytest.raises(ValueError, match="must be trained by a model"):
        GaussianReconstruction("learned")(X, MEAN)
    with pytest.raises(ValueError, match="each example"):
        _vae(variance="optimal").score_samples(X)
