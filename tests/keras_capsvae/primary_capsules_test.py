import keras
import numpy as np
import pytest

from keras_capsvae import PrimaryCapsules
from tests import capsule_oracles as oracles
from tests.helpers import check_layer
from tests.helpers import numpy_of


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"strides": (2, 2), "activation": "tanh_squash", "use_bias": False},
        {"padding": "same", "squash_constant": 1.0},
    ],
)
def test_contract(arguments):
    arguments = {
        "num_channels": 3,
        "dim_capsules": 4,
        "kernel_size": (3, 3),
        **arguments,
    }
    check_layer(PrimaryCapsules, arguments, (7, 6, 2))


def test_a_capsule_is_neighbouring_filters_of_one_position():
    images = np.random.default_rng(0).normal(size=(2, 7, 6, 2))
    layer = PrimaryCapsules(3, 4, 3, strides=2, squash_constant=1.0)
    received = numpy_of(layer(images))
    features = numpy_of(layer.convolution(images))  # (2, 3, 2, 12)
    assert received.shape == (2, 3 * 2 * 3, 4)
    for row in range(3):
        for column in range(2):
            for channel in range(3):
                place = (row * 2 + column) * 3 + channel
                filters = features[:, row, column, 4 * channel :][:, :4]
                np.testing.assert_allclose(
                    received[:, place],
                    oracles.squash(filters, 1.0),
                    rtol=1e-4,
                    atol=1e-6,
                )


def test_images_of_any_size():
    layer = PrimaryCapsules(3, 4, 3)
    tensor = keras.Input((None, None, 2))
    model = keras.Model(tensor, layer(tensor))
    assert model.output_shape == (None, None, 4)
    for height, width in ((3, 3), (5, 8)):
        capsules = model.predict(np.ones((1, height, width, 2)), verbose=0)
        assert capsules.shape == (1, (height - 2) * (width - 2) * 3, 4)


def test_images_smaller_than_the_kernel():
    with pytest.raises(ValueError, match="at least 9 × 9.*Received: 8 × 20"):
        PrimaryCapsules(32, 8, 9)(np.ones((1, 8, 20, 1)))


def test_rank():
    with pytest.raises(ValueError, match="batch, height, width, channels"):
        PrimaryCapsules(32, 8, 9)(np.ones((1, 20, 1)))


@pytest.mark.parametrize("name", ["num_channels", "dim_capsules"])
def test_sizes(name):
    sizes = {"num_channels": 3, "dim_capsules": 4, name: 0}
    with pytest.raises(ValueError, match=f"{name}=0"):
        PrimaryCapsules(**sizes, kernel_size=3)
