"""The loop that all routings by agreement share."""

import itertools
from typing import Any

from keras import ops

from keras_capsvae.typing import Tensor

OUTPUTS = 1  # axis of the output capsules in votes grouped by output


def route(
    blocks: list[Tensor],
    routing: Any,
    routings: int,
    activation: Any,
    *,
    mask: Tensor | None = None,
    stop_gradient: bool = False,
) -> tuple[Tensor, Tensor]:
    """The iterations that all routings share, on votes grouped by output.

    One output capsule's votes lie together, so that weighted sums and
    agreements are matrix products that read the votes in place.

    Args:
        blocks: List of tensors `(batch, outputs of the block, inputs, dims)`,
            float32 at least.
        routing: `Routing`.
        routings: Iterations.
        activation: Function of weighted sums, which some routings compare
            votes with; `None` where the routing brings its own.
        mask, stop_gradient: See `kmeans_routing`.

    Returns:
        Weighted sums `(batch, outputs, dims)`, not yet activated, and couplings
        `(batch, outputs, inputs)` of the last iteration.
    """
    compare = routing.compare or activation
    seen = blocks
    if stop_gradient:
        seen = [ops.stop_gradient(votes) for votes in blocks]
    logits = ops.concatenate(
        [ops.zeros_like(votes[..., :1]) for votes in blocks], OUTPUTS
    )  # (batch, outputs, inputs, 1)
    for iteration in range(routings):
        is_last = iteration == routings - 1
        couplings = routing.couple(logits)
        if mask is not None:
            couplings *= ops.cast(mask, couplings.dtype)[:, None, :, None]
        centres = _products(
            ops.swapaxes(couplings, -1, -2), blocks if is_last else seen
        )  # (batch, outputs, 1, dims)
        if not is_last:
            points = ops.swapaxes(compare(centres), -1, -2)
            agreement = _products(seen, points)  # (batch, outputs, inputs, 1)
            logits = logits + agreement if routing.accumulates else agreement
    return centres[:, :, 0], couplings[..., 0]


def _products(left, right):
    """Matrix products of blocks and a tensor, or of a tensor and blocks."""
    if isinstance(left, list):
        right = _split_like(left, right)
    else:
        left = _split_like(right, left)
    products = [ops.matmul(one, other) for one, other in zip(left, right)]
    return ops.concatenate(products, OUTPUTS)


def _split_like(blocks, tensor):
    if len(blocks) == 1:
        return [tensor]
    sizes = [votes.shape[OUTPUTS] for votes in blocks]
    ends = list(itertools.accumulate(sizes))[:-1]
    return ops.split(tensor, ends, OUTPUTS)
