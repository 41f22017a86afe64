import keras
import numpy as np
import pytest
from keras import ops

from keras_capsvae.layers.matmul_conv import MatmulConv2D
from keras_capsvae.layers.matmul_conv import convolve
from keras_capsvae.private_keras import computes_on_jax_cpu
from tests.helpers import gradient
from tests.helpers import numpy_of

CASES = [
    # image, kernel, strides
    ((7, 6, 2), (3, 3), (1, 1)),
    ((7, 6, 2), (3, 2), (2, 2)),
    ((9, 4, 128), (3, 2), (2, 1)),  # a product of two rows, one of one
    ((3, 4, 1), (3, 4), (1, 3)),
]


def arrays(image, kernel):
    random = np.random.default_rng(0)
    images = random.normal(size=(2, *image)).astype("float32")
    shape = (*kernel, image[-1], 4)
    scale = np.prod(shape[:3]) ** -0.5
    return images, (scale * random.normal(size=shape)).astype("float32")


def check_close(received, expected):
    atol = 1e-5 * np.max(np.abs(expected))
    np.testing.assert_allclose(received, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("image", "kernel", "strides"), CASES)
def test_value_and_gradients_are_those_of_keras(
    image, kernel, strides, padding
):
    images, weights = arrays(image, kernel)

    def usual(images, weights):
        outputs = ops.conv(images, weights, strides, padding, "channels_last")
        return ops.sum(ops.sin(outputs))

    def products(images, weights):
        return ops.sum(ops.sin(convolve(images, weights, strides, padding)))

    outputs = convolve(images, weights, strides, padding)
    expected = ops.conv(images, weights, strides, padding, "channels_last")
    check_close(numpy_of(outputs), numpy_of(expected))
    for received, expected in zip(
        gradient(products, images, weights), gradient(usual, images, weights)
    ):
        check_close(received, expected)


LAYERS = {
    "large": {},
    "same": {"padding": "same", "strides": 2},
    "narrow": {"filters": 3},
    "dilated": {"dilation_rate": 2},
    "in groups": {"groups": 2},
}


@pytest.mark.parametrize("name", LAYERS)
def test_contract_is_that_of_keras(name):
    arguments = {"filters": 128, "kernel_size": 8, **LAYERS[name]}
    images = np.random.default_rng(0).random((2, 17, 16, 4), "float32")
    usual = keras.layers.Conv2D(**arguments)
    expected = numpy_of(usual(images))
    layer = MatmulConv2D.from_config(usual.get_config())
    layer.build(images.shape)
    layer.set_weights(usual.get_weights())
    assert [w.name for w in layer.weights] == [w.name for w in usual.weights]
    check_close(numpy_of(layer(images)), expected)


@pytest.mark.parametrize("name", LAYERS)
def test_the_original_convolution_is_left_to_what_gains_nothing(name):
    if not computes_on_jax_cpu():
        pytest.skip("only JAX on a CPU has another")
    import jax

    layer = MatmulConv2D(**{"filters": 128, "kernel_size": 8, **LAYERS[name]})
    images = np.ones((2, 17, 16, 4), "float32")
    layer.build(images.shape)
    weights = [weight.value for weight in layer.weights]
    program = jax.make_jaxpr(layer.stateless_call)(weights, [], images)
    has_products = name in ("large", "same")
    assert ("conv_general_dilated" in str(program)) != has_products


def test_channels_first():
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow has no such convolution on a CPU")
    images = np.random.default_rng(0).random((2, 4, 17, 16), "float32")
    layer = MatmulConv2D(128, 8, 2, "same", data_format="channels_first")
    usual = keras.layers.Conv2D.from_config(layer.get_config())
    expected = numpy_of(usual(images))
    layer.build(images.shape)
    layer.set_weights(usual.get_weights())
    check_close(numpy_of(layer(images)), expected)


def test_images_of_any_size():
    layer = MatmulConv2D(128, 8, 3)
    tensor = keras.Input((None, None, 2))
    model = keras.Model(tensor, layer(tensor))
    assert model.output_shape == (None, None, None, 128)
    assert model.predict(np.ones((1, 11, 8, 2)), verbose=0).shape[1:3] == (2, 1)
