import numpy as np
import pytest
from keras import ops

from keras_capsvae import CapsuleLength
from tests import capsule_oracles as oracles
from tests.helpers import check_layer
from tests.helpers import gradient
from tests.helpers import numpy_of


def test_contract():
    check_layer(CapsuleLength, {}, (6, 5))


@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1.0, 1e3])
def test_values_and_gradients(scale):
    capsules = scale * np.random.default_rng(0).normal(size=(3, 4, 5))
    layer = CapsuleLength()
    expected = oracles.norm(capsules)
    received = numpy_of(layer(capsules))
    np.testing.assert_allclose(received, expected[..., 0], rtol=1e-5)
    (slope,) = gradient(lambda x: ops.sum(layer(x)), capsules.astype("float32"))
    np.testing.assert_allclose(slope, capsules / expected, rtol=1e-4)


def test_zero_has_a_finite_gradient():
    zero = np.zeros((1, 2, 3), "float32")
    layer = CapsuleLength()
    assert numpy_of(layer(zero)).max() < 1e-5
    (slope,) = gradient(lambda x: ops.sum(layer(x)), zero)
    np.testing.assert_array_equal(slope, zero)


def test_rank():
    with pytest.raises(ValueError, match=r"batch, n_in, d_in"):
        CapsuleLength()(np.ones((2, 3)))
