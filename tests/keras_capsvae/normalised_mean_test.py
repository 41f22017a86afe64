import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from keras_capsvae import NormalisedMean
from keras_capsvae import VariationalAutoencoder
from tests.helpers import check_layer
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.oracles import central_differences
from tests.own_nets import X
from tests.own_nets import check_cycle
from tests.own_nets import compiled
from tests.own_nets import decoder

RANDOM = np.random.default_rng(0)
MEANS = RANDOM.normal(1, 3, (8, 2)).astype("float32")
BETA = np.array([0.3, -1.2])


def _layer(gamma):
    layer = NormalisedMean(gamma)
    layer.build((None, 2))
    layer.beta.assign(BETA)
    return layer


def _expected(z_mean, gamma):
    deviation = np.sqrt(z_mean.var(0) + 1e-8)
    return gamma * (z_mean - z_mean.mean(0)) / deviation + BETA


def test_values_and_gradients():
    layer = _layer(0.7)
    received = numpy_of(layer(MEANS, training=True))
    np.testing.assert_allclose(
        received, _expected(MEANS, 0.7), rtol=1e-4, atol=1e-5
    )
    weights = RANDOM.normal(size=MEANS.shape).astype("float32")
    (received,) = gradient(
        lambda x: ops.sum(ops.multiply(weights, layer(x, training=True))),
        MEANS,
    )
    expected = central_differences(
        lambda x: (weights * _expected(x, 0.7)).sum(), MEANS
    )
    np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
@pytest.mark.parametrize("log_var", [-2.0, 0.0, 1.0])
def test_the_divergence_has_a_floor(gamma, log_var):
    z_mean = numpy_of(_layer(gamma)(MEANS, training=True))
    square = (z_mean.astype("float64") ** 2).sum(1)
    kl = 0.5 * (square + 2 * (np.exp(log_var) - log_var - 1))
    floor = 0.5 * (BETA**2 + gamma**2).sum()
    assert kl.mean() >= floor * (1 - 1e-5)
    if log_var == 0:
        np.testing.assert_allclose(kl.mean(), floor, rtol=1e-4)


@pytest.mark.thorough
def test_training_never_goes_below_it(tmp_path):
    x = keras.Input((6,))
    heads = [NormalisedMean(1.5)(layers.Dense(2)(x)), layers.Dense(2)(x)]
    net = VariationalAutoencoder(keras.Model(x, heads), decoder())
    compiled(net, jit_compile=False)
    history = net.fit(X, batch_size=8, epochs=5, verbose=0).history
    assert min(history["kl_loss"]) >= 0.99 * 1.5**2  # ½ · 2 dims · γ²
    check_cycle(net, X, tmp_path)


def test_small_means_are_normalised_outside_of_training_too():
    layer = _layer(0.7)
    means = 1e-2 + 1e-3 * (MEANS - MEANS.mean(0)) / MEANS.std(0)
    for _ in range(3):  # of which statistics that start at 1 know nothing
        layer(means, training=True)
    np.testing.assert_allclose(
        numpy_of(layer(means)), _expected(means, 0.7), rtol=0.02, atol=0.02
    )


def test_contract():
    check_layer(NormalisedMean, {"gamma": 0.7}, (3,))


@pytest.mark.parametrize("gamma", [0, -1.0])
def test_wrong_gamma(gamma):
    with pytest.raises(ValueError, match=f"gamma={gamma}"):
        NormalisedMean(gamma)
