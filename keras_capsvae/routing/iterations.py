"""What routings do with votes, and the loop that the iterative ones share.

Votes are grouped by output, `(batch, outputs, inputs, dims)`, so that one
output capsule's lie together: weighted sums and agreements are matrix products
that read them in place. A layer cuts them into blocks of outputs.
"""

import itertools
from collections.abc import Callable

from keras import ops

from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.shapes import shapes_agree

OUTPUTS = 1  # axis of the output capsules in votes grouped by output


def route(
    blocks: list[Tensor],
    routings: int,
    *,
    compare: Callable[[Tensor], Tensor],
    couple: Callable[[Tensor], Tensor],
    accumulates: bool = False,
    mask: Tensor | None = None,
    stop_gradient: bool = False,
) -> tuple[Tensor, Tensor]:
    """Alternate between couplings of the votes and centres of them.

    Args:
        blocks: List of tensors `(batch, outputs of the block, inputs, dims)`,
            float32 at least.
        routings: Iterations.
        compare: Function of the weighted sums, giving what votes are compared
            with.
        couple: Function of the logits, giving the couplings.
        accumulates: Whether agreements add up instead of replacing each other.
        mask: Booleans or numbers `(batch, inputs)`, 0 for those without votes.
        stop_gradient: Whether the gradient goes through the last iteration
            alone.

    Returns:
        Weighted sums `(batch, outputs, dims)` and couplings
        `(batch, outputs, inputs)` of the last iteration.
    """
    seen = blocks
    if stop_gradient:
        seen = [ops.stop_gradient(votes) for votes in blocks]
    logits = equal(blocks, 0.0)
    for iteration in range(routings):
        is_last = iteration == routings - 1
        couplings = masked(couple(logits), mask)
        centres = weighted_sums(couplings, blocks if is_last else seen)
        if not is_last:
            agreement = agreements(seen, compare(centres))
            logits = logits + agreement if accumulates else agreement
    return centres, couplings


def dims_of(blocks: list[Tensor]) -> int:
    """The dims of a vote."""
    return blocks[0].shape[-1]


def equal(blocks: list[Tensor], value: float) -> Tensor:
    """The same number for every vote, `(batch, outputs, inputs)`."""
    numbers = [ops.full_like(votes[..., 0], value) for votes in blocks]
    return ops.concatenate(numbers, OUTPUTS)


def soft_couplings(logits: Tensor) -> Tensor:
    """Softmax of logits `(batch, outputs, inputs)` over the outputs."""
    if logits.shape[OUTPUTS] == 1:
        return ops.ones_like(logits)  # Keras warns of a softmax over one
    return ops.softmax(logits, axis=OUTPUTS)


def check_shape(name: str, tensor: Tensor, *shapes: Shape) -> None:
    """Raise unless a tensor has one of these shapes, `None` standing for any.

    Raises:
        ValueError: If it has none of them.
    """
    found = tuple(tensor.shape)
    if any(shapes_agree(found, shape) for shape in shapes):
        return
    known = (
        ["batch" if side is None else side for side in shape]
        for shape in shapes
    )
    expected = " or ".join(f"({', '.join(map(str, one))})" for one in known)
    raise ValueError(
        f"`{name}` must have shape {expected}. Received: {name} of shape "
        f"{found}"
    )


def masked(couplings: Tensor, mask: Tensor | None) -> Tensor:
    """Couplings `(batch, outputs, inputs)`, 0 for inputs without votes."""
    if mask is None:
        return couplings
    mask = ops.convert_to_tensor(mask)
    check_shape("mask", mask, (couplings.shape[0], couplings.shape[-1]))
    return couplings * ops.cast(mask, couplings.dtype)[:, None]


def weighted_sums(couplings: Tensor, blocks: list[Tensor]) -> Tensor:
    """`Σ_i c_ij û_ij`, `(batch, outputs, dims)`."""
    weights = _split_like(blocks, couplings[:, :, None])
    sums = [ops.matmul(one, votes) for one, votes in zip(weights, blocks)]
    return ops.concatenate(sums, OUTPUTS)[:, :, 0]


def agreements(blocks: list[Tensor], points: Tensor) -> Tensor:
    """`⟨û_ij, o_j⟩` with points o `(batch, outputs, dims)`."""
    columns = _split_like(blocks, points[..., None])
    products = [ops.matmul(votes, one) for one, votes in zip(columns, blocks)]
    return ops.concatenate(products, OUTPUTS)[..., 0]


def _split_like(blocks, tensor):
    if len(blocks) == 1:
        return [tensor]
    sizes = [votes.shape[OUTPUTS] for votes in blocks]
    ends = list(itertools.accumulate(sizes))[:-1]
    return ops.split(tensor, ends, OUTPUTS)
