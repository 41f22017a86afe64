import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import GaussianReconstruction
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.models import likelihood
from tests import oracles
from zoo.likelihood import elbo
from zoo.likelihood import log_likelihood

DIM, LATENT, VARIANCE = 4, 2, 0.5


def linear_gaussian(cls=VariationalAutoencoder, width=1.3, **options):
    """A VAE whose ln q(x) is known; its posterior is not the true one."""
    random = np.random.default_rng(0)
    x = keras.Input((DIM,))
    heads = [keras.layers.Dense(LATENT, name=n) for n in ("mean", "log_var")]
    encoder = keras.Model(x, [head(x) for head in heads])
    z = keras.Input((LATENT,))
    pixels = keras.layers.Dense(DIM, name="pixels")
    model = cls(encoder, keras.Model(z, pixels(z)), **options)
    model.compile("sgd", GaussianReconstruction(VARIANCE), jit_compile=False)
    kernel = random.normal(size=(LATENT, DIM))
    bias = random.normal(size=DIM)
    precision = np.eye(LATENT) + kernel @ kernel.T / VARIANCE
    pull = kernel.T @ np.linalg.inv(precision) / VARIANCE
    pixels.set_weights([kernel, bias])
    heads[0].set_weights([pull, -bias @ pull])
    spread = np.log(width**2 / np.diag(precision))
    heads[1].set_weights([np.zeros((DIM, LATENT)), spread])
    z = random.normal(size=(12, LATENT))
    x = z @ kernel + bias + VARIANCE**0.5 * random.normal(size=(12, DIM))
    exact = oracles.linear_gaussian_log_likelihood(x, kernel, bias, VARIANCE)
    return model, x.astype("float32"), exact


@pytest.mark.parametrize("num_samples", [1, 10, 1000])
def test_the_weights_average_to_the_likelihood(num_samples):
    model, x, exact = linear_gaussian()
    repeats = 20_000 // num_samples
    many = np.repeat(x, repeats, axis=0)
    logs = log_likelihood(model, many, num_samples, verbose=0)
    ratios = np.exp(logs.reshape(12, repeats) - exact[:, None])
    error = ratios.std(axis=1, ddof=1) / repeats**0.5
    # Three standard errors for the mean, four for each of twelve examples.
    assert (abs(ratios.mean(axis=1) - 1) < 4 * error).all()
    mean_error = (error**2).sum() ** 0.5 / 12
    assert abs(ratios.mean() - 1) < 3 * mean_error


def test_the_bound_rises_with_every_sample_to_the_likelihood():
    model, x, exact = linear_gaussian()
    many = np.repeat(x, 200, axis=0)
    means = [
        log_likelihood(model, many, count, verbose=0).mean()
        for count in (1, 10, 1000)
    ]
    assert means == sorted(means)
    assert means[-1] == pytest.approx(exact.mean(), abs=0.01)
    assert means[0] < exact.mean() - 0.1
    assert elbo(model, many, 5, verbose=0).mean() == pytest.approx(
        means[0], abs=0.1
    )


@pytest.mark.parametrize("num_samples", [1, 10, 1000])
def test_the_loss_of_a_model_is_minus_the_same_bound(num_samples):
    model, x, _ = linear_gaussian(
        ImportanceWeightedAutoencoder, num_samples=num_samples
    )
    many = np.repeat(x, 300, axis=0)
    received = -model.evaluate(many, verbose=0, return_dict=True)["loss"]
    values = log_likelihood(model, many, num_samples, verbose=0)
    error = values.reshape(12, 300).std(axis=1).mean() / len(many) ** 0.5
    assert abs(received - values.mean()) < 3 * 2**0.5 * error + 1e-4


def test_the_true_posterior_needs_one_sample():
    model, x, exact = linear_gaussian()
    # Orthogonal columns make the true posterior diagonal.
    layer = model.decoder.get_layer("pixels")
    kernel = 2 * np.eye(LATENT, DIM)
    layer.set_weights([kernel, np.zeros(DIM)])
    precision = 1 + 4 / VARIANCE
    model.encoder.get_layer("mean").set_weights(
        [kernel.T / VARIANCE / precision, np.zeros(LATENT)]
    )
    model.encoder.get_layer("log_var").set_weights(
        [np.zeros((DIM, LATENT)), np.full(LATENT, -np.log(precision))]
    )
    exact = oracles.linear_gaussian_log_likelihood(x, kernel, 0, VARIANCE)
    received = log_likelihood(model, x, 1, verbose=0)
    np.testing.assert_allclose(received, exact, rtol=1e-5)
    received = elbo(model, x, 4000, verbose=0)
    np.testing.assert_allclose(received, exact, atol=0.1)


