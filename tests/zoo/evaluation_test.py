import numpy as np
import pytest

import zoo
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


def test_evaluate_adds_up(images):
    figures = evaluation.evaluate(
        model_with_means([1.0, 1.0, 1.0]), images, batch_size=20, verbose=0
    )
    total = figures["reconstruction_loss"] + figures["kl_loss"]
    assert figures["loss"] == pytest.approx(total, rel=1e-6)
    assert figures["active_units"] == 3


def test_evaluate_takes_labels_of_a_conditional_model(images):
    model = zoo.conditional_vae(16, num_classes=3, intermediate_dim=8)
    labels = np.arange(50) % 3
    assert np.isfinite(
        evaluation.evaluate(model, images, labels, verbose=0)["loss"]
    )
    with pytest.raises(ValueError, match="Labels must lie"):
        evaluation.evaluate(model, images, labels + 1, verbose=0)


def test_active_units_need_two_images(images):
    with pytest.raises(ValueError, match="at least 2 images"):
        evaluation.active_units(model_with_means([1.0, 1.0, 1.0]), images[:1])
