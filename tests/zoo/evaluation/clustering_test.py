"""Figures of clusters, against what the definitions give by hand."""

import itertools

import numpy as np
import pytest

from zoo.evaluation import clustering

LABELS = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
CLUSTERS = np.array([3, 3, 1, 1, 1, 1, 0, 0, 2, 2])


def _entropy(counts):
    shares = counts[counts > 0] / counts.sum()
    return -(shares * np.log(shares)).sum()


def test_the_definitions():
    found = clustering(LABELS, CLUSTERS)
    table = np.zeros((3, 4))
    np.add.at(table, (LABELS, CLUSTERS), 1)
    assert found["purity"] == pytest.approx(table.max(0).sum() / 10)
    best = max(
        sum(table[row, column] for row, column in enumerate(columns))
        for columns in itertools.permutations(range(4), 3)
    )
    assert found["hungarian"] == pytest.approx(best / 10)
    classes, groups = _entropy(table.sum(1)), _entropy(table.sum(0))
    shared = classes + groups - _entropy(table.ravel())
    assert found["nmi"] == pytest.approx(2 * shared / (classes + groups))

    def pairs(counts):
        return (counts * (counts - 1) / 2).sum()

    chance = pairs(table.sum(1)) * pairs(table.sum(0)) / pairs(np.array([10]))
    most = (pairs(table.sum(1)) + pairs(table.sum(0))) / 2
    expected = (pairs(table) - chance) / (most - chance)
    assert found["ari"] == pytest.approx(expected)


def test_names_of_clusters_do_not_matter():
    found = clustering(LABELS, LABELS[::-1].max() - LABELS)
    assert set(found.values()) == {1.0}
    found = clustering(LABELS, np.zeros(10, int))
    assert (found["purity"], found["ari"]) == (0.4, 0.0)


def test_labels_and_clusters_of_one_length():
    with pytest.raises(ValueError, match="labels, clusters"):
        clustering(LABELS, CLUSTERS[:9])
    with pytest.raises(ValueError, match="empty"):
        clustering([], [])
