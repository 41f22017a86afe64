"""The discretised logistic against sums over its 256 values."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from keras_capsvae import DiscretisedLogisticReconstruction
from keras_capsvae import VariationalAutoencoder
from keras_capsvae import bits_per_dim
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.oracles import central_differences
from tests.own_nets import X
from tests.own_nets import check_cycle
from tests.own_nets import compiled
from tests.own_nets import decoder
from tests.own_nets import encoder

RANDOM = np.random.default_rng(0)
LEVELS = np.arange(256)
IMAGES = (RANDOM.integers(0, 256, (4, 6)) / 255).astype("float32")
IMAGES[0, :2] = 0, 1
MEAN = RANDOM.random((4, 6), "float32")
LOG_SCALE = RANDOM.uniform(-3, 0, (4, 6)).astype("float32")


def _cumulative(edge, mean, scale):
    return 1 / (1 + np.exp(-(edge - mean) / scale))


def _nats(x, mean, log_scale):
    """−ln of each probability, value by value, (batch,)."""
    total = np.zeros(len(x))
    for index in np.ndindex(*x.shape):
        level, scale = round(x[index] * 255), np.exp(log_scale[index])
        upper = _cumulative((level + 0.5) / 255, mean[index], scale)
        lower = _cumulative((level - 0.5) / 255, mean[index], scale)
        upper = 1.0 if level == 255 else upper
        lower = 0.0 if level == 0 else lower
        total[index[0]] -= np.log(upper - lower)
    return total


def test_nats_and_gradients():
    loss = DiscretisedLogisticReconstruction()
    wide = [one.astype("float64") for one in (IMAGES, MEAN, LOG_SCALE)]
    received = numpy_of(loss.error(IMAGES, [MEAN, LOG_SCALE]))
    np.testing.assert_allclose(received, _nats(*wide), rtol=1e-5)
    received = gradient(
        lambda mean, log_scale: ops.sum(loss.error(IMAGES, [mean, log_scale])),
        MEAN,
        LOG_SCALE,
    )
    for place, one in enumerate(received, start=1):

        def total(array, place=place):
            given = [*wide[:place], array, *wide[place + 1 :]]
            return _nats(*given).sum()

        expected = central_differences(total, wide[place])
        np.testing.assert_allclose(one, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("mean", [-0.3, 0.0, 0.4321, 1.0, 1.7])
@pytest.mark.parametrize("scale", [1e-4, 0.01, 0.3, 20.0])
def test_256_probabilities_sum_to_one(mean, scale):
    x = (LEVELS / 255).astype("float32")[:, None]
    loss = DiscretisedLogisticReconstruction(scale)
    nats = numpy_of(loss.error(x, np.full_like(x, mean))).astype("float64")
    np.testing.assert_allclose(np.exp(-nats).sum(), 1, rtol=1e-4)


def test_far_away_and_sharp_stays_finite():
    loss = DiscretisedLogisticReconstruction()
    x, mean = np.array([[0.5, 0.0]], "float32"), np.array([[9.0, -9.0]])
    log_scale = np.array([[-12.0, 70.0]], "float32")
    received = gradient(
        lambda *given: ops.sum(loss.error(x, list(given))),
        mean.astype("float32"),
        log_scale,
    )
    assert np.isfinite(float(loss(x, [mean.astype("float32"), log_scale])))
    assert all(np.isfinite(one).all() for one in received)


def test_bits():
    uniform = 3 * np.log(256)
    np.testing.assert_allclose(bits_per_dim([uniform, 0.0], 3), [8, 0])
    with pytest.raises(ValueError, match="dims=0"):
        bits_per_dim(1.0, 0)


def test_trains_a_scale_and_reloads(tmp_path):
    net = compiled(
        VariationalAutoencoder(encoder(), decoder()),
        DiscretisedLogisticReconstruction("learned", per_channel=True),
        jit_compile=False,
    )
    again = check_cycle(net, X, tmp_path)
    assert net.loss.learned_scale.shape == (6,)
    assert (net.loss.learned_scale != np.float32(0.1)).all()
    assert again.loss.get_config() == net.loss.get_config()
    assert np.isfinite(net.score_samples(X)).all()


def test_decoder_of_mean_and_log_scale(tmp_path):
    z = keras.Input((2,))
    both = keras.Model(z, [layers.Dense(6)(z), layers.Dense(6)(z)])
    net = compiled(
        VariationalAutoencoder(encoder(), both),
        DiscretisedLogisticReconstruction(),
        jit_compile=False,
    )
    assert len(net.trainable_variables) == 8
    check_cycle(net, X, tmp_path)


def test_errors():
    for wrong in (0, -1.0, "optimal"):
        with pytest.raises(ValueError, match=f"scale={wrong!r}"):
            DiscretisedLogisticReconstruction(wrong)
    with pytest.raises(ValueError, match="per_channel.*scale=0.1"):
        DiscretisedLogisticReconstruction(0.1, per_channel=True)
    with pytest.raises(ValueError, match="levels=1"):
        DiscretisedLogisticReconstruction(levels=1)
    loss = DiscretisedLogisticReconstruction(0.1)
    with pytest.raises(ValueError, match="scale=0.1"):
        loss(IMAGES, [MEAN, LOG_SCALE])
