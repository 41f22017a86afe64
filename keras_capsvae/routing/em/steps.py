"""The two steps of EM routing, numbered as in docs/matrix_capsules.md."""

import dataclasses
from typing import Any

from keras import ops

from keras_capsvae.routing.em.distances import EXPANSION_EPSILON
from keras_capsvae.routing.em.distances import ExpandedDistances
from keras_capsvae.routing.em.distances import PlainDistances
from keras_capsvae.routing.em.settings import EMSettings
from keras_capsvae.routing.em.votes import CHILDREN
from keras_capsvae.routing.em.votes import PoseVotes
from keras_capsvae.typing import Tensor


@dataclasses.dataclass(frozen=True)
class Problem:
    """What EM routing is given.

    The votes are centred, for precision. The result does not depend on the
    centre, so neither does the gradient.

    Attributes:
        votes: `PoseVotes`, less their centre.
        squares: V² if squares are expanded, else `None`.
        centre: Tensor `(parents, groups, h)`.
        activations: a_i, `(1, groups, children)`.
        beta_a: `(parents, 1)`.
        beta_u: `(parents, 1, 1)`.
        rule: How children share themselves out, such as `AllParents`.
        settings: `EMSettings`.
    """

    votes: PoseVotes
    squares: PoseVotes | None
    centre: Tensor
    activations: Tensor
    beta_a: Tensor
    beta_u: Tensor
    rule: Any
    settings: EMSettings

    @classmethod
    def of(
        cls,
        blocks: list[Tensor],
        activations: Tensor,
        beta_a: Tensor,
        beta_u: Tensor,
        rule: Any,
        settings: EMSettings,
    ) -> "Problem":
        """Takes what `fit_gaussians` takes."""
        votes = PoseVotes(blocks)
        centre = votes.means()
        votes = votes.minus(centre)
        expands = settings.epsilon >= EXPANSION_EPSILON
        return cls(
            votes,
            votes.squared() if expands else None,
            centre,
            activations[None],
            beta_a[:, None],
            beta_u[:, None, None],
            rule,
            settings,
        )

    def distances(self, means: Tensor) -> ExpandedDistances | PlainDistances:
        if self.squares is None:
            return PlainDistances(self.votes, means)
        return ExpandedDistances(self.votes, self.squares, means)


@dataclasses.dataclass(frozen=True)
class Parents:
    """What an M-step found.

    Attributes:
        assignments: R_ij, `(parents, groups, children)`.
        weights: w_ij = R_ij a_i.
        mass: S_j, `(parents, groups, 1)`.
        first: Σ_i w_ij V_ijh / S_j, `(parents, groups, h)`.
        means: μ_jh, less the centre.
        variance: σ²_jh.
        entropy: H_j, `(parents, groups)`.
        logits: ℓ_j.
        active: a_j.
    """

    assignments: Tensor
    weights: Tensor
    mass: Tensor
    first: Tensor
    means: Tensor
    variance: Tensor
    entropy: Tensor
    logits: Tensor
    active: Tensor


def iterate(problem: Problem) -> list[Parents]:
    """The iterations of EM: the `Parents` that each of them found."""
    _, groups, children = ops.shape(problem.activations)
    assignments = problem.rule.initial(
        (problem.votes.parents, groups, children), problem.activations.dtype
    )
    steps = []
    for iteration in range(problem.settings.routings):
        parents, distances = m_step(problem, iteration, assignments)
        steps.append(parents)
        if len(steps) < problem.settings.routings:
            assignments = e_step(problem, parents, distances)
        del distances  # may be as large as the votes
    return steps


def m_step(
    problem: Problem, iteration: int, assignments: Tensor
) -> tuple[Parents, Any]:
    """Assignments → `Parents`, and distances of the votes from their means."""
    epsilon, scale = problem.settings.epsilon, problem.settings.mass_scale
    weights = assignments * problem.activations  # (1)
    mass = ops.sum(weights, CHILDREN)[..., None] + epsilon  # (2)
    first = problem.votes.to_parents(weights) / mass  # (3)
    lost = epsilon / mass  # the weights over S sum to a little less than 1
    means = first - lost * problem.centre  # (4)
    distances = problem.distances(means)
    spread = distances.variance(weights, mass, first, 1 - lost)
    variance = spread + epsilon  # (5)
    entropy = ops.sum(problem.beta_u + 0.5 * ops.log(variance), -1)  # (7)
    cost = scale * entropy * mass[..., 0]
    inverse_temperature = problem.settings.inverse_temperature(iteration)
    logits = inverse_temperature * (problem.beta_a - cost)  # (8)
    active = ops.sigmoid(logits)
    parents = Parents(
        assignments,
        weights,
        mass,
        first,
        means,
        variance,
        entropy,
        logits,
        active,
    )
    return parents, distances


def e_step(problem: Problem, parents: Parents, distances: Any) -> Tensor:
    """`Parents` → assignments of the children in them."""
    height = ops.log_sigmoid(parents.logits)  # ln a_j
    scores = distances.log_densities(height, parents.variance)  # (9)
    return problem.rule.of_scores(scores)  # (10)
