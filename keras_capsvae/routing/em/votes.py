"""The votes of matrix capsules, in blocks of parents.

Arrays lead with the parents: votes (parents, groups, children, h). So a block
of parents is a slice that no one has to copy, and each sum over the votes of a
parent is a matrix product that reads them in place.
"""

import itertools
from collections.abc import Callable

from keras import ops

from keras_capsvae.typing import Tensor

PARENTS = 0  # the axis of the parents in every array of EM routing
CHILDREN = 2


class PoseVotes:
    """A function of (parent, group, child, h), in blocks of parents.

    The other tensors that the methods take and give are whole.

    Args:
        blocks: List of tensors `(parents of the block, groups, children, h)`.
    """

    def __init__(self, blocks: list[Tensor]):
        self.blocks = list(blocks)
        sizes = [block.shape[PARENTS] for block in self.blocks]
        self.parents = sum(sizes)
        self._ends = list(itertools.accumulate(sizes))

    def map(self, function: Callable, *tensors: Tensor) -> "PoseVotes":
        """The votes that the function makes of a block and its parents' part.

        Args:
            function: Function of a block and of parts of the tensors.
            *tensors: Tensors that lead with all parents.
        """
        return PoseVotes(self._of_each_block(function, *tensors))

    def squared(self) -> "PoseVotes":
        return self.map(ops.square)

    def minus(self, means: Tensor) -> "PoseVotes":
        """V_ijh − μ_jh."""
        return self.map(lambda block, part: block - part[:, :, None], means)

    def means(self) -> Tensor:
        """The plain mean over the children, `(parents, groups, h)`."""
        return self._summed(lambda block: ops.mean(block, CHILDREN))

    def to_parents(self, weights: Tensor) -> Tensor:
        """Σ_i w_ij V_ijh, `(parents, groups, h)`."""
        return self._summed(
            lambda block, part: ops.einsum("kgi,kgih->kgh", part, block),
            weights,
        )

    def to_children(self, coefficients: Tensor) -> Tensor:
        """Σ_h V_ijh c_jh, `(parents, groups, children)`."""
        return self._summed(
            lambda block, part: ops.einsum("kgih,kgh->kgi", block, part),
            coefficients,
        )

    def _summed(self, function, *tensors):
        return ops.concatenate(self._of_each_block(function, *tensors), PARENTS)

    def _of_each_block(self, function, *tensors):
        starts = [0, *self._ends[:-1]]
        return [
            function(block, *(tensor[start:end] for tensor in tensors))
            for block, start, end in zip(self.blocks, starts, self._ends)
        ]


def pose_votes(
    poses: Tensor, kernel: Tensor, parts: list[slice]
) -> list[Tensor]:
    """V_ij = P_i W_ij, grouped by parent.

    A pose is taken for a vector of p² entries, by which W becomes a p² × p²
    matrix, block-diagonal: p times the multiplications, but products and
    transpositions of rows p times as long, which take less time.

    Args:
        poses: Tensor `(groups, positions, n, p, p)`.
        kernel: Tensor `(n, parents, p, p)`, shared over positions.
        parts: Slices of the parents, one for each block.

    Returns:
        List of blocks `(parents of the block, groups, positions · n, p²)`.
    """
    groups, positions, n, p, _ = ops.shape(poses)
    dims = p * p
    rows = ops.reshape(poses, (groups * positions, n, dims))
    rows = ops.swapaxes(rows, 0, 1)
    identity = ops.eye(p, dtype=kernel.dtype)[:, None, None, :, None]
    blocks = []
    for part in parts:
        matrices = ops.swapaxes(kernel[:, part], 1, 2)
        count = matrices.shape[2]
        columns = identity * matrices[:, None, :, :, None]
        # (n, p, p, count, p, p)
        columns = ops.reshape(columns, (n, dims, count * dims))
        votes = ops.matmul(rows, columns)
        votes = ops.reshape(votes, (n, groups, positions, count, dims))
        votes = ops.transpose(votes, (3, 1, 2, 0, 4))
        shape = (count, groups, positions * n, dims)
        blocks.append(ops.reshape(votes, shape))
    return blocks
