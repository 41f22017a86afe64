import numpy as np

from zoo.datasets.splits import held_out


def test_a_tenth_of_each_class_is_held_out():
    labels = np.repeat([0, 1, 2, 3], [60, 4, 2, 15])
    train, test = held_out(81, "photos", labels=labels)
    np.testing.assert_array_equal(np.sort([*train, *test]), np.arange(81))
    np.testing.assert_array_equal(np.bincount(labels[test]), [6, 1, 0, 2])
    again = held_out(81, "photos", labels=labels)
    np.testing.assert_array_equal(again[1], test)


def test_without_classes_a_tenth_of_all_is_held_out():
    assert len(held_out(81, "photos")[1]) == 8
    assert len(held_out(3, "names", labels=np.arange(3))[1]) == 1
