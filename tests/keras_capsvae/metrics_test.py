import keras
import numpy as np
import pytest

from keras_capsvae import LabelAccuracy

SCORES = np.array(
    [[0.9, 0.2, 0.7], [0.1, 0.6, 0.3], [0.4, 0.45, 0.1], [0.5, 0.5, 0.1]]
)


def result(metric, labels, scores=SCORES, **options):
    return float(metric(np.array(labels), scores, **options))


@pytest.mark.parametrize("form", ["integer", "column", "one-hot"])
def test_one_label(form):
    labels = np.array([0, 1, 0, 0])
    labels = {
        "integer": labels,
        "column": labels[:, None],
        "one-hot": np.eye(3)[labels],
    }[form]
    # Right, right, wrong, and a tie, which is wrong.
    assert result(LabelAccuracy(), labels) == 0.5


def test_several_labels_in_any_order():
    labels = [[1, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert result(LabelAccuracy(), labels) == 0.75
    assert result(LabelAccuracy(threshold=0.4), labels) == 0.5
    assert result(LabelAccuracy(threshold=0.65), labels) == 0.25
    assert result(LabelAccuracy(threshold=0.95), labels) == 0.0


def test_an_example_without_labels_against_a_threshold():
    """Right when no score is above: any that is is a false alarm."""
    scores = np.array([[0.9, 0.8, 0.7], [0.5, 0.2, 0.1], [0.1, 0.6, 0.1]])
    metric = LabelAccuracy(threshold=0.5)
    for row, expected in zip(scores, (0.0, 1.0, 0.0), strict=True):
        metric.reset_state()
        assert result(metric, [[0, 0, 0]], row[None]) == expected
    metric.reset_state()
    labels = [[1, 1, 1], [0, 0, 0], [0, 0, 0]]
    assert result(metric, labels, scores) == pytest.approx(2 / 3)


def test_an_example_without_labels_has_no_ranking():
    labels = [[0, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]]  # right, then a tie
    assert result(LabelAccuracy(), labels) == 0.5
    weights = np.array([5.0, 3.0, 5.0, 1.0])
    weighed = result(LabelAccuracy(), labels, sample_weight=weights)
    assert weighed == 0.75
    column = result(LabelAccuracy(), labels, sample_weight=weights[:, None])
    assert column == 0.75


def test_another_class_above_the_threshold_is_no_matter_beside_a_label():
    scores = np.array([[0.9, 0.8, 0.1]])
    assert result(LabelAccuracy(threshold=0.5), [0], scores) == 1.0


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_an_empty_batch(threshold):
    metric = LabelAccuracy(threshold)
    metric.update_state(np.zeros((0, 3)), np.zeros((0, 3), "float32"))
    metric.update_state(np.array([0]), SCORES[:1])
    assert float(metric.result()) == 1.0


def test_agrees_with_a_plain_count_of_the_best_pairs():
    random = np.random.default_rng(0)
    scores = random.random((500, 10))
    pairs = np.array([random.permutation(10)[:2] for _ in range(500)])
    pairs[::2] = np.argsort(scores[::2], axis=-1)[:, -2:]
    labels = np.zeros((500, 10))
    np.put_along_axis(labels, pairs, 1, axis=-1)
    best = np.sort(np.argsort(scores, axis=-1)[:, -2:], axis=-1)
    right = (best == np.sort(pairs, axis=-1)).all(-1)
    assert 0.5 <= right.mean() < 0.6
    assert result(LabelAccuracy(), labels, scores) == pytest.approx(
        right.mean()
    )


def test_accumulates_and_weighs():
    metric = LabelAccuracy()
    metric.update_state(np.array([0, 0]), SCORES[:2])
    metric.update_state(np.array([1, 2]), SCORES[2:])
    assert float(metric.result()) == 0.5
    metric.reset_state()
    weighed = result(
        metric, [0, 1, 0, 0], sample_weight=np.array([3.0, 0.0, 1.0, 0.0])
    )
    assert weighed == 0.75


def test_config():
    metric = LabelAccuracy(threshold=0.5, name="strict")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert (again.threshold, again.name) == (0.5, "strict")


def test_labels_of_another_shape():
    with pytest.raises(ValueError, match=r"\(batch, 3\).*\(4, 2\)"):
        result(LabelAccuracy(), np.zeros((4, 2)))


SINGLE = np.array([[0.9], [0.2], [0.6], [0.4]], "float32")


@pytest.mark.parametrize("labels", [[1, 0, 0, 0], [[1], [0], [0], [0]]])
def test_a_single_class_is_present_above_one_half(labels):
    metric = LabelAccuracy()
    metric.update_state(np.array(labels), SINGLE)
    assert float(metric.result()) == pytest.approx(0.75)
    metric.reset_state()
    metric.update_state(np.array(labels), SINGLE, np.array([1, 1, 2, 0]))
    assert float(metric.result()) == pytest.approx(0.5)
