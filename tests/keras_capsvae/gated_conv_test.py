import keras
import numpy as np
import pytest
from keras import ops

from keras_capsvae import GatedConv1D
from tests.helpers import check_layer
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.oracles import central_differences


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"filters": 3, "kernel_size": 2, "use_bias": True},
        {"residual": True, "dilation_rate": 2},
    ],
)
def test_contract(arguments):
    check_layer(GatedConv1D, arguments, (7, 4))


def oracle(x, kernel, bias=0.0, residual=False, dilation=1):
    """Each output of each step, as the sum it is."""
    x, kernel = np.asarray(x, "float64"), np.asarray(kernel, "float64")
    size, _, doubled = kernel.shape
    convolved = np.zeros((*x.shape[:2], doubled))
    before = dilation * (size - 1) // 2
    for step in range(x.shape[1]):
        for tap in range(size):
            seen = step - before + tap * dilation
            if 0 <= seen < x.shape[1]:
                convolved[:, step] += x[:, seen] @ kernel[tap]
    linear, gate = np.split(convolved + bias, 2, axis=-1)
    gated = linear / (1 + np.exp(-gate))
    return gated + x if residual else gated


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_values_and_gradients(size, dilation, residual):
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 8, 3))
    layer = GatedConv1D(None, size, residual, dilation)
    layer.build(x.shape)
    kernel = numpy_of(layer.kernel).astype("float64")
    assert kernel.shape == (size, 3, 6)
    options = {"residual": residual, "dilation": dilation}
    np.testing.assert_allclose(
        numpy_of(layer(x)), oracle(x, kernel, **options), atol=1e-5
    )
    weights = random.normal(size=x.shape)

    def loss(x, kernel):
        outputs, _ = layer.stateless_call([kernel], [], x)
        return ops.sum(ops.multiply(outputs, weights.astype("float32")))

    received = gradient(loss, x.astype("float32"), kernel.astype("float32"))
    expected = (
        central_differences(
            lambda one: (oracle(one, kernel, **options) * weights).sum(), x
        ),
        central_differences(
            lambda one: (oracle(x, one, **options) * weights).sum(), kernel
        ),
    )
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_bias_and_other_filters():
    x = np.random.default_rng(0).normal(size=(2, 6, 3))
    layer = GatedConv1D(5, use_bias=True, bias_initializer="random_normal")
    received = numpy_of(layer(x))
    assert received.shape == (2, 6, 5)
    expected = oracle(x, numpy_of(layer.kernel), numpy_of(layer.bias))
    np.testing.assert_allclose(received, expected, atol=1e-5)


@pytest.mark.parametrize("residual", [False, True])
def test_masked_steps_are_as_if_they_were_not_there(residual):
    random = np.random.default_rng(0)
    layer = GatedConv1D(residual=residual)
    tensor = keras.Input((None, 3))
    masked = keras.layers.Masking(mask_value=9.0)(tensor)
    model = keras.Model(tensor, layer(layer(masked)))
    for length in (2, 5):
        x = np.full((1, 8, 3), 9.0)
        x[:, :length] = random.normal(size=(1, length, 3))
        received = model.predict(x, verbose=0)
        short = model.predict(x[:, :length], verbose=0)
        np.testing.assert_allclose(received[:, :length], short, atol=1e-5)
        assert not received[:, length:].any()


def test_the_mask_goes_on():
    tensor = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(5, 3, mask_zero=True)(tensor)
    pooled = keras.layers.GlobalAveragePooling1D()(GatedConv1D()(embedded))
    model = keras.Model(tensor, pooled)
    np.testing.assert_allclose(
        model.predict(np.array([[1, 2, 0, 0]]), verbose=0),
        model.predict(np.array([[1, 2]]), verbose=0),
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 0}, "kernel_size=0"),
        ({"dilation_rate": 0}, "dilation_rate=0"),
        ({"filters": 0}, "filters=0"),
    ],
)
def test_sizes(arguments, message):
    with pytest.raises(ValueError, match=message):
        GatedConv1D(**arguments)


def test_residual_needs_the_filters_of_the_input():
    with pytest.raises(ValueError, match="filters=4 for an input of 3"):
        GatedConv1D(4, residual=True)(np.ones((1, 5, 3)))


@pytest.mark.parametrize("shape", [(5, 3), (2, 5, 3, 1)])
def test_rank(shape):
    with pytest.raises(ValueError, match="batch, steps, c"):
        GatedConv1D()(np.ones(shape))
