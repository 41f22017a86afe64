"""The iterations of EM routing and their gradient, on votes of any layout.

Arrays lead with the parents: votes (parents, groups, children, h). So a block
of parents is a slice that no one has to copy, and each sum over the votes of a
parent is a matrix product that reads them in place.
"""

import dataclasses
import functools

from keras import ops

from keras_capsvae.routing.em.sharing import PARENTS

CHILDREN = 2
EXPANSION_EPSILON = 0.01


@dataclasses.dataclass(frozen=True)
class EMSettings:
    """The numbers of `em_routing`; see there."""

    routings: int
    final_lambda: float
    epsilon: float
    mass_scale: float

    def inverse_temperature(self, iteration):
        return self.final_lambda * (1 - 0.95 ** (iteration + 1))


def fit_gaussians(blocks, activations, beta_a, beta_u, rule, settings):
    """The iterations of `em_routing` on votes grouped by parent.

    Autodiff would write one array as large as the votes for each product with
    them. The gradient is therefore spelled out: by the votes it is a single
    product of rank 2r − 1. The votes come in blocks of parents, because the C
    library takes every array above 32 MB from the system anew, which costs
    more than the sums.

    Args:
        blocks: List of tensors `(parents of the block, groups, children, h)`
            of one float dtype. The children of a group are those its parents
            see.
        activations: Tensor `(groups, children)`.
        beta_a, beta_u: Tensors `(parents,)`.
        rule: How children share themselves out, such as `AllParents`.
        settings: `EMSettings`.

    Returns:
        Means `(groups, parents, h)` and activations `(groups, parents)`.
    """

    @ops.custom_gradient  # which on PyTorch takes functions of one output
    def fit(activations, beta_a, beta_u, *blocks):
        fitting = _Fitting(blocks, activations, beta_a, beta_u, rule, settings)

        def gradient(*upstream_or_arguments, upstream=None):
            if upstream is None:
                (upstream,) = upstream_or_arguments
            return fitting.gradient(upstream[..., :-1], upstream[..., -1])

        means, active = fitting.result
        return ops.concatenate([means, active[..., None]], -1), gradient

    fitted = fit(activations, beta_a, beta_u, *blocks)
    fitted = ops.swapaxes(fitted, 0, 1)
    return fitted[..., :-1], fitted[..., -1]


def shares_and_activations(*task):
    """R of the last iteration and the activations in each.

    Takes what `fit_gaussians` takes.

    Returns:
        `(groups, children, parents)` and `(iterations, groups, parents)`.
    """
    steps = _Fitting(*task).steps
    active = ops.stack([step["active"] for step in steps])
    shares = ops.transpose(steps[-1]["shares"], (1, 2, 0))
    return shares, ops.swapaxes(active, 1, 2)


