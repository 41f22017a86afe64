"""Routing as attention: votes that agree with the others, or with a parent."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_capsvae.activations import squash
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.routing.algorithm import Routing
from keras_capsvae.routing.algorithm import RoutingSettings
from keras_capsvae.routing.algorithm import Votes
from keras_capsvae.routing.algorithm import VoteShape
from keras_capsvae.routing.algorithm import Weight
from keras_capsvae.routing.algorithm import by_output
from keras_capsvae.routing.algorithm import check_function
from keras_capsvae.routing.algorithm import chosen
from keras_capsvae.routing.algorithm import of_outputs
from keras_capsvae.routing.iterations import agreements
from keras_capsvae.routing.iterations import check_shape
from keras_capsvae.routing.iterations import dims_of
from keras_capsvae.routing.iterations import equal
from keras_capsvae.routing.iterations import masked
from keras_capsvae.routing.iterations import route
from keras_capsvae.routing.iterations import soft_couplings
from keras_capsvae.routing.iterations import weighted_sums
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_positive

LAYER_NORM_EPSILON = 1e-5
DIRECTION_EPSILON = 1e-4  # of poses, whose squared length is about their dims


class SelfAttention(Routing):
    """See `self_attention_routing`; owns the bias of the couplings."""

    def weights(self, shape: VoteShape) -> list[Weight]:
        shape_of_bias = (*shape.per_input, shape.capsules)
        return [Weight("coupling_bias", shape_of_bias, "zeros")]

    def route(
        self,
        votes: Votes,
        settings: RoutingSettings,
        weights: Sequence[Tensor] = (),
    ) -> tuple[Tensor, Tensor]:
        blocks, mask, _ = votes
        totals = weighted_sums(masked(equal(blocks, 1.0), mask), blocks)
        scale = settings.temperature * dims_of(blocks) ** 0.5
        couplings = soft_couplings(agreements(blocks, totals) / scale)
        for bias in weights:
            couplings = couplings + of_outputs(bias, couplings.dtype)
        couplings = masked(couplings, mask)
        capsules = settings.activation(weighted_sums(couplings, blocks))
        return capsules, couplings


def self_attention_routing(
    votes: Tensor,
    *,
    bias: Tensor | None = None,
    activation: Callable[[Tensor], Tensor] = squash,
    temperature: float = 1.0,
    mask: Tensor | None = None,
    return_couplings: bool = False,
) -> Any:
    """Routing by the agreement of each vote with all votes for its parent.

    `a_ij = ⟨û_ij, Σ_k û_kj⟩ / √d`, `c_ij = softmax_j(a / T) + β_ij` and
    `v_j = squash(Σ_i c_ij û_ij)`. There is no iteration. The sum of the votes
    comes first, which costs O(inputs) where the Gram matrix of the votes, whose
    columns the paper adds up to the same numbers, costs O(inputs²).

    Args:
        votes: Tensor `(batch, inputs, outputs, dims)`.
        bias: β, `(inputs, outputs)` or `(outputs,)`. Defaults to `None`: 0.
        activation: Function of the weighted sums. Defaults to `squash`; the
            paper's is `exponential_squash`.
        temperature: T, above 0. Defaults to 1.
        mask: Booleans `(batch, inputs)`, false for inputs that do not vote.
            Defaults to `None`: all do.
        return_couplings: Whether to return the couplings too. Defaults to
            `False`.

    Returns:
        The capsules v, `(batch, outputs, dims)`, float32 at least; with
        `return_couplings` also `(batch, inputs, outputs)`.

    Raises:
        ValueError: If `temperature` is not above 0, the votes are not of rank 4
            or the bias is of another shape.
        TypeError: If `activation` is no function.

    Example:

    >>> votes = np.random.default_rng(0).normal(size=(2, 6, 3, 4))
    >>> self_attention_routing(votes).shape
    (2, 3, 4)

    Source: Mazzia, Salvetti and Chiaberge, "Efficient-CapsNet: capsule network
    with self-attention routing", 2021.
    """
    settings = RoutingSettings(
        activation=check_function("activation", activation),
        temperature=check_positive("temperature", temperature),
    )
    grouped = by_output(votes, mask)
    weights = []
    if bias is not None:
        _, outputs, inputs, _ = grouped.blocks[0].shape
        weights = [ops.convert_to_tensor(bias)]
        check_shape("bias", weights[0], (inputs, outputs), (outputs,))
    return chosen(
        SELF_ATTENTION.route(grouped, settings, weights), return_couplings
    )


class InvertedAttention(Routing):
    """See `inverted_attention_routing`.

    A layer of it owns the normalisation's gain and offset and, as the
    normalised capsules are all about √d long, a direction w and a threshold w0
    which all capsules share: `σ(⟨w, p_j⟩ + w0)` is the length of capsule j.
    """

    iterations = 2
    has_own_lengths = True

    def weights(self, shape: VoteShape) -> list[Weight]:
        return [
            Weight("gain", (shape.dims,), "ones"),
            Weight("offset", (shape.dims,), "zeros"),
            Weight("score_kernel", (shape.dims, 1), "lecun_uniform"),
            Weight("score_bias", (1,), "zeros"),
        ]

    def route(
        self,
        votes: Votes,
        settings: RoutingSettings,
        weights: Sequence[Tensor] = (),
    ) -> tuple[Tensor, Tensor]:
        gain, offset, kernel, bias = map(at_least_float32, weights)
        poses, couplings = inverted_attention(votes, settings, gain, offset)
        length = ops.sigmoid(ops.matmul(poses, kernel) + bias)
        energy = ops.sum(ops.square(poses), -1, keepdims=True)
        direction = poses * ops.rsqrt(energy + DIRECTION_EPSILON)
        return length * direction, couplings


def inverted_attention(
    votes: Votes,
    settings: RoutingSettings,
    gain: Tensor | float,
    offset: Tensor | float,
) -> tuple[Tensor, Tensor]:
    """Poses and couplings of `inverted_attention_routing`, by output."""
    blocks, mask, _ = votes
    gain, offset = (ops.cast(one, blocks[0].dtype) for one in (gain, offset))
    scale = settings.temperature * dims_of(blocks) ** 0.5

    def normalised(sums):
        centred = sums - ops.mean(sums, -1, keepdims=True)
        variance = ops.mean(ops.square(centred), -1, keepdims=True)
        unscaled = centred * ops.rsqrt(variance + LAYER_NORM_EPSILON)
        return unscaled * gain + offset

    sums, couplings = route(
        blocks,
        settings.routings,
        compare=normalised,
        couple=lambda logits: soft_couplings(logits / scale),
        mask=mask,
        stop_gradient=settings.stop_gradient,
    )
    return normalised(sums), couplings


def inverted_attention_routing(
    votes: Tensor,
    routings: int = 2,
    *,
    gain: Tensor | float = 1.0,
    offset: Tensor | float = 0.0,
    temperature: float = 1.0,
    mask: Tensor | None = None,
    stop_gradient: bool = False,
    return_couplings: bool = False,
) -> Any:
    """Attention of the inputs to the outputs, for which they compete.

    `p_j = LayerNorm(Σ_i c_ij û_ij)` with `c = softmax_j(b / T)`; between two
    iterations `b_ij = ⟨û_ij, p_j⟩ / √d`, and b = 0 at the start. Attention is
    inverted in that the softmax is over those that are written to. Layer
    normalisation takes the place of squash: no pose is longer than another, and
    `CapsuleLayer` gives each a length by a trained direction.

    Args:
        gain, offset: Of the normalisation, `(dims,)`. Default to 1 and 0.
        votes, routings, temperature, mask, stop_gradient, return_couplings: See
            `kmeans_routing`; `routings` defaults to 2.

    Returns:
        The poses p, `(batch, outputs, dims)`, float32 at least; with
        `return_couplings` also `(batch, inputs, outputs)`.

    Raises:
        ValueError: If `routings` is below 1, `temperature` is not above 0, the
            votes are not of rank 4, or gain or offset are of another shape.

    Example:

    >>> votes = np.random.default_rng(0).normal(size=(2, 6, 3, 4))
    >>> poses = inverted_attention_routing(votes)
    >>> np.round(np.linalg.norm(poses, axis=-1), 3)[0]
    array([2., 2., 2.], dtype=float32)

    Source: Tsai, Srivastava, Goh and Salakhutdinov, "Capsules with Inverted
    Dot-Product Attention Routing", 2020.
    """
    settings = RoutingSettings(
        check_integer("routings", routings),
        temperature=check_positive("temperature", temperature),
        stop_gradient=stop_gradient,
    )
    grouped = by_output(votes, mask)
    gain, offset = map(ops.convert_to_tensor, (gain, offset))
    for name, number in {"gain": gain, "offset": offset}.items():
        check_shape(name, number, (dims_of(grouped.blocks),), ())
    return chosen(
        inverted_attention(grouped, settings, gain, offset),
        return_couplings,
    )


SELF_ATTENTION = SelfAttention()
INVERTED_ATTENTION = InvertedAttention()
