import keras
import numpy as np
import pytest

from keras_capsvae import CapsuleMask
from tests.helpers import check_layer
from tests.helpers import numpy_of


@pytest.mark.parametrize("input_shape", [[(4, 5)], [(4, 5), (4,)]])
def test_contract(input_shape):
    check_layer(CapsuleMask, {}, input_shape)


def capsules():
    return np.random.default_rng(0).normal(size=(6, 4, 5))


def test_keeps_the_longest():
    given = capsules()
    received = numpy_of(CapsuleMask()([given])).reshape(given.shape)
    for one, kept in zip(given, received):
        best = np.linalg.norm(one, axis=-1).argmax()
        np.testing.assert_allclose(kept[best], one[best], rtol=1e-6)
        assert not np.delete(kept, best, 0).any()


def test_keeps_the_labelled():
    given, labels = capsules(), np.array([0, 1, 2, 3, 3, 0])
    received = CapsuleMask()([given, np.eye(4)[labels]])
    received = numpy_of(received).reshape(given.shape)
    for one, kept, label in zip(given, received, labels):
        np.testing.assert_allclose(kept[label], one[label], rtol=1e-6)
        assert not np.delete(kept, label, 0).any()


def test_keeps_all_of_a_multi_hot_label():
    given = capsules()
    label = np.tile([1.0, 0.0, 1.0, 0.0], (6, 1))
    received = numpy_of(CapsuleMask()([given, label])).reshape(given.shape)
    np.testing.assert_allclose(received, given * label[..., None], rtol=1e-6)


def test_takes_capsules_without_a_list():
    given = capsules()
    np.testing.assert_array_equal(
        numpy_of(CapsuleMask()(given)), numpy_of(CapsuleMask()([given]))
    )
    assert CapsuleMask()(keras.Input((4, 5))).shape == (None, 20)


@pytest.mark.parametrize("labels", [(6, 3), (6,), (6, 4, 1)])
def test_labels_of_another_shape(labels):
    with pytest.raises(ValueError, match=r"\[capsules, one_hot\]"):
        CapsuleMask()([capsules(), np.ones(labels)])
