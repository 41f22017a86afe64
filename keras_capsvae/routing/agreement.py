"""Routing by agreement: clusterings of the votes, as pure functions.

Input capsule i votes û_ij for the output capsule j. Each routing iteration
shares every input out among the outputs, by couplings that are a softmax over
the outputs, and moves the outputs to the weighted sums of their votes.
"""

import itertools

from keras import ops

from keras_capsvae.activations import squash
from keras_capsvae.activations import unit
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.validation.numbers import check_integer

OUTPUTS = 1  # axis of the output capsules in votes grouped by output


def kmeans_routing(
    votes,
    routings=3,
    *,
    temperature=1.0,
    mask=None,
    stop_gradient=False,
    return_couplings=False,
):
    """Soft K-Means over the votes, with cosines against unit centres.

    In each iteration `o_j = Σ_i c_ij û_ij` with `c = softmax_j(b / T)`; between
    two iterations `b_ij = ⟨û_ij, o_j / ‖o_j‖⟩`, and b = 0 at the start.

    Args:
        votes: Tensor `(batch, inputs, outputs, dims)`.
        routings: Iterations, at least 1. Defaults to 3.
        temperature: T, above 0. A trained vote transform absorbs it; T → 0 is
            `hard_kmeans_routing`. Defaults to 1.
        mask: Booleans `(batch, inputs)`, false for inputs that do not vote.
            Defaults to `None`: all do.
        stop_gradient: Whether the gradient goes through the last iteration
            alone. Defaults to `False`: through all.
        return_couplings: Whether to return the couplings of the last iteration
            too. Defaults to `False`.

    Returns:
        The centres o, `(batch, outputs, dims)`, float32 at least, not yet
        squashed; with `return_couplings` also `(batch, inputs, outputs)`.

    Raises:
        ValueError: If `routings` is below 1, `temperature` is not above 0, or
            the votes are not of rank 4.

    Example:

    >>> votes = np.random.default_rng(0).normal(size=(2, 6, 3, 4))
    >>> kmeans_routing(votes).shape
    (2, 3, 4)

    Source: kexue.fm 5112.
    """
    if not temperature > 0:
        raise ValueError(
            f"`temperature` must be above 0. Received: {temperature!r}"
        )
    return _routed(
        votes,
        routings,
        mask,
        stop_gradient,
        return_couplings,
        point=unit,
        couple=lambda logits: soft_couplings(logits / temperature),
    )


def hard_kmeans_routing(
    votes, routings=3, *, mask=None, return_couplings=False
):
    """K-Means proper: each input belongs to its nearest centre alone.

    As `kmeans_routing` with T → 0. No gradient flows through the assignment,
    which is piecewise constant.

    Source: kexue.fm 5112.
    """
    return _routed(
        votes,
        routings,
        mask,
        False,
        return_couplings,
        point=unit,
        couple=hard_couplings,
    )


def agreement_routing(
    votes,
    routings=3,
    *,
    activation=squash,
    mask=None,
    stop_gradient=False,
    return_couplings=False,
):
    """Routing whose logits are replaced by the agreement in each iteration.

    `v_j = squash(Σ_i c_ij û_ij)` with `c = softmax_j(b)`; between two
    iterations `b_ij = ⟨û_ij, v_j⟩`, and b = 0 at the start.

    Args:
        activation: Function of the weighted sums. Defaults to `squash`.
        votes, routings, mask, stop_gradient, return_couplings: See
            `kmeans_routing`.

    Returns:
        The capsules v, `(batch, outputs, dims)`, float32 at least; with
        `return_couplings` also `(batch, inputs, outputs)`.

    Raises:
        ValueError: If `routings` is below 1 or the votes are not of rank 4.

    Source: kexue.fm 4819.
    """
    return _activated(
        activation,
        _routed(
            votes,
            routings,
            mask,
            stop_gradient,
            return_couplings,
            point=activation,
        ),
    )


def dynamic_routing(
    votes,
    routings=3,
    *,
    activation=squash,
    mask=None,
    stop_gradient=False,
    return_couplings=False,
):
    """Dynamic routing: the logits accumulate the agreement.

    As `agreement_routing`, but `b_ij ← b_ij + ⟨û_ij, v_j⟩`, which hardens the
    softmax as the iterations go on.

    Source: Sabour, Frosst and Hinton, 2017, procedure 1.
    """
    return _activated(
        activation,
        _routed(
            votes,
            routings,
            mask,
            stop_gradient,
            return_couplings,
            point=activation,
            accumulate=True,
        ),
    )


def route(
    blocks,
    routings,
    point,
    *,
    couple=None,
    accumulate=False,
    mask=None,
    stop_gradient=False,
):
    """The iterations that all routings share, on votes grouped by output.

    One output capsule's votes lie together, so that weighted sums and
    agreements are matrix products that read the votes in place.

    Args:
        blocks: List of tensors `(batch, outputs of the block, inputs, dims)`,
            float32 at least.
        routings: Iterations.
        point: Function of a weighted sum, giving what votes are compared with.
        couple: Function of the logits. Defaults to `soft_couplings`.
        accumulate: Whether agreements add up or replace each other.
        mask, stop_gradient: See `kmeans_routing`.

    Returns:
        Weighted sums `(batch, outputs, dims)` and couplings
        `(batch, outputs, inputs)` of the last iteration.
    """
    couple = couple or soft_couplings
    seen = blocks
    if stop_gradient:
        seen = [ops.stop_gradient(votes) for votes in blocks]
    logits = ops.concatenate(
        [ops.zeros_like(votes[..., :1]) for votes in blocks], OUTPUTS
    )  # (batch, outputs, inputs, 1)
    for iteration in range(routings):
        is_last = iteration == routings - 1
        couplings = couple(logits)
        if mask is not None:
            couplings *= ops.cast(mask, couplings.dtype)[:, None, :, None]
        centres = _products(
            ops.swapaxes(couplings, -1, -2), blocks if is_last else seen
        )  # (batch, outputs, 1, dims)
        if not is_last:
            points = ops.swapaxes(point(centres), -1, -2)
            agreement = _products(seen, points)  # (batch, outputs, inputs, 1)
            logits = logits + agreement if accumulate else agreement
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


def soft_couplings(logits):
    return ops.softmax(logits, axis=OUTPUTS)


def hard_couplings(logits):
    """One-hot over the outputs; uniform as long as all logits are equal."""
    best = ops.max(logits, axis=OUTPUTS, keepdims=True)
    is_best = ops.cast(ops.equal(logits, best), logits.dtype)
    return is_best / ops.sum(is_best, axis=OUTPUTS, keepdims=True)


def _routed(
    votes, routings, mask, stop_gradient, return_couplings, **algorithm
):
    """`route` on votes `(batch, inputs, outputs, dims)`."""
    check_integer("routings", routings)
    votes = at_least_float32(votes)
    if len(votes.shape) != 4:
        raise ValueError(
            "`votes` must have shape (batch, inputs, outputs, dims). "
            f"Received: shape {tuple(votes.shape)}"
        )
    centres, couplings = route(
        [ops.swapaxes(votes, 1, 2)],
        routings,
        mask=mask,
        stop_gradient=stop_gradient,
        **algorithm,
    )
    if return_couplings:
        return centres, ops.swapaxes(couplings, 1, 2)
    return centres


def _activated(activation, routed):
    if isinstance(routed, tuple):
        centres, couplings = routed
        return activation(centres), couplings
    return activation(routed)
