"""The votes of the capsules below a layer for those of the layer."""

from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.routing.blocks import blocks_of_parents
from keras_capsvae.typing import Tensor

BLOCK_VALUES = 50_000  # votes of an example: 26 MB at a batch of 128


def vote_blocks(
    inputs: Tensor, kernel: Tensor, bias: Tensor | None
) -> list[Tensor]:
    """Votes `û_ij = u_i W_j + b_j`, or `u_i W_ij + b_ij`, grouped by output.

    Args:
        inputs: `(batch, n_in, d_in)`.
        kernel: `(d_in, capsules, dims)`, or `(n_in, d_in, capsules, dims)`.
        bias: The same without `d_in`, or `None`.

    Returns:
        Blocks `(batch, capsules of the block, n_in, dims)`, float32 at least.
    """
    n_in = inputs.shape[1]
    *_, capsules, dims = kernel.shape
    parts = [slice(capsules)]
    if n_in is not None:
        parts = blocks_of_parents(capsules, n_in * dims, BLOCK_VALUES)
    return [
        _votes(
            inputs,
            kernel[..., part, :],
            None if bias is None else bias[..., part, :],
        )
        for part in parts
    ]


def _votes(inputs, kernel, bias):
    batch, n_in, _ = ops.shape(inputs)
    *leading, count, dims = kernel.shape
    is_shared = len(leading) == 1
    kernel = ops.reshape(kernel, (*leading, -1))
    if is_shared:
        votes = ops.matmul(inputs, kernel)
        votes = ops.reshape(votes, (batch, n_in, count, dims))
        by_output = (0, 2, 1, 3)
    else:
        votes = ops.matmul(ops.swapaxes(inputs, 0, 1), kernel)
        votes = ops.reshape(votes, (n_in, batch, count, dims))
        by_output = (1, 2, 0, 3)
    votes = ops.transpose(at_least_float32(votes), by_output)
    if bias is None:
        return votes
    bias = bias[None] if is_shared else bias
    return votes + at_least_float32(ops.swapaxes(bias, 0, 1))
