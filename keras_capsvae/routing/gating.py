"""Self-routing: each capsule knows by itself which parents it belongs to."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_capsvae.activations import unit
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.numerics import length
from keras_capsvae.routing.algorithm import Routing
from keras_capsvae.routing.algorithm import RoutingSettings
from keras_capsvae.routing.algorithm import Votes
from keras_capsvae.routing.algorithm import VoteShape
from keras_capsvae.routing.algorithm import Weight
from keras_capsvae.routing.algorithm import by_output
from keras_capsvae.routing.algorithm import chosen
from keras_capsvae.routing.algorithm import of_outputs
from keras_capsvae.routing.iterations import check_shape
from keras_capsvae.routing.iterations import masked
from keras_capsvae.routing.iterations import soft_couplings
from keras_capsvae.routing.iterations import weighted_sums
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_positive

SMALLEST_MASS = 1e-12  # of the activations of an example, which may all be 0


class SelfRouting(Routing):
    """See `self_routing`; owns the kernel and bias of the logits.

    The activation of an input is its length.
    """

    has_own_lengths = True

    def weights(self, shape: VoteShape) -> list[Weight]:
        per_input, d_in, capsules, _ = shape
        return [
            Weight("coupling_kernel", (*per_input, d_in, capsules), None),
            Weight("coupling_bias", (*per_input, capsules), "zeros"),
        ]

    def activations(self, inputs: Tensor) -> Tensor:
        return length(inputs)

    def route(
        self,
        votes: Votes,
        settings: RoutingSettings,
        weights: Sequence[Tensor] = (),
    ) -> tuple[Tensor, Tensor]:
        kernel, bias = map(at_least_float32, weights)
        inputs = at_least_float32(votes.inputs)
        activations = self.activations(inputs)
        logits = _products(inputs, kernel) + of_outputs(bias, inputs.dtype)
        return _shared_out(votes, logits / settings.temperature, activations)


def self_routing(
    votes: Tensor,
    logits: Tensor,
    *,
    activations: Tensor | None = None,
    temperature: float = 1.0,
    mask: Tensor | None = None,
    return_couplings: bool = False,
) -> Any:
    """Routing without agreement: a classifier in each input shares it out.

    `c_ij = softmax_j(logits_ij / T)`. The length of capsule j is its activation
    `a_j = Σ_i a_i c_ij / Σ_i a_i`, its direction that of the pose
    `Σ_i a_i c_ij û_ij`. The lengths of all capsules of an example add up to 1.

    Args:
        votes: Tensor `(batch, inputs, outputs, dims)`.
        logits: `(batch, inputs, outputs)`; of a `CapsuleLayer` with weights
            of its own, `u_i V_i + β_i`.
        activations: a_i, `(batch, inputs)`, which should not be negative.
            Defaults to `None`: all equal. A `CapsuleLayer` takes the lengths of
            its inputs.
        temperature: T, above 0. Defaults to 1.
        mask: Booleans `(batch, inputs)`, false for inputs that do not vote.
            Defaults to `None`: all do.
        return_couplings: Whether to return the couplings c too. Defaults to
            `False`.

    Returns:
        The capsules, `(batch, outputs, dims)`, float32 at least; with
        `return_couplings` also `(batch, inputs, outputs)`.

    Raises:
        ValueError: If `temperature` is not above 0, the votes are not of rank
            4, or logits or activations of another shape.

    Example:

    >>> votes = np.random.default_rng(0).normal(size=(2, 6, 3, 4))
    >>> capsules = self_routing(votes, logits=np.zeros((2, 6, 3)))
    >>> np.round(np.linalg.norm(capsules, axis=-1), 3)[0]
    array([0.333, 0.333, 0.333], dtype=float32)

    Source: Hahn, Pyeon and Kim, "Self-Routing Capsule Networks", 2019.
    """
    check_positive("temperature", temperature)
    grouped = by_output(votes, mask)
    (block,) = grouped.blocks
    logits = ops.cast(logits, block.dtype)
    batch, outputs, inputs, _ = block.shape
    check_shape("logits", logits, (batch, inputs, outputs))
    if activations is None:
        activations = ops.ones_like(logits[..., 0])
    activations = ops.cast(activations, logits.dtype)
    check_shape("activations", activations, (batch, inputs))
    by_outputs = ops.swapaxes(logits, 1, 2) / temperature
    return chosen(
        _shared_out(grouped, by_outputs, activations),
        return_couplings,
    )


def _products(inputs, kernel):
    """Logits `(batch, outputs, inputs)` by a kernel of all or of each input."""
    if len(kernel.shape) == 2:
        return ops.swapaxes(ops.matmul(inputs, kernel), 1, 2)
    of_inputs = ops.matmul(ops.swapaxes(inputs, 0, 1), kernel)
    return ops.transpose(of_inputs, (1, 2, 0))


def _shared_out(votes, logits, activations):
    """Capsules and couplings by output, logits `(batch, outputs, inputs)`."""
    blocks, mask, _ = votes
    couplings = masked(soft_couplings(logits), mask)
    shares = couplings * activations[:, None]
    total = ops.sum(masked(activations[:, None], mask), -1)  # (batch, 1)
    lengths = ops.sum(shares, -1) / ops.maximum(total, SMALLEST_MASS)
    return lengths[..., None] * unit(weighted_sums(shares, blocks)), couplings


SELF_ROUTING = SelfRouting()
