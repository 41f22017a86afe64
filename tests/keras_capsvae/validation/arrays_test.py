import numpy as np
import pytest

from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.arrays import check_same_length
from keras_capsvae.validation.arrays import check_shape
from keras_capsvae.validation.labels import check_label
from keras_capsvae.validation.labels import check_one_hot

UNIT = (0.0, 1.0)


def test_good_arrays_come_back_in_numpy():
    x = np.random.default_rng(0).random((3, 4), "float32")
    np.testing.assert_array_equal(check_array(x, (4,), "x", UNIT), x)
    np.testing.assert_array_equal(check_array(x, (None,), "x"), x)
    ends = np.array([[0.0, 1.0]])
    np.testing.assert_array_equal(check_array(ends, (2,), "x", UNIT), ends)


@pytest.mark.parametrize("shape", [(3, 4), (3, 5, 1), (3,), ()])
def test_wrong_shape(shape):
    with pytest.raises(ValueError) as error:
        check_array(np.zeros(shape), (5,), "images")
    assert "`images` must have shape (batch, 5)" in str(error.value)
    assert f"Received: shape {shape}" in str(error.value)


def test_shape_with_unknown_dims():
    check_shape((2, 7, 3), (None, 3), "x")
    check_shape((None, None, 3), (7, 3), "x")
    with pytest.raises(ValueError, match=r"\(batch, None, 3\)"):
        check_shape((2, 7, 4), (None, 3), "x")


def test_empty():
    with pytest.raises(ValueError, match=r"`x` must not be empty.*\(0, 4\)"):
        check_array(np.zeros((0, 4)), (4,), "x")


def test_8_bit_images():
    x = np.array([[0, 255]], "uint8")
    with pytest.raises(ValueError) as error:
        check_array(x, (2,), "x", UNIT)
    for part in ("[0, 1]", "divide 8-bit images by 255", "uint8", "[0, 255]"):
        assert part in str(error.value)


@pytest.mark.parametrize("value", [-0.01, 1.01])
def test_values_just_outside(value):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        check_array(np.array([[0.5, value]]), (2,), "x", UNIT)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(value):
    x = np.array([[0.5, value], [value, 0.5]])
    with pytest.raises(ValueError, match="2 values that are NaN or infinite"):
        check_array(x, (2,), "x")


def test_text():
    with pytest.raises(ValueError, match="must hold numbers"):
        check_array(np.array([["a", "b"]]), (2,), "x")


def test_good_one_hot_labels():
    check_one_hot(np.eye(3), 3, "labels")
    check_one_hot(np.ones((2, 1)), 1, "labels")


@pytest.mark.parametrize("labels", [np.array([0, 2]), np.array([[0], [2]])])
def test_integer_labels_where_one_hot_is_expected(labels):
    with pytest.raises(ValueError, match=r"to_categorical\(labels, 3\)"):
        check_one_hot(labels, 3, "labels")


@pytest.mark.parametrize(
    "row", [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.5, 0.5, 0.0], [2.0, -1.0, 0.0]]
)
def test_rows_that_are_not_one_hot(row):
    labels = np.array([[1.0, 0.0, 0.0], row])
    with pytest.raises(ValueError) as error:
        check_one_hot(labels, 3, "labels")
    assert f"{row} in row 1" in str(error.value)


def test_one_hot_labels_of_other_classes():
    with pytest.raises(ValueError, match=r"\(batch, 3\).*\(4, 4\)"):
        check_one_hot(np.eye(4), 3, "labels")


def test_good_labels():
    for label in (0, 2, np.int64(1)):
        assert check_label(label, 3) == label


@pytest.mark.parametrize("label", [-1, 3])
def test_label_out_of_range(label):
    with pytest.raises(ValueError, match=rf"\[0, 2\].*label={label}"):
        check_label(label, 3)


@pytest.mark.parametrize("label", [[0, 1, 0], np.eye(3)[0], 1.0, True, "1"])
def test_label_must_be_an_integer(label):
    with pytest.raises(TypeError, match=r"integer class in \[0, 2\]"):
        check_label(label, 3)


def test_lengths():
    check_same_length([np.zeros(3), np.ones((3, 2))], "x")
    with pytest.raises(ValueError, match=r"`x`.*lengths \[3, 4\]"):
        check_same_length([np.zeros(3), np.zeros(4)], "x")
