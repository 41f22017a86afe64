"""Seeded orders: the rows held out for the test, the rows of an epoch."""

from typing import Any

import numpy as np

TEST_FRACTION = 0.1
SPLIT_SEED = 0
CHOICE = 1  # apart from the numbers that orders come from


def held_out(
    count: int, source: Any, seed: int | tuple[int, ...] = SPLIT_SEED
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of a fixed 90/10 split of `count` rows."""
    if count < 2:
        raise ValueError(
            "There must be at least 2 examples to hold a tenth of them out. "
            f"Received: {count} in {source}"
        )
    test_count = max(1, round(count * TEST_FRACTION))
    rows = np.random.default_rng(seed).permutation(count)
    return np.sort(rows[test_count:]), np.sort(rows[:test_count])


def epoch_order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Returns the order of the `count` rows in one epoch."""
    return np.random.default_rng((seed, epoch)).permutation(count)
