"""What a classifier says of each class, on labelled examples."""

import numpy as np
import pytest

import zoo
from zoo.evaluation import classes

IMAGES = np.random.default_rng(0).random((8, 17, 17, 1), "float32")


@pytest.mark.parametrize("shape", [(8,), (8, 1)])
def test_a_single_class_is_present_or_not(shape):
    model = zoo.pooling_cnn((17, 17, 1), 1, seed=0)
    scores = model.predict(IMAGES, verbose=0)[:, 0]
    labels = np.arange(8) % 2
    middle = np.sort(scores)[3:5].mean()  # half of them are above
    bias = np.log(middle / (1 - middle))
    layer = model.layers[-1]
    kernel, *biases = layer.get_weights()
    layer.set_weights([kernel, *(one - bias for one in biases)])
    predicted = model.predict(IMAGES, verbose=0)[:, 0] > 0.5
    report = classes.class_report(model, IMAGES, labels.reshape(shape))
    expected = [
        [np.sum((labels == true) & (predicted == found)) for found in (0, 1)]
        for true in (0, 1)
    ]
    np.testing.assert_array_equal(report.confusion, expected)
    assert report.names == ["0", "1"]
    assert predicted.any() and not predicted.all()


def test_several_classes():
    model = zoo.pooling_cnn((17, 17, 1), 3, seed=0)
    labels = np.arange(8) % 3
    report = classes.class_report(model, IMAGES, labels, ["a", "b", "c"])
    predicted = model.predict(IMAGES, verbose=0).argmax(1)
    assert report.confusion.sum() == 8
    assert report.confusion.trace() == np.sum(predicted == labels)
    assert report.names == ["a", "b", "c"]
