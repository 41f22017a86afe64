"""The convolutional VAEs: depth, width, shapes and the loss of the deep one."""

import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import GaussianReconstruction
from tests.helpers import upcoming_noise

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)


def convolutions(part):
    return [one for one in part.layers if isinstance(one, CONVOLUTIONS)]


def filters_of(model):
    parts = model.encoder, model.decoder
    return [[one.filters for one in convolutions(part)] for part in parts]


def test_depth_and_width_of_conv_vae():
    usual = zoo.conv_vae(compile=False)
    assert filters_of(usual) == [[32, 64], [64, 32, 1]]
    assert usual.encoder.get_layer("encoder_hidden").units == 16
    deep = zoo.conv_vae(
        (24, 8, 3), 5, filters=[3, 4, 6], hidden=7, compile=False
    )
    assert filters_of(deep) == [[3, 4, 6], [6, 4, 3, 3]]
    assert deep.encoder.get_layer("encoder_hidden").units == 7
    assert deep.decoder.get_layer("decoder_hidden").units == 3 * 1 * 6
    assert deep.decoder.output_shape == (None, 24, 8, 3)


def test_many_latents_do_not_hang_on_few_units():
    model = zoo.conv_vae(latent_dim=128, compile=False)
    assert model.encoder.get_layer("encoder_hidden").units == 128


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": ()}, r"a number for each layer.*filters=\(\)"),
        ({"filters": 32}, "a number for each layer.*filters=32"),
        ({"filters": (32, 0)}, "filters=0"),
        ({"hidden": 0}, "hidden=0"),
        ({"filters": (8, 8, 8)}, "height must be a multiple of 8.*32x32"),
    ],
)
def test_nets_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.conv_vae(**arguments)


@pytest.fixture(scope="module")
def deep():
    """A deep net of a wide RGBA image, a little trained, and images."""
    model = zoo.deep_conv_vae((32, 64, 4), 6, seed=0)
    images = np.random.default_rng(0).random((6, 32, 64, 4), "float32")
    model.fit(images, batch_size=4, verbose=0)
    return model, images


@pytest.mark.thorough
def test_the_deep_net_is_that_of_the_original(deep):
    model, images = deep
    assert filters_of(model) == [
        [32, 64, 128, 256, 512],
        [256, 128, 64, 32, 4],
    ]
    for part in (model.encoder, model.decoder):
        for one in convolutions(part):
            assert (one.kernel_size, one.strides) == ((5, 5), (2, 2))
            assert one.padding == "same"
    assert model.decoder.get_layer("decoder_hidden").units == 1 * 2 * 512
    assert model.generate(2, seed=0).shape == (2, *images.shape[1:])


@pytest.mark.thorough
def test_the_loss_of_the_deep_net_is_that_of_images_in_minus_one_to_one(deep):
    model, images = deep
    noise = upcoming_noise(model.latent.seed_generator, (6, 6))
    received = model.evaluate(images, verbose=0, return_dict=True)
    z_mean, z_log_var = model.posterior(images)
    decoded = model.decode(z_mean + np.exp(z_log_var / 2) * noise)
    x, mean = (2.0 * one.astype("float64") - 1 for one in (images, decoded))
    dims = x[0].size
    original = 0.5 * np.sum((x - mean) ** 2) / 6
    original += 0.5 * dims * np.log(2 * np.pi)
    expected = original - dims * np.log(2)  # a density on half the range
    assert received["reconstruction_loss"] == pytest.approx(expected, rel=1e-5)


def test_the_published_loss_of_the_original_is_near_its_constant():
    images = np.zeros((1, 64, 64, 3), "float32")
    constant = float(GaussianReconstruction()(images, images))
    assert 11_585.2258 - constant == pytest.approx(293.31, abs=0.03)


@pytest.mark.parametrize("shape", [(64, 48, 3), (100, 64, 3), (28, 28, 1)])
def test_sides_that_the_deep_net_cannot_give_back(shape):
    with pytest.raises(ValueError, match="must be a multiple of 32.*--resize"):
        zoo.deep_conv_vae(shape)