class _Fitting:
    """Forward pass with what its gradient needs.

    Names: `mass` S_j, `means` μ and `variance` σ² are (parents, groups, 1 or
    h), `shares` R and `weights` R·a (parents, groups, children). The votes are
    centred, for precision. The result does not depend on the centre, so neither
    does the gradient.

    From an ε of 0.01 on squares are expanded, `(V − μ)² = V² − 2Vμ + μ²`: sums
    of them are products with V² and V, and no further array as large as the
    votes is written. That loses 1e-7 of the squared spread of all votes of a
    parent, so the relative error grows with spread² / ε where the votes that
    count have converged. The gradient is expanded whatever ε is.
    """

    def __init__(self, blocks, activations, beta_a, beta_u, rule, settings):
        self.sizes = [block.shape[PARENTS] for block in blocks]
        self.activations = activations[None]  # (1, groups, children)
        self.beta_a, self.beta_u = beta_a[:, None], beta_u[:, None, None]
        self.rule, self.settings = rule, settings
        groups, children = ops.shape(activations)
        shares = rule.initial(
            (sum(self.sizes), groups, children), activations.dtype
        )
        self.centre = ops.concatenate(
            [ops.mean(block, CHILDREN) for block in blocks], PARENTS
        )
        self.votes = self._per_block(
            ops.subtract, blocks, self._wide(self.centre)
        )
        self.expands = settings.epsilon >= EXPANSION_EPSILON
        if self.expands:
            self.squares = self._squares()
        self.steps = []
        for iteration in range(settings.routings):
            if iteration > 0:
                shares = rule.of_scores(self._scores(self.steps[-1]))
                del self.steps[-1]["deviations"]  # as large as the votes
            self.steps.append(self._m_step(iteration, shares))
        last = self.steps[-1]
        del last["deviations"]
        self.result = last["means"] + self.centre, last["active"]

    def _m_step(self, iteration, shares):
        epsilon = self.settings.epsilon
        weights = shares * self.activations
        mass = ops.sum(weights, CHILDREN)[..., None] + epsilon
        first = self._to_parents(weights, self.votes) / mass
        # Weights over (mass + ε) sum to a little less than 1.
        means = first - epsilon / mass * self.centre
        if self.expands:
            deviations = None
            second = self._to_parents(weights, self.squares) / mass
            kept = 1 - epsilon / mass
            spread = ops.relu(second - means * (2 * first - kept * means))
        else:
            deviations = self._per_block(
                lambda block, mean: ops.square(block - mean),
                self.votes,
                self._wide(means),
            )
            spread = self._to_parents(weights, deviations) / mass
        variance = spread + epsilon
        entropy = ops.sum(self.beta_u + 0.5 * ops.log(variance), -1)
        cost = self.settings.mass_scale * entropy * mass[..., 0]
        logits = self.settings.inverse_temperature(iteration) * (
            self.beta_a - cost
        )
        return {
            "shares": shares,
            "weights": weights,
            "mass": mass,
            "first": first,
            "means": means,
            "deviations": deviations,
            "variance": variance,
            "entropy": entropy,
            "logits": logits,
            "active": ops.sigmoid(logits),
        }

    def _scores(self, step):
        """ln a_j + ln N(V_ij; μ_j, σ²_j) up to a constant."""
        variance, means = step["variance"], step["means"]
        height = ops.log_sigmoid(step["logits"])
        if self.expands:
            height -= 0.5 * ops.sum(
                ops.log(variance) + ops.square(means) / variance, -1
            )
            distance = self._to_children(
                self.squares, 0.5 / variance
            ) - self._to_children(self.votes, means / variance)
        else:
            height -= 0.5 * ops.sum(ops.log(variance), -1)
            distance = self._to_children(step["deviations"], 0.5 / variance)
        return height[..., None] - distance

    def gradient(self, d_means, d_active):
        """Gradients by activations, β_a, β_u and each block of the votes."""
        last = self.steps[-1]
        d_logits = d_active * last["active"] * (1 - last["active"])
        d_variance, d_scores = ops.zeros_like(d_means), None
        squares = self.squares if self.expands else self._squares()
        totals = [0.0, 0.0, 0.0]
        factors = []  # of the gradient by the votes
        for iteration in reversed(range(self.settings.routings)):
            step = self.steps[iteration]
            if d_scores is not None:
                d_means, d_variance, d_logits = self._scores_gradient(
                    step, squares, d_scores
                )
                precision = 1 / step["variance"]
                factors.append(
                    (d_scores, step["means"] * precision, -precision)
                )
            d_weights, factor, d_betas = self._m_step_gradient(
                iteration, squares, d_means, d_variance, d_logits
            )
            factors.append(factor)
            d_activations = ops.sum(d_weights * step["shares"], PARENTS)
            gradients = (d_activations, *d_betas)
            totals = [a + b for a, b in zip(totals, gradients)]
            if iteration > 0:
                total = self.rule.total(d_activations)
                d_scores = step["weights"] * (d_weights - total)
        return (*totals, *self._votes_gradient(factors))

    def _scores_gradient(self, step, squares, d_scores):
        precision, means = 1 / step["variance"], step["means"]
        d_height = ops.sum(d_scores, CHILDREN)[..., None]
        offsets = self._to_parents(d_scores, self.votes) - means * d_height
        spread = self._to_parents(d_scores, squares) - means * (
            2 * offsets + means * d_height
        )  # Σ_i of the gradient times (V − μ)²
        d_variance = 0.5 * precision * (precision * spread - d_height)
        d_logits = d_height[..., 0] * (1 - step["active"])
        return precision * offsets, d_variance, d_logits

    def _m_step_gradient(
        self, iteration, squares, d_means, d_variance, d_logits
    ):
        step, epsilon = self.steps[iteration], self.settings.epsilon
        mass, means, first = step["mass"], step["means"], step["first"]
        variance = step["variance"]
        d_beta_a = self.settings.inverse_temperature(iteration) * d_logits
        d_cost = -self.settings.mass_scale * d_beta_a[..., None]
        d_entropy = d_cost * mass  # (parents, groups, 1)
        d_mass = d_cost * step["entropy"][..., None]
        d_variance = d_variance + 0.5 * d_entropy / variance

        d_second = d_variance / mass  # by Σ_i R_ij a_i (V − μ)²
        leftover = first * mass - means * (mass - epsilon)
        d_means = d_means - 2 * leftover * d_second
        d_first = d_means / mass  # by Σ_i R_ij a_i V
        lost = epsilon / mass * self.centre
        d_mass += ops.sum(
            d_first * (lost - first)
            + d_second * (ops.square(means) - variance + epsilon),
            -1,
            keepdims=True,
        )
        d_first -= 2 * means * d_second
        d_weights = (
            self._to_children(squares, d_second)
            + self._to_children(self.votes, d_first)
            + d_mass
        )
        dims = means.shape[-1]
        d_betas = ops.sum(d_beta_a, 1), dims * ops.sum(d_entropy[..., 0], 1)
        return d_weights, (step["weights"], d_first, 2 * d_second), d_betas

    def _votes_gradient(self, factors):
        """Σ_t l_t (c_t + s_t V) over factors (l, constant, slope)."""
        left, constant, slope = (ops.stack(one, 2) for one in zip(*factors))
        products = functools.partial(ops.einsum, "kgti,kgth->kgih")
        return self._per_block(
            lambda block, left, constant, slope: (
                products(left, constant) + block * products(left, slope)
            ),
            self.votes,
            left,  # (parents, groups, 2r − 1, children)
            constant,  # (parents, groups, 2r − 1, h)
            slope,
        )

    def _squares(self):
        return [ops.square(block) for block in self.votes]

    def _wide(self, means):
        return means[:, :, None]  # (parents, groups, 1, h)

    def _to_parents(self, weights, blocks):
        """Σ_i w_ij X_ijh, (parents, groups, h)."""
        return self._sum("kgi,kgih->kgh", weights, blocks)

    def _to_children(self, blocks, coefficients):
        """Σ_h X_ijh c_jh, (parents, groups, children)."""
        return self._sum("kgih,kgh->kgi", blocks, coefficients)

    def _sum(self, equation, *arguments):
        einsum = functools.partial(ops.einsum, equation)
        return ops.concatenate(self._per_block(einsum, *arguments), PARENTS)

    def _per_block(self, function, *arguments):
        """The function of each block and its parents' part of the tensors."""
        results, start = [], 0
        for index, size in enumerate(self.sizes):
            parts = [
                one[index]
                if isinstance(one, (list, tuple))
                else one[start : start + size]
                for one in arguments
            ]
            results.append(function(*parts))
            start += size
        return results
