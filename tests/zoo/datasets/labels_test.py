import numpy as np
import pytest

from zoo import datasets
from zoo.datasets.labels import numbered

OWLS = ["owl", "cat", "owl"]


@pytest.mark.parametrize(
    "labels",
    [
        OWLS,
        np.array(OWLS),
        np.array(OWLS, object),
        np.array(OWLS, "S"),
        np.array(OWLS)[:, np.newaxis],
    ],
)
def test_strings_become_numbers_in_the_order_of_their_names(labels):
    numbers, names = numbered(labels)
    assert numbers.tolist() == [1, 0, 1] and numbers.dtype == np.int64
    assert names == ["cat", "owl"]


@pytest.mark.parametrize(
    "labels", [[2, 0], [[2], [0]], [2.0, 0.0], np.array([[2.0], [0.0]])]
)
def test_numbers_stay_what_they_are(labels):
    numbers, names = numbered(labels)
    assert numbers.tolist() == [2, 0] and numbers.dtype == np.int64
    assert names is None


def test_names_that_are_given_decide_the_numbers():
    numbers, names = numbered(OWLS, ["cat", "dog", "owl"])
    assert numbers.tolist() == [2, 0, 2] and names == ["cat", "dog", "owl"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0.5], "float64 with fractions"),
        ([np.nan, 1], "fractions or NaN"),
        ([-1], "from 0 on. Received: -1"),
        ([[1, 2]], r"shape \(1, 2\)"),
        (3, r"shape \(\)"),
        (["cat", ""], "for every example. Received: ''"),
        (["cat", None], "for every example. Received: None"),
        ([1j], "complex128"),
    ],
)
def test_labels_that_are_none(labels, message):
    with pytest.raises(ValueError, match=message):
        numbered(labels, name="y")


def test_a_name_that_is_not_known():
    with pytest.raises(ValueError, match="classes cat, dog. Received: owl"):
        numbered(OWLS, ["cat", "dog"])


def test_names_of_an_archive(tmp_path):
    x, y = np.zeros((4, 8, 8)), np.array(["b", "a", "b", "b"])
    path = tmp_path / "own.npz"
    np.savez(path, x_train=x, y_train=y, x_test=x[:1], y_test=y[:1])
    assert datasets.class_names(path) == ["a", "b"]
    assert datasets.num_classes(path) == 2
    assert datasets.load(path).y_test.tolist() == [1]
    np.savez(path, x_train=x, y_train=y, x_test=x[:1], y_test=["c"])
    with pytest.raises(ValueError, match="`y_test` .*a, b. Received: c"):
        datasets.load(path)


def test_names_of_the_known_sets():
    assert len(datasets.class_names("fashion_mnist")) == 10
    assert datasets.class_names("digits") is None
