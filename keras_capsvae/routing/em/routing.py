"""Routing by expectation maximisation: parents are Gaussians of their votes."""

import numpy as np
from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.routing.em.fitting import fit_gaussians
from keras_capsvae.routing.em.settings import EPSILON
from keras_capsvae.routing.em.settings import EMSettings
from keras_capsvae.routing.em.settings import check_em_arguments
from keras_capsvae.routing.em.sharing import AllParents
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.shapes import shapes_agree


def em_routing(
    votes: Tensor,
    activations: Tensor,
    beta_a: Tensor,
    beta_u: Tensor,
    routings: int = 3,
    final_lambda: float = 0.01,
    epsilon: float = EPSILON,
    mass_scale: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Fit a diagonal Gaussian to the votes for each parent, by EM.

    From `R_ij = 1 / k`, in iteration t = 0 … r − 1 the M-step

    - `S_j = Σ_i R_ij a_i + ε`
    - `μ_jh = Σ_i R_ij a_i V_ijh / S_j`
    - `σ²_jh = Σ_i R_ij a_i (V_ijh − μ_jh)² / S_j + ε`
    - `cost_j = Σ_h (β_u,j + ½ ln σ²_jh) · S_j · mass_scale`
    - `a_j = sigmoid(λ_t (β_a,j − cost_j))`, `λ_t = λ · (1 − 0.95^(t + 1))`

    and between two M-steps the E-step `R_ij ∝ a_j · N(V_ij; μ_j, σ²_j)`,
    normalised over the parents in log space. Gradients flow through all
    iterations. β_u counts once for each pose dim, as the paper prints it;
    kexue.fm 5155 adds it once, which is the same with β_u h times as large.

    Args:
        votes: Tensor `(batch, n, k, h)`: child i's vote for parent j's pose.
        activations: Tensor `(batch, n)` in [0, 1].
        beta_a, beta_u: Tensors `(k,)`.
        routings: Iterations r, at least 1. Defaults to 3.
        final_lambda: λ, the inverse temperature. Defaults to 0.01.
        epsilon: ε, above 0, which also keeps a parent from narrowing until
            nothing else can reach it. Defaults to 0.01, the square of a spread
            of 0.1. Below that squares are no longer expanded, `(V − μ)² = V² −
            2Vμ + μ²`, whose rounding would show in a parent of converged votes;
            that takes about an eighth longer.
        mass_scale: Factor of the cost, above 0. The mean of S_j is a matter of
            the layer's geometry, n / k at most; parents / children takes that
            out. Defaults to 1.

    Returns:
        The means μ, `(batch, k, h)`, and activations `(batch, k)`, float32 at
        least.

    Raises:
        ValueError: If a shape or number is none of the above. Activations
            are looked at wherever they hold values: not in a traced function.

    Example:

    >>> random = np.random.default_rng(0)
    >>> votes, activations = random.normal(size=(2, 6, 3, 16)), np.ones((2, 6))
    >>> means, activations = em_routing(
    ...     votes, activations, np.zeros(3), np.zeros(3)
    ... )
    >>> means.shape, activations.shape
    ((2, 3, 16), (2, 3))

    Source: Hinton, Sabour and Frosst, "Matrix capsules with EM routing", 2018,
    procedure 1; kexue.fm 5155.
    """
    check_em_arguments(routings, final_lambda, epsilon, mass_scale)
    votes, activations = at_least_float32(votes), at_least_float32(activations)
    _check_shapes(votes, activations, beta_a, beta_u)
    _check_range(activations)
    return fit_gaussians(
        [ops.transpose(votes, (2, 0, 1, 3))],
        ops.cast(activations, votes.dtype),
        ops.cast(beta_a, votes.dtype),
        ops.cast(beta_u, votes.dtype),
        AllParents(),
        EMSettings(routings, final_lambda, epsilon, mass_scale),
    )


def _check_shapes(votes, activations, beta_a, beta_u):
    if len(votes.shape) != 4:
        raise ValueError(
            "`votes` must have shape (batch, n, k, h). "
            f"Received: shape {tuple(votes.shape)}"
        )
    batch, children, parents, _ = votes.shape
    expected = {
        "activations": (activations, (batch, children)),
        "beta_a": (beta_a, (parents,)),
        "beta_u": (beta_u, (parents,)),
    }
    for name, (tensor, shape) in expected.items():
        received = tuple(np.shape(tensor))
        if not shapes_agree(received, shape):
            raise ValueError(
                f"`{name}` must have shape {shape} to go with votes of shape "
                f"{tuple(votes.shape)}. Received: shape {received}"
            )


def _check_range(activations):
    try:
        values = ops.convert_to_numpy(activations)
    except (AttributeError, NotImplementedError, TypeError, ValueError):
        return  # Traced: how each backend says that there are no values yet.
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            "`activations` must lie in [0, 1]. Received: values in "
            f"[{values.min():g}, {values.max():g}]"
        )
