import keras
import numpy as np
import pytest

import zoo
from tests import capsule_oracles as oracles
from tests.helpers import numpy_of

SHAPE = (17, 15, 3)


@pytest.fixture(scope="module")
def net():
    return zoo.efficient_capsnet(SHAPE, num_classes=3, seed=0)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((4, *SHAPE), "float32")


def count(model):
    return sum(np.size(weight) for weight in model.trainable_weights)


def test_the_parameters_are_those_of_the_paper():
    net = zoo.efficient_capsnet(compile=False)
    assert (count(net.encoder), count(net.decoder)) == (161_824, 1_411_344)


def test_large_images_need_no_more_capsules():
    net = zoo.efficient_capsnet((64, 64, 3), num_classes=26, compile=False)
    assert net.get_layer("primary").output.shape == (None, 16, 8)
    assert count(net.encoder) < 300_000


def test_the_decoder_is_told_where_it_is_large_and_may_be_left_out():
    with pytest.warns(UserWarning, match="154,857,984.*decoder_units=None"):
        zoo.efficient_capsnet((224, 224, 3), 5, compile=False)
    net = zoo.efficient_capsnet(
        (224, 224, 3), 5, decoder_units=None, compile=False
    )
    assert net.decoder is None


def test_class_capsules_follow_from_the_depthwise_convolution(net, images):
    below = keras.Model(net.inputs, net.get_layer("depthwise").output)
    parts = below.predict(images, verbose=0).reshape(4, 16, 8)
    squash = oracles.ACTIVATIONS["exponential_squash"]
    kernel, bias = map(numpy_of, net.get_layer("capsules").weights)
    votes = oracles.votes(squash(parts), kernel)
    centres = oracles.self_attention(votes, bias, squash=squash)
    received = net.capsules(images)
    np.testing.assert_allclose(received, centres, rtol=1e-4, atol=1e-6)
    lengths = np.linalg.norm(received, axis=-1)
    np.testing.assert_allclose(net.predict(images), lengths, rtol=1e-5)


def test_the_loss_is_the_margin_loss_and_the_weighted_mean_error(net, images):
    labels = np.array([0, 2, 1, 2])
    figures = net.evaluate(images, labels, verbose=0, return_dict=True)
    errors = (net.reconstruct(images, labels) - images) ** 2
    margin = oracles.margin_loss(np.eye(3)[labels], net.predict(images))
    expected = margin.mean() + 0.392 * errors.mean()
    np.testing.assert_allclose(figures["loss"], expected, rtol=1e-4)


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="mse_weight=-1"):
        zoo.efficient_capsnet(mse_weight=-1)
