import json

import numpy as np
import pytest

from keras_capsvae import CapsuleLayer
from keras_capsvae import KLLoss
from keras_capsvae import Sampling
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_number
from keras_capsvae.validation.numbers import check_sizes


@pytest.mark.parametrize(
    "kind", [int, np.int8, np.uint8, np.int64, np.uint64, np.array]
)
def test_integers_of_any_kind_come_back_as_pythons(kind):
    integer = check_integer("n", kind(10))
    assert type(integer) is int
    assert integer == 10


@pytest.mark.parametrize(
    "value", [True, np.True_, 1.0, np.float32(2), "3", None, [4], np.ones(2)]
)
def test_what_is_no_integer(value):
    with pytest.raises(TypeError, match=r"`n` must be an integer.*n="):
        check_integer("n", value)


def test_integers_below_the_minimum():
    assert check_integer("seed", 0, 0) == 0
    with pytest.raises(ValueError, match=r"`n` must be at least 1.*n=0"):
        check_integer("n", np.int64(0))


def test_sizes_come_back_in_order():
    assert check_sizes(b=np.int8(2), a=1) == [2, 1]
    with pytest.raises(ValueError, match="`a` must be at least 1"):
        check_sizes(b=2, a=-1)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.array(2.0)])
def test_numbers_of_any_kind_come_back_as_pythons(value):
    number = check_number("weight", value)
    assert type(number) is float
    assert number == 2.0


@pytest.mark.parametrize("value", [True, np.False_, "1", None, [1.0], 1j])
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match="`weight` must be a number"):
        check_number("weight", value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.5])
def test_numbers_that_weigh_nothing_sensible(value):
    with pytest.raises(ValueError, match="`weight` must be finite"):
        check_number("weight", value)


def test_configs_of_numpy_sizes_are_json():
    layer = CapsuleLayer(np.int64(3), np.int32(4), np.int8(2))
    config = json.loads(json.dumps(layer.get_config()))
    assert CapsuleLayer.from_config(config).num_capsules == 3


@pytest.mark.parametrize(
    "layer",
    [
        lambda: Sampling(True),
        lambda: Sampling(1.5),
        lambda: Sampling(0),
        lambda: KLLoss(weight=True),
        lambda: KLLoss(weight=float("inf")),
        lambda: KLLoss(weight=float("nan")),
        lambda: KLLoss(free_bits=-1),
        lambda: KLLoss(free_bits="2"),
    ],
)
def test_nonsense_is_refused_when_a_layer_is_made(layer):
    with pytest.raises((TypeError, ValueError), match="must be"):
        layer()
