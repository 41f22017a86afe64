"""Layers are channels-last whatever Keras' global setting is."""

import keras
import numpy as np
import pytest

from keras_capsvae import layers
from tests.helpers import numpy_of

IMAGE = (7, 6, 2)
CAPSULES = [(7, 6, 2, 4, 4), (7, 6, 2)]
LAYERS = {
    "primary": (lambda: layers.PrimaryCapsules(3, 4, 3), IMAGE),
    "primary matrix": (lambda: layers.PrimaryMatrixCapsules(3), IMAGE),
    "conv matrix": (lambda: layers.ConvMatrixCapsuleEM(3), CAPSULES),
    "class matrix": (lambda: layers.ClassMatrixCapsuleEM(3), CAPSULES),
    "gated": (lambda: layers.GatedConv1D(4), (7, 6)),
    "pooling": (lambda: layers.MaskedPooling(), (7, 6)),
    "window": (lambda: layers.RandomWindow(5, seed=0), IMAGE),
    "capsules": (lambda: layers.CapsuleLayer(3, 4), (7, 6)),
    "mask": (lambda: layers.CapsuleMask(), [(7, 6)]),
}


@pytest.fixture
def channels_first():
    before = keras.config.image_data_format()
    yield lambda: keras.config.set_image_data_format("channels_first")
    keras.config.set_image_data_format(before)


@pytest.mark.parametrize("name", LAYERS)
def test_values_do_not_depend_on_the_setting(name, channels_first):
    build, shape = LAYERS[name]
    random = np.random.default_rng(0)
    if isinstance(shape, list):
        inputs = [random.random((2, *one), "float32") for one in shape]
    else:
        inputs = random.random((2, *shape), "float32")
    layer = build()
    expected = numpy_of(layer(inputs))
    channels_first()
    other = build()
    other(inputs)
    for one, weight in zip(other.weights, layer.weights, strict=True):
        if "seed" not in one.path:
            one.assign(weight)
    received = numpy_of(other(inputs))
    for one, value in zip(
        keras.tree.flatten(received), keras.tree.flatten(expected), strict=True
    ):
        np.testing.assert_array_equal(one, value)
