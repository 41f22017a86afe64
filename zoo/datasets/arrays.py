"""What a data set is in memory."""

from typing import Any
from typing import NamedTuple

import numpy as np


class Arrays(NamedTuple):
    """A data set in memory.

    Attributes:
        x_train: Images, float32 in [0, 1], `(n, height, width, channels)` or
            `(n, dim)`, or rows of a table `(n, columns)`.
        y_train: Labels, int64 `(n,)`, or `None`.
        x_test: Images, like `x_train`.
        y_test: Labels, like `y_train`.
    """

    x_train: Any
    y_train: np.ndarray | None
    x_test: Any
    y_test: np.ndarray | None

    def __repr__(self) -> str:
        """Types and shapes, not values."""
        parts = [f"{name}={_kind(one)}" for name, one in self._asdict().items()]
        return f"Arrays({', '.join(parts)})"


def _kind(part):
    """An array, a list or nothing, in a word."""
    if isinstance(part, np.ndarray):
        return f"{part.dtype} {part.shape}"
    return "None" if part is None else f"{len(part)} examples"
