"""Routing by agreement: clusterings of the votes, as pure functions.

Input capsule i votes û_ij for the output capsule j. Each routing iteration
shares every input out among the outputs, by couplings that are a softmax over
the outputs, and moves the outputs to the weighted sums of their votes.
"""

import dataclasses
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_capsvae.activations import squash
from keras_capsvae.activations import unit
from keras_capsvae.numerics import largest
from keras_capsvae.routing.algorithm import Routing
from keras_capsvae.routing.algorithm import RoutingSettings
from keras_capsvae.routing.algorithm import Votes
from keras_capsvae.routing.algorithm import by_output
from keras_capsvae.routing.algorithm import check_function
from keras_capsvae.routing.algorithm import chosen
from keras_capsvae.routing.algorithm import unchanged
from keras_capsvae.routing.iterations import OUTPUTS
from keras_capsvae.routing.iterations import route
from keras_capsvae.routing.iterations import soft_couplings
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_positive


def hard_couplings(logits: Tensor) -> Tensor:
    """One-hot over the outputs; uniform as long as all logits are equal."""
    best = largest(logits, axis=OUTPUTS, keepdims=True)
    is_best = ops.cast(ops.equal(logits, best), logits.dtype)
    return is_best / ops.sum(is_best, axis=OUTPUTS, keepdims=True)


@dataclasses.dataclass(frozen=True)
class Agreement(Routing):
    """What tells one routing by agreement from another.

    Attributes:
        compare: Function of a weighted sum, giving what votes are compared
            with. Defaults to `None`: the activation.
        couple: Function of the logits. Defaults to `soft_couplings`.
        accumulates: Whether agreements add up instead of replacing each other.
        takes_temperature: See `Routing`.
    """

    compare: Callable[[Tensor], Tensor] | None = None
    couple: Callable[[Tensor], Tensor] = soft_couplings
    accumulates: bool = False
    takes_temperature: bool = True
    iterations = 3

    def route(
        self,
        votes: Votes,
        settings: RoutingSettings,
        weights: Sequence[Tensor] = (),
    ) -> tuple[Tensor, Tensor]:
        centres, couplings = route(
            votes.blocks,
            settings.routings,
            compare=self.compare or settings.activation,
            couple=lambda logits: self.couple(logits / settings.temperature),
            accumulates=self.accumulates,
            mask=votes.mask,
            stop_gradient=settings.stop_gradient,
        )
        return settings.activation(centres), couplings


KMEANS = Agreement(compare=unit)
AGREEMENT = Agreement()
DYNAMIC = Agreement(accumulates=True)
HARD_KMEANS = Agreement(
    compare=unit, couple=hard_couplings, takes_temperature=False
)


def kmeans_routing(
    votes: Tensor,
    routings: int = 3,
    *,
    temperature: float = 1.0,
    mask: Tensor | None = None,
    stop_gradient: bool = False,
    return_couplings: bool = False,
) -> Any:
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
    settings = _settings(routings, temperature, stop_gradient)
    return chosen(
        KMEANS.route(by_output(votes, mask), settings), return_couplings
    )


def hard_kmeans_routing(
    votes: Tensor,
    routings: int = 3,
    *,
    mask: Tensor | None = None,
    return_couplings: bool = False,
) -> Any:
    """K-Means proper: each input belongs to its nearest centre alone.

    As `kmeans_routing` with T → 0. No gradient flows through the assignment,
    which is piecewise constant.

    Example:

    >>> votes = np.random.default_rng(0).normal(size=(2, 6, 3, 4))
    >>> hard_kmeans_routing(votes).shape
    (2, 3, 4)

    Source: kexue.fm 5112.
    """
    settings = _settings(routings)
    return chosen(
        HARD_KMEANS.route(by_output(votes, mask), settings), return_couplings
    )


def agreement_routing(
    votes: Tensor,
    routings: int = 3,
    *,
    activation: Callable[[Tensor], Tensor] = squash,
    temperature: float = 1.0,
    mask: Tensor | None = None,
    stop_gradient: bool = False,
    return_couplings: bool = False,
) -> Any:
    """Routing whose logits are replaced by the agreement in each iteration.

    `v_j = squash(Σ_i c_ij û_ij)` with `c = softmax_j(b)`; between two
    iterations `b_ij = ⟨û_ij, v_j⟩`, and b = 0 at the start.

    Args:
        activation: Function of the weighted sums. Defaults to `squash`.
        votes, routings, temperature, mask, stop_gradient, return_couplings: See
            `kmeans_routing`.

    Returns:
        The capsules v, `(batch, outputs, dims)`, float32 at least; with
        `return_couplings` also `(batch, inputs, outputs)`.

    Raises:
        ValueError: If `routings` is below 1, `temperature` is not above 0, or
            the votes are not of rank 4.
        TypeError: If `activation` is no function.

    Example:

    >>> votes = np.random.default_rng(0).normal(size=(2, 6, 3, 4))
    >>> agreement_routing(votes).shape
    (2, 3, 4)

    Source: kexue.fm 4819.
    """
    settings = _settings(routings, temperature, stop_gradient, activation)
    return chosen(
        AGREEMENT.route(by_output(votes, mask), settings), return_couplings
    )


def dynamic_routing(
    votes: Tensor,
    routings: int = 3,
    *,
    activation: Callable[[Tensor], Tensor] = squash,
    temperature: float = 1.0,
    mask: Tensor | None = None,
    stop_gradient: bool = False,
    return_couplings: bool = False,
) -> Any:
    """Dynamic routing: the logits accumulate the agreement.

    As `agreement_routing`, but `b_ij ← b_ij + ⟨û_ij, v_j⟩`, which hardens the
    softmax as the iterations go on.

    Example:

    >>> votes = np.random.default_rng(0).normal(size=(2, 6, 3, 4))
    >>> dynamic_routing(votes).shape
    (2, 3, 4)

    Source: Sabour, Frosst and Hinton, 2017, procedure 1.
    """
    settings = _settings(routings, temperature, stop_gradient, activation)
    return chosen(
        DYNAMIC.route(by_output(votes, mask), settings), return_couplings
    )


def _settings(
    routings,
    temperature=1.0,
    stop_gradient=False,
    activation=unchanged,
):
    return RoutingSettings(
        check_integer("routings", routings),
        check_function("activation", activation),
        check_positive("temperature", temperature),
        stop_gradient,
    )
