"""The gradient of EM routing, numbered as in docs/matrix_capsules.md.

Backwards through the iterations: `d_x` is the derivative of the loss by x. That
by the votes is gathered in factors and written once, at the end.
"""

from keras import ops

from keras_capsvae.routing.em.distances import expanded
from keras_capsvae.routing.em.steps import Parents
from keras_capsvae.routing.em.steps import Problem
from keras_capsvae.routing.em.votes import CHILDREN
from keras_capsvae.routing.em.votes import PARENTS
from keras_capsvae.routing.em.votes import PoseVotes
from keras_capsvae.typing import Tensor


def gradient(
    problem: Problem, steps: list[Parents], d_means: Tensor, d_active: Tensor
) -> tuple:
    """Gradients by activations, β_a, β_u and each block of the votes.

    Args:
        problem: `Problem`.
        steps: `Parents` of each iteration.
        d_means, d_active: Gradients by the last means and activations.
    """
    squares = problem.squares or problem.votes.squared()
    active = steps[-1].active
    d_variance = ops.zeros_like(d_means)
    d_logits = d_active * active * (1 - active)  # (11)
    totals = [0.0, 0.0, 0.0]
    factors = []
    for iteration in reversed(range(len(steps))):
        parents = steps[iteration]
        d_weights, d_betas, factor = m_step_gradient(
            problem, squares, parents, iteration, d_means, d_variance, d_logits
        )
        factors.append(factor)
        d_activations = ops.sum(
            d_weights * parents.assignments, PARENTS
        )  # (20)
        gradients = (d_activations, *d_betas)
        totals = [a + b for a, b in zip(totals, gradients)]
        if iteration > 0:
            total = problem.rule.total(d_activations)
            d_scores = parents.weights * (d_weights - total)  # (21)
            d_means, d_variance, d_logits, factor = e_step_gradient(
                problem, squares, steps[iteration - 1], d_scores
            )
            factors.append(factor)
    return (*totals, *votes_gradient(problem.votes, factors))


def m_step_gradient(
    problem: Problem,
    squares: PoseVotes,
    parents: Parents,
    iteration: int,
    d_means: Tensor,
    d_variance: Tensor,
    d_logits: Tensor,
) -> tuple:
    """Gradients by w, by β_a and β_u, and a factor of that by the votes."""
    settings, epsilon = problem.settings, problem.settings.epsilon
    mass, means, first = parents.mass, parents.means, parents.first
    variance = parents.variance

    d_beta_a = settings.inverse_temperature(iteration) * d_logits  # (12)
    d_product = -settings.mass_scale * d_beta_a[..., None]  # by S_j H_j
    d_entropy = d_product * mass  # (13)
    d_beta_u = means.shape[-1] * d_entropy[..., 0]  # (14)
    d_variance = d_variance + 0.5 * d_entropy / variance  # (15)

    d_second = d_variance / mass  # (16)
    leftover = first * mass - means * (mass - epsilon)  # Σ_i w (V − μ)
    d_means = d_means - 2 * leftover * d_second
    d_first = d_means / mass  # (17)
    lost = epsilon / mass * problem.centre
    d_mass = d_product * parents.entropy[..., None] + ops.sum(
        d_first * (lost - first) - d_second * (variance - epsilon),
        -1,
        keepdims=True,
    )  # (18)

    constant = d_mass + ops.sum(d_second * ops.square(means), -1, keepdims=True)
    d_first -= 2 * means * d_second
    d_weights = (
        squares.to_children(d_second)
        + problem.votes.to_children(d_first)
        + constant
    )  # (19)
    factor = (parents.weights, d_first, 2 * d_second)  # (25)
    d_betas = ops.sum(d_beta_a, 1), ops.sum(d_beta_u, 1)
    return d_weights, d_betas, factor


def e_step_gradient(
    problem: Problem, squares: PoseVotes, parents: Parents, d_scores: Tensor
) -> tuple:
    """Gradients by μ, σ² and ℓ, and a factor of that by the votes."""
    precision, means = 1 / parents.variance, parents.means
    d_height = ops.sum(d_scores, CHILDREN)[..., None]
    d_logits = d_height[..., 0] * (1 - parents.active)  # (22)
    first = problem.votes.to_parents(d_scores)
    d_means = precision * (first - means * d_height)  # (23)
    second = squares.to_parents(d_scores)
    spread = expanded(second, first, d_height, means)
    d_variance = 0.5 * precision * (precision * spread - d_height)  # (24)
    factor = (d_scores, means * precision, -precision)  # (26)
    return d_means, d_variance, d_logits, factor


def votes_gradient(votes: PoseVotes, factors: list[tuple]) -> list[Tensor]:
    """(27) Σ_t l_t (c_t + d_t V) over factors (l, c, d), as blocks."""
    left, constant, slope = (ops.stack(one, 2) for one in zip(*factors))

    def of_block(block, left, constant, slope):
        products = "kgti,kgth->kgih"
        return ops.einsum(products, left, constant) + block * ops.einsum(
            products, left, slope
        )

    # left (parents, groups, 2r − 1, children), the others (…, 2r − 1, h)
    return votes.map(of_block, left, constant, slope).blocks