def test_chunks_do_not_change_the_estimate(monkeypatch):
    model, x, exact = linear_gaussian()
    sizes = []
    estimator = likelihood._Estimator

    def counted(model, size, seed):
        sizes.append(size)
        return estimator(model, size, seed)

    monkeypatch.setattr(likelihood, "_Estimator", counted)
    megabytes = 300 * 4 * DIM / 2**20
    values = log_likelihood(
        model, x, 2000, chunk_megabytes=megabytes, verbose=0
    )
    assert sizes == [285, 286]
    np.testing.assert_allclose(values, exact, atol=0.15)


def test_an_example_larger_than_a_chunk():
    model, x, _ = linear_gaussian()
    small = {"chunk_megabytes": 1e-6, "verbose": 0}
    for function in (log_likelihood, elbo):
        alone = [function(model, x[i : i + 1], 1, verbose=0) for i in (0, 1)]
        received = function(model, x[:1], 1, **small)
        np.testing.assert_allclose(received, alone[0], rtol=1e-6)
        assert function(model, x[:2], 3, **small).shape == (2,)


def test_chunks_of_two_sizes_share_no_noise(monkeypatch):
    model, x, _ = linear_gaussian()
    drawn = []
    normal = keras.random.normal

    def recorded(shape, **options):
        noise = normal(shape, **options)
        drawn.append(keras.ops.convert_to_numpy(noise).ravel())
        return noise

    monkeypatch.setattr(keras.random, "normal", recorded)
    monkeypatch.setattr(
        likelihood._Estimator,
        "predict",
        lambda self, x, **options: keras.ops.convert_to_numpy(self(x)),
    )
    megabytes = 3 * 4 * DIM / 2**20
    log_likelihood(model, x[:2], 8, chunk_megabytes=megabytes, verbose=0)
    values = np.concatenate(drawn)
    assert len(drawn) == 3
    assert len(np.unique(values)) == len(values)


def test_chunks_are_weighed_by_their_samples():
    chunks = [(1, np.log([2.0])), (3, np.log([6.0]))]
    received = likelihood._mean_of_exponentials(chunks)
    np.testing.assert_allclose(received, np.log([5.0]))


def test_conditional_model():
    model = zoo.conditional_vae(5, 3, intermediate_dim=4, jit_compile=False)
    x = np.random.default_rng(0).random((6, 5), "float32")
    labels = np.eye(3, dtype="float32")[np.arange(6) % 3]
    values = log_likelihood(model, [x, labels], 2000, verbose=0)
    bounds = elbo(model, [x, labels], 2000, verbose=0)
    assert values.shape == bounds.shape == (6,)
    assert (values > bounds).all()
    loss = model.evaluate([x, labels], verbose=0)
    assert -bounds.mean() == pytest.approx(np.ravel(loss)[0], abs=0.3)


def test_a_seed_fixes_the_estimate():
    model, x, _ = linear_gaussian()
    one, same, other = (
        log_likelihood(model, x, 5, seed=seed, verbose=0) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_what_cannot_be_estimated():
    model, x, _ = linear_gaussian()
    for function in (log_likelihood, elbo):
        with pytest.raises(ValueError, match="num_samples=0"):
            function(model, x, 0)
        with pytest.raises(
            TypeError, match="must be a VAE.*Received: Functional"
        ):
            function(model.decoder, x)
        with pytest.raises(ValueError, match=r"shape \(batch, 4\)"):
            function(model, x[:, :3])
        with pytest.raises(ValueError, match="ReconstructionLoss.*loss='mse'"):
            function(zoo.dense_vae(4, loss="mse"), x)
        with pytest.raises(ValueError, match="must be finite"):
            function(model, np.full((2, 4), np.nan))


def test_data_out_of_range_have_a_score():
    model = zoo.dense_vae(4, jit_compile=False)
    values = log_likelihood(model, 255 * np.ones((2, 4)), 3, verbose=0)
    assert np.isfinite(values).all()
