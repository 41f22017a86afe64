"""Seeded orders: the rows held out for the test, the rows of an epoch."""

import math
from typing import Any

import numpy as np

FEW = 3  # rows of a class of which none is held out if there are fewer
SPLIT_SEED = 0
CHOICE = 1  # apart from the numbers that orders come from


def held_out(
    count: int,
    source: Any,
    seed: int | tuple[int, ...] = SPLIT_SEED,
    labels: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of a fixed 90/10 split of `count` rows.

    With integer labels a tenth of each class is held out, rounded up, and
    nothing of one with fewer than three rows.
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
            if len(of_class) >= FEW:
                is_test[of_class[: math.ceil(len(of_class) / 10)]] = True
    if not is_test.any():
        is_test[rows[: max(1, round(count / 10))]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def epoch_order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Return the order of the `count` rows in one epoch."""
    return np.random.default_rng((seed, epoch)).permutation(count)
