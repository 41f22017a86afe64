"""EM routing as one operation with its own gradient."""

from typing import Any

from keras import ops

from keras_capsvae.routing.em.gradient import gradient
from keras_capsvae.routing.em.settings import EMSettings
from keras_capsvae.routing.em.steps import Problem
from keras_capsvae.routing.em.steps import iterate
from keras_capsvae.typing import Tensor


def fit_gaussians(
    blocks: list[Tensor],
    activations: Tensor,
    beta_a: Tensor,
    beta_u: Tensor,
    rule: Any,
    settings: EMSettings,
) -> tuple[Tensor, Tensor]:
    """The iterations of `em_routing` on votes grouped by parent.

    Autodiff would write one array as large as the votes for each product with
    them. The gradient is therefore spelled out: by the votes it is a single
    product of rank 2r − 1. The votes come in blocks of parents, see
    `blocks_of_parents`.

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
        problem = Problem.of(
            list(blocks), activations, beta_a, beta_u, rule, settings
        )
        steps = iterate(problem)

        def backward(*upstream_or_arguments, upstream=None):
            if upstream is None:
                (upstream,) = upstream_or_arguments
            return gradient(
                problem, steps, upstream[..., :-1], upstream[..., -1]
            )

        means = steps[-1].means + problem.centre
        return ops.concatenate([means, steps[-1].active[..., None]], -1), (
            backward
        )

    fitted = fit(activations, beta_a, beta_u, *blocks)
    fitted = ops.swapaxes(fitted, 0, 1)
    return fitted[..., :-1], fitted[..., -1]


def assignments_and_activations(*task: Any) -> tuple[Tensor, Tensor]:
    """R of the last iteration and the activations in each.

    Takes what `fit_gaussians` takes.

    Returns:
        `(groups, children, parents)` and `(iterations, groups, parents)`.
    """
    steps = iterate(Problem.of(*task))
    active = ops.stack([parents.active for parents in steps])
    assignments = ops.transpose(steps[-1].assignments, (1, 2, 0))
    return assignments, ops.swapaxes(active, 1, 2)
