import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import BernoulliReconstruction
from keras_capsvae import VariationalAutoencoder
from keras_capsvae import VonMisesFisherLatent
from zoo import evaluation


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((50, 16)).astype("float32")


def model_with_means(scale):
    """A VAE whose posterior means are `scale` times the first pixels."""
    model = zoo.dense_vae(16, latent_dim=3, intermediate_dim=16, seed=0)
    model.encoder.get_layer("encoder_hidden").set_weights(
        [np.eye(16), np.zeros(16)]
    )
    kernel = np.zeros((16, 3), "float32")
    kernel[[0, 1, 2], [0, 1, 2]] = scale
    model.encoder.get_layer("z_mean").set_weights([kernel, np.zeros(3)])
    return model


def test_active_units_are_those_whose_mean_varies(images):
    # A uniform pixel has variance 1/12; the mean of the second one 1e-4 of it.
    model = model_with_means([1.0, 0.01, -2.0])
    assert evaluation.active_units(model, images) == 2


def test_units_of_a_sphere_are_held_against_its_prior():
    """Directions all over the sphere have a variance of 1/d in each dim."""
    x, z = keras.Input((128,)), keras.Input((128,))
    model = VariationalAutoencoder(
        keras.Model(x, keras.layers.UnitNormalization()(x)),
        keras.Model(z, keras.layers.Dense(128)(z)),
        VonMisesFisherLatent(10.0),
    )
    vectors = np.random.default_rng(0).normal(size=(200, 128))
    assert evaluation.active_units(model, vectors) == 128


def test_evaluate_adds_up(images):
    figures = evaluation.evaluate(
        model_with_means([1.0, 1.0, 1.0]), images, batch_size=20, verbose=0
    )
    total = figures["reconstruction_loss"] + figures["kl_loss"]
    assert figures["loss"] == pytest.approx(total, rel=1e-6)
    assert figures["active_units"] == 3


def test_evaluate_counts_a_divergence_below_the_free_bits(images):
    parts = zoo.dense_vae(16, 3, 8, seed=1)
    model = VariationalAutoencoder(parts.encoder, parts.decoder, free_bits=9.0)
    model.compile(loss=BernoulliReconstruction())
    figures = evaluation.evaluate(model, images, verbose=0)
    mean, log_var = model.encoder.predict(images, verbose=0)
    each = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1).sum(-1)
    assert figures["kl_loss"] == pytest.approx(each.mean(), rel=1e-5)
    total = figures["kl_loss"] + figures["reconstruction_loss"]
    assert figures["loss"] == pytest.approx(total)


def test_evaluate_takes_labels_of_a_conditional_model(images):
    model = zoo.conditional_vae(16, num_classes=3, intermediate_dim=8)
    labels = np.arange(50) % 3
    assert np.isfinite(
        evaluation.evaluate(model, images, labels, verbose=0)["loss"]
    )
    with pytest.raises(ValueError, match="`labels` must lie"):
        evaluation.evaluate(model, images, labels + 1, verbose=0)


def test_codes_have_no_active_units(images):
    model = zoo.gumbel_vae((4, 4, 1), 2, 3, seed=0)
    x = images[:2].reshape(-1, 4, 4, 1)
    assert "active_units" not in evaluation.evaluate(model, x, verbose=0)
    with pytest.raises(ValueError, match="GumbelSoftmaxLatent"):
        evaluation.active_units(model, x)


def test_active_units_need_two_images(images):
    with pytest.raises(ValueError, match="at least 2 images"):
        evaluation.active_units(model_with_means([1.0, 1.0, 1.0]), images[:1])


def test_posterior_deviations(images):
    model = model_with_means([1.0, 1.0, 1.0])
    model.encoder.get_layer("z_log_var").set_weights(
        [np.zeros((16, 3)), 2 * np.log([0.1, 1.0, 3.0])]
    )
    received = evaluation.posterior_deviations(model, images)
    np.testing.assert_allclose(received, [[0.1, 1.0, 3.0]] * 50, rtol=1e-5)


@pytest.mark.parametrize("rows", [7, 400])
def test_mutual_information(images, rows, monkeypatch):
    monkeypatch.setattr("zoo.evaluation.figures.PAIRED_ROWS", rows)
    narrow = model_with_means([1.0, 1.0, 1.0])
    head = narrow.encoder.get_layer("z_log_var")
    head.set_weights([np.zeros((16, 3)), np.full(3, -20.0)])
    received = evaluation.mutual_information(narrow, images)
    assert received == pytest.approx(np.log(50), rel=1e-6)
    collapsed = model_with_means([0.0, 0.0, 0.0])
    collapsed.encoder.get_layer("z_log_var").set_weights(
        [np.zeros((16, 3)), np.zeros(3)]
    )
    received = evaluation.mutual_information(collapsed, images)
    assert received == pytest.approx(0, abs=1e-12)


def test_mutual_information_of_two_gaussians():
    model = model_with_means([1.0, 0.0, 0.0])
    model.encoder.get_layer("z_log_var").set_weights(
        [np.zeros((16, 3)), np.zeros(3)]
    )
    x = np.zeros((2000, 16), "float32")
    x[1000:, 0] = 1.0
    # An even mixture of N(0, 1) and N(1, 1): entropy by quadrature.
    z = np.linspace(-9, 10, 20_001)
    mixture = (np.exp(-0.5 * z**2) + np.exp(-0.5 * (z - 1) ** 2)) / 2
    mixture /= (2 * np.pi) ** 0.5
    entropy = -np.sum(mixture * np.log(mixture)) * (z[1] - z[0])
    expected = entropy - 0.5 * np.log(2 * np.pi * np.e)
    received = evaluation.mutual_information(model, x)
    assert received == pytest.approx(expected, abs=0.03)


def test_an_importance_weighted_model_reports_its_bound(images):
    model = zoo.dense_vae(16, 2, 8, num_samples=20, seed=0, jit_compile=False)
    figures = evaluation.evaluate(model, images, verbose=0, num_samples=20)
    total = figures["reconstruction_loss"] + figures["kl_loss"]
    assert figures["loss"] < total
    assert -figures["log_likelihood"] == pytest.approx(figures["loss"], rel=0.1)
