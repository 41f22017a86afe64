"""Seeded orders: the rows held out for the test, the rows of an epoch."""

from typing import Any

import numpy as np

TEST_FRACTION = 0.1
FEW = 3  # rows of a class of which none is held out if there are fewer
SPLIT_SEED = 0
CHOICE = 1  # apart from the numbers that orders come from


def held_out(
    count: int,
    source: Any,
    seed: int | tuple[int, ...] = SPLIT_SEED,
    labels: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of a fixed 90/10 split of `count` rows.

    With integer labels a tenth of each class is held out, and of one that has
    three rows or more at least one.
    """
    if count < 2:
        raise ValueError(
            "There must be at least 2 examples to hold a tenth of them out. "
            f"Received: {count} in {source}"
        )
    rows = np.random.default_rng(seed).permutation(count)
    is_test = np.zeros(count, bool)
    if labels is not None and labels.ndim == 1:
        for one in np.unique(labels):
            of_class = rows[labels[rows] == one]
            is_test[of_class[: _test_count(len(of_class))]] = True
    if not is_test.any():
        is_test[rows[: max(1, round(count * TEST_FRACTION))]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _test_count(count):
    """Rows of a class that are held out."""
    if count < FEW:
        return 0
    return max(1, round(count * TEST_FRACTION))


def epoch_order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Returns the order of the `count` rows in one epoch."""
    return np.random.default_rng((seed, epoch)).permutation(count)
