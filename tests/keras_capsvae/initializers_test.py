import keras
import numpy as np
import pytest

from keras_capsvae import NoisyIdentity
from tests.helpers import numpy_of


def test_is_the_identity_and_noise():
    drawn = numpy_of(NoisyIdentity(0.1, seed=1)((50, 40, 3, 3)))
    noise = drawn - np.eye(3)
    assert noise.std() == pytest.approx(0.1, rel=0.02)
    assert abs(noise.mean()) < 0.002


def test_a_seed_draws_the_same_and_survives_its_config():
    one = NoisyIdentity(seed=1)
    other = keras.initializers.get(keras.initializers.serialize(one))
    assert isinstance(other, NoisyIdentity)
    drawn = [numpy_of(each((4, 2, 2))) for each in (one, other)]
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_refuses_what_is_no_square(shape):
    with pytest.raises(ValueError, match="square"):
        NoisyIdentity()(shape)


def test_refuses_a_negative_deviation():
    with pytest.raises(ValueError, match="stddev=-1"):
        NoisyIdentity(-1)
