"""How a child shares itself out among its parents."""

import numpy as np
from keras import ops

from keras_capsvae.numerics import largest
from keras_capsvae.routing.em.votes import PARENTS
from keras_capsvae.routing.em.windows import Windows
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor


class AllParents:
    """The rule by which a child shares itself out: among all parents alike.

    Another rule has the same three methods.
    """

    def initial(self, shape: Shape, dtype: str) -> Tensor:
        """Assignments at the start, `shape` (parents, groups, children)."""
        return ops.full(shape, 1.0 / shape[PARENTS], dtype)

    def of_scores(self, scores: Tensor) -> Tensor:
        """Log scores `(parents, groups, children)` → assignments, of sum 1."""
        top = largest(scores, PARENTS, keepdims=True)
        likely = ops.exp(scores - top)
        return likely * (1 / ops.sum(likely, PARENTS, keepdims=True))

    def total(self, values: Tensor) -> Tensor:
        """Sum `(groups, children)` over all places at which a child stands."""
        return values


class AllWindows:
    """A child shares itself out among the parents of all windows it lies in.

    The groups are (batch · windows), the children of a group (slots · types).
    The normaliser of a child is gathered: a log-sum-exp over the parents of
    each window, then over the few windows that see the child.
    """

    def __init__(self, windows: Windows):
        self.windows = windows

    def initial(self, shape: Shape, dtype: str) -> Tensor:
        parents, groups, children = shape
        cells = self.windows.cells
        count, slots = cells.shape
        assignments = 1 / (parents * self.windows.counts[cells])
        assignments = np.repeat(assignments, children // slots, -1)
        assignments = ops.broadcast_to(
            ops.convert_to_tensor(assignments, dtype),
            (parents, groups // count, count, children),
        )
        return ops.reshape(assignments, shape)

    def of_scores(self, scores: Tensor) -> Tensor:
        top = largest(scores, PARENTS)  # (groups, children)
        likely = ops.exp(scores - top)
        in_window = top + ops.log(ops.sum(likely, PARENTS))
        lowest = -float(np.finfo("float32").max)
        per_cell = self._per_cell(in_window, lowest)
        highest = largest(per_cell, 2, keepdims=True)
        everywhere = highest[:, :, 0] + ops.log(
            ops.sum(ops.exp(per_cell - highest), 2)
        )
        return likely * ops.exp(top - self._per_window(everywhere, top))

    def total(self, values: Tensor) -> Tensor:
        total = ops.sum(self._per_cell(values, 0.0), 2)
        return self._per_window(total, values)

    def _per_cell(self, values, missing):
        """`(groups, children)` → `(batch, cells, most, types)`."""
        groups, children = ops.shape(values)
        count, slots = self.windows.cells.shape
        shape = (groups // count, count * slots, children // slots)
        return self.windows.of_viewers(ops.reshape(values, shape), missing)

    def _per_window(self, values, like):
        """`(batch, cells, types)` → `(groups, children)`, shaped as `like`."""
        return ops.reshape(self.windows.gather(values), ops.shape(like))
