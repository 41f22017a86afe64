"""Squared distances of votes from the means of their parents.

Equation (6) of docs/matrix_capsules.md: `(V − μ)² = V² − 2Vμ + μ²`. With it
sums of squares are products with V² and V, and no further array as large as the
votes is written. That loses 1e-7 of the squared spread of all votes of a
parent, so the relative error grows with spread² / ε where the votes that count
have converged.
"""

from keras import ops

from keras_capsvae.routing.em.votes import PoseVotes
from keras_capsvae.typing import Tensor

EXPANSION_EPSILON = 0.01  # the smallest ε at which squares are expanded


class ExpandedDistances:
    """Distances that are never written out."""

    def __init__(self, votes: PoseVotes, squares: PoseVotes, means: Tensor):
        self.votes, self.squares, self.means = votes, squares, means

    def variance(
        self, weights: Tensor, mass: Tensor, first: Tensor, total: Tensor
    ) -> Tensor:
        """Σ_i w_ij (V_ijh − μ_jh)² / S_j.

        Args:
            weights: w, `(parents, groups, children)`.
            mass: S, `(parents, groups, 1)`.
            first: Σ_i w_ij V_ijh / S_j.
            total: Σ_i w_ij / S_j.
        """
        second = self.squares.to_parents(weights) / mass
        return ops.relu(expanded(second, first, total, self.means))

    def log_densities(self, height: Tensor, variance: Tensor) -> Tensor:
        """height_j + ln N(V_ij; μ_j, σ²_j), up to a constant."""
        height = height - 0.5 * ops.sum(
            ops.log(variance) + ops.square(self.means) / variance, -1
        )
        distance = self.squares.to_children(
            0.5 / variance
        ) - self.votes.to_children(self.means / variance)
        return height[..., None] - distance


class PlainDistances:
    """Distances written out, for an ε too small to expand squares."""

    def __init__(self, votes: PoseVotes, means: Tensor):
        self.squares = votes.map(
            lambda block, part: ops.square(block - part[:, :, None]), means
        )

    def variance(
        self, weights: Tensor, mass: Tensor, first: Tensor, total: Tensor
    ) -> Tensor:
        return self.squares.to_parents(weights) / mass

    def log_densities(self, height: Tensor, variance: Tensor) -> Tensor:
        height = height - 0.5 * ops.sum(ops.log(variance), -1)
        return height[..., None] - self.squares.to_children(0.5 / variance)


def expanded(
    second: Tensor, first: Tensor, total: Tensor, means: Tensor
) -> Tensor:
    """(6) Σ w (V − μ)² of Σ w V², Σ w V, Σ w and μ."""
    return second - means * (2 * first - total * means)
