import json

import numpy as np
import pytest

import zoo
from zoo import datasets
from zoo.reproduce import reproduce
from zoo.reproduce import two_digits


@pytest.fixture
def digits():
    """Images that hold their label in every pixel, in tenths."""
    labels = np.arange(40) % 10
    images = np.ones((40, 4, 3, 1), "float32") * labels[:, None, None, None]
    return images / 10, labels


@pytest.mark.parametrize(("count", "shape"), [(2, (8, 3, 1)), (3, (4, 9, 1))])
def test_groups_show_the_digits_of_their_labels(digits, count, shape):
    images, labels = two_digits.side_by_side(*digits, count)
    assert images.shape[1:] == shape
    assert len(images) == len(labels) > 20
    for image, several in zip(images, labels):
        shown = np.unique(np.round(10 * image)).astype(int)
        assert shown.tolist() == np.flatnonzero(several).tolist()
        assert len(shown) == count


def test_groups_are_fixed_by_their_seed(digits):
    one, same, other = (
        two_digits.side_by_side(*digits, 2, seed=seed)[1] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape or (one != other).any()


class Oracle:
    """Scores the digits of `digits` right, the last one at 0.4."""

    def predict(self, images, **options):
        scores = np.zeros((len(images), 10))
        for row, image in zip(scores, images):
            shown = np.unique(np.round(10 * image)).astype(int)
            row[shown] = 0.9
            row[shown[-1]] = 0.4
        return scores


def test_accuracies_count_as_the_post_does(digits):
    assert two_digits.accuracy(Oracle(), *digits) == {
        "single": 1.0,
        "two": 1.0,
        "two_above_half": 0.0,
        "three": 1.0,
    }


def test_accuracy_of_a_net_that_sees_nothing(digits):
    images, labels = digits
    large = np.repeat(np.repeat(images, 5, axis=1), 6, axis=2)
    accuracies = two_digits.accuracy(zoo.pooling_cnn(seed=0), large, labels)
    assert all(0 <= value < 0.5 for value in accuracies.values())


@pytest.mark.slow
def test_reproduction_writes_figures_and_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(two_digits, "QUICK", {"epochs": 1, "batch_size": 128})
    small = datasets.load("digits", (28, 28, 1))
    np.savez(tmp_path / "own.npz", **small._asdict())
    sample = str(tmp_path / "own.npz")
    monkeypatch.setattr(two_digits.steps, "SAMPLE", sample)
    outcome = reproduce("two-digits", tmp_path, quick=True)
    figures = json.loads(outcome.paths[0].read_text())["figures"]
    assert outcome.paths[0].parent == tmp_path / "quick"
    assert all(path.stat().st_size > 500 for path in outcome.paths[1:])
    for net in ("pooling", "kmeans"):
        for counted in two_digits.COUNTED.values():
            (accuracy,) = figures[f"{net}, {counted}"]["values"]
            assert 0 <= accuracy <= 1
