"""MMD and total correlation against NumPy."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import GaussianLatent
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import MaximumMeanDiscrepancy
from keras_capsvae import StandardNormal
from keras_capsvae import TotalCorrelation
from keras_capsvae import VariationalAutoencoder
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.oracles import central_differences
from tests.own_nets import X
from tests.own_nets import check_cycle
from tests.own_nets import compiled
from tests.own_nets import decoder
from tests.own_nets import encoder

RANDOM = np.random.default_rng(0)
Z, MEAN, LOG_VAR, DRAWN = RANDOM.normal(size=(4, 5, 3)).astype("float32")
KERNELS = {
    "imq": lambda squares, width: width / (width + squares),
    "rbf": lambda squares, width: np.exp(-squares / width),
}


class Given:
    """Numbers that are known."""

    def normal(self, shape):
        return DRAWN


def _mmd(z, kernel, scales):
    """The U-statistic, pair by pair."""
    total, n = 0.0, len(z)
    for scale in scales:
        k = lambda a, b: KERNELS[kernel](((a - b) ** 2).sum(), 6 * scale)  # noqa: E731
        for i in range(n):
            for j in range(n):
                total -= 2 * k(z[i], DRAWN[j]) / n**2
                if i != j:
                    pair = k(z[i], z[j]) + k(DRAWN[i], DRAWN[j])
                    total += pair / (n * (n - 1))
    return total


@pytest.mark.parametrize("kernel", KERNELS)
def test_mmd_and_its_gradients(kernel):
    scales = (0.5, 2.0)
    mmd = MaximumMeanDiscrepancy(3.0, kernel, scales)

    def mean(z):
        terms = mmd.terms(StandardNormal(), Given(), z, MEAN, LOG_VAR)
        return ops.mean(terms["mmd"])

    expected = _mmd(Z.astype("float64"), kernel, scales)
    np.testing.assert_allclose(float(mean(ops.array(Z))), expected, rtol=1e-4)
    (received,) = gradient(mean, Z)
    expected = central_differences(lambda z: _mmd(z, kernel, scales), Z)
    np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-6)
    penalty = mmd.penalty({"mmd": ops.array([2.0])})
    np.testing.assert_allclose(numpy_of(penalty), [6.0])


def _log_normal(z, mean, log_var):
    return -0.5 * (
        (z - mean) ** 2 / np.exp(log_var) + log_var + np.log(2 * np.pi)
    )


def _total_correlation_terms(z, mean, log_var, estimator, size):
    """Each term of each example, weight by weight."""
    batch = len(z)
    values = []
    for i in range(batch):
        weights = np.full(batch, 1 / (size * batch))
        if estimator == "stratified":
            weights = np.full(batch, 1 / (batch - 1))
            weights[(i + 1) % batch] -= 1 / size
            weights[i] = 1 / size
        dims = np.exp(_log_normal(z[i], mean, log_var))  # (batch, d)
        joint = np.log((weights * dims.prod(1)).sum())
        apart = np.log((weights[:, None] * dims).sum(0)).sum()
        own = _log_normal(z[i], mean[i], log_var[i]).sum()
        prior = _log_normal(z[i], 0, 0).sum()
        values.append([own - joint, joint - apart, apart - prior])
    return np.array(values)


@pytest.mark.parametrize("estimator", ["stratified", "weighted"])
def test_total_correlation_and_its_gradients(estimator):
    tc = TotalCorrelation(4.0, estimator, dataset_size=20)

    def terms(*arrays):
        return tc.terms(StandardNormal(), None, *map(ops.array, arrays))

    def expected(*arrays):
        return _total_correlation_terms(*arrays, estimator, 20)

    arrays = [Z, MEAN, LOG_VAR]
    wide = [array.astype("float64") for array in arrays]
    received = terms(*arrays)
    assert tuple(received) == tc.term_names
    np.testing.assert_allclose(
        np.stack([numpy_of(one) for one in received.values()], 1),
        expected(*wide),
        rtol=1e-4,
        atol=1e-5,
    )
    gradients = gradient(
        lambda *given: ops.sum(tc.penalty(terms(*given))), *arrays
    )
    for place, one in enumerate(gradients):

        def penalty(array, place=place):
            given = [*wide[:place], array, *wide[place + 1 :]]
            return 3 * expected(*given)[:, 1].sum()

        np.testing.assert_allclose(
            one,
            central_differences(penalty, arrays[place]),
            rtol=1e-3,
            atol=1e-4,
        )


def test_stratified_weights_sum_to_one():
    weights = np.exp(
        numpy_of(TotalCorrelation(dataset_size=9)._log_weights(4, "float32"))
    )
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)


def _vae(regulariser, **latent):
    net = VariationalAutoencoder(
        encoder(), decoder(), GaussianLatent(regulariser=regulariser, **latent)
    )
    return compiled(net, BernoulliReconstruction(), jit_compile=False)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["mmd", "tc"])
def test_trains_reports_and_reloads(name, tmp_path):
    net = _vae(name, kl_weight=0.5)
    again = check_cycle(net, X, tmp_path)
    history = net.fit(X, batch_size=3, verbose=0).history
    regulariser = net.latent.regulariser
    added = regulariser.penalty(
        {key: np.array(history[key]) for key in regulariser.term_names}
    )
    elbo = np.add(history["reconstruction_loss"], history["kl_loss"])
    np.testing.assert_allclose(history["negative_elbo"], elbo, rtol=1e-5)
    expected = elbo - 0.5 * np.array(history["kl_loss"]) + added
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-4)
    assert again.latent.regulariser.get_config() == regulariser.get_config()


@pytest.mark.thorough
def test_training_fills_in_the_size_of_the_data(tmp_path):
    net = _vae("tc")
    net.fit(X, batch_size=4, verbose=0)
    assert float(net.latent.regulariser.size) == len(X)
    net.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    assert float(again.latent.regulariser.size) == len(X)
    batches = ((X[:4],) for _ in range(2))
    with pytest.raises(ValueError, match="`dataset_size` must be given"):
        net.fit(batches, steps_per_epoch=2, verbose=0)
    net = _vae(TotalCorrelation(dataset_size=50))
    batches = ((X[:4],) for _ in range(3))
    net.fit(batches, steps_per_epoch=2, verbose=0)
    assert float(net.latent.regulariser.size) == 50


def test_weights_of_examples_weigh_the_terms():
    net = _vae("tc")
    net.encoder.layers[-1].bias.assign([-80.0, -80.0])  # no noise
    arguments = {"verbose": 0, "return_dict": True, "batch_size": 8}
    whole = net.evaluate(X, **arguments)
    twice = net.evaluate(X, X, sample_weight=np.full(8, 2.0), **arguments)
    for name in net.latent.term_names:
        np.testing.assert_allclose(twice[name], 2 * whole[name], rtol=1e-4)


@pytest.mark.thorough
def test_mmd_draws_latents_to_the_prior():
    """A Wasserstein autoencoder of latents that start far from N(0, 1)."""
    x, z = keras.Input((2,)), keras.Input((2,))
    start = keras.initializers.Constant(3.0)
    heads = [
        layers.Dense(2, bias_initializer=start)(x),
        layers.Dense(2, kernel_initializer="zeros", trainable=False)(x),
    ]
    net = VariationalAutoencoder(
        keras.Model(x, heads),
        keras.Model(z, layers.Dense(2, "sigmoid")(z)),
        GaussianLatent(
            regulariser=MaximumMeanDiscrepancy(100.0), kl_weight=0.0, seed=0
        ),
    )
    loss = BernoulliReconstruction()
    net.compile(keras.optimizers.Adam(0.05), loss=loss, jit_compile=False)
    data = np.random.default_rng(0).random((64, 2), "float32")
    mmd = net.fit(data, batch_size=64, epochs=80, verbose=0).history["mmd"]
    assert mmd[-1] < 0.1 * mmd[0]
    assert np.abs(net.encode(data).mean(0)).max() < 1


def test_errors():
    with pytest.raises(TypeError, match="'mdm'"):
        GaussianLatent(regulariser="mdm")
    with pytest.raises(ValueError, match="kernel='linear'"):
        MaximumMeanDiscrepancy(kernel="linear")
    with pytest.raises(ValueError, match="estimator='exact'"):
        TotalCorrelation(estimator="exact")
    with pytest.raises(ValueError, match="dataset_size=0"):
        TotalCorrelation(dataset_size=0)
    latent = GaussianLatent(regulariser="mmd")
    with pytest.raises(ValueError, match="a penalty of its own"):
        ImportanceWeightedAutoencoder(encoder(), decoder(), latent)
