"""Windows of a convolution over a map, and the children that they share."""

import numpy as np
from keras import ops

from keras_capsvae.typing import Tensor


class Windows:
    """Which cells of a map each window sees, and which windows see each cell.

    Attributes:
        rows, columns: Windows in each direction.
        cells: Array `(windows, slots)`, the cell in each slot of each window.
        viewers: Array `(cells, most)`, the flat indices into `cells` at which a
            cell stands; where a cell stands at fewer places than others the
            row is filled up with `windows · slots`.
        counts: Array `(cells,)`, how many windows see each cell.
        covered: Number of cells that some window sees.
    """

    def __init__(
        self,
        height: int,
        width: int,
        kernel_size: tuple[int, int],
        strides: tuple[int, int],
    ):
        self.rows = (height - kernel_size[0]) // strides[0] + 1
        self.columns = (width - kernel_size[1]) // strides[1] + 1
        down = _starts(self.rows, strides[0], kernel_size[0])
        across = _starts(self.columns, strides[1], kernel_size[1])
        cells = down[:, None, :, None] * width + across[None, :, None, :]
        self.cells = cells.reshape(self.rows * self.columns, -1)

        places = [[] for _ in range(height * width)]
        for place, cell in enumerate(self.cells.ravel()):
            places[cell].append(place)
        self.counts = np.array([len(one) for one in places])
        self.covered = int(np.sum(self.counts > 0))
        self.viewers = np.full(
            (height * width, self.counts.max()), self.cells.size
        )
        for cell, one in enumerate(places):
            self.viewers[cell, : len(one)] = one

    def gather(self, values: Tensor) -> Tensor:
        """`(batch, cells, x)` → what each window sees, `(batch, places, x)`."""
        return ops.take(values, self.cells.ravel(), axis=1)

    def of_viewers(self, values: Tensor, missing: float) -> Tensor:
        """`(batch, places, x)` → `(batch, cells, most, x)`."""
        batch, _, size = ops.shape(values)
        rest = ops.full((batch, 1, size), missing, values.dtype)
        values = ops.concatenate([values, rest], 1)
        values = ops.take(values, self.viewers.ravel(), axis=1)
        return ops.reshape(values, (batch, *self.viewers.shape, size))


def _starts(windows, stride, size):
    return np.arange(windows)[:, None] * stride + np.arange(size)
