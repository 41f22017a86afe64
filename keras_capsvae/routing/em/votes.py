"""The votes of matrix capsules."""

from keras import ops


def pose_votes(poses, kernel, parts):
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
