"""Formulas of codes: the nearest one, gradients through it, indices."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from keras_capsvae.private_keras import argmin
from keras_capsvae.private_keras import sum_over_replicas
from keras_capsvae.typing import Tensor

TINY = 1e-12


def nearest(vectors: Tensor, codes: Tensor) -> Tensor:
    """Index of the code nearest to each vector, `(n,)`.

    `argmin_k ‖v − e_k‖²`, with one product of matrices.

    Args:
        vectors: `(n, dim)`.
        codes: `(num_codes, dim)`.
    """
    squares = ops.sum(ops.square(codes), axis=-1)  # (num_codes,)
    products = ops.matmul(vectors, ops.transpose(codes))  # (n, num_codes)
    return argmin(squares - 2.0 * products)


def counts_and_sums(
    vectors: Tensor, indices: Tensor, num_codes: int
) -> tuple[Tensor, Tensor]:
    """How many vectors each code has, `(num_codes,)`, and their sums.

    Over all replicas of a distributed step.
    """
    sums = ops.segment_sum(vectors, indices, num_codes)  # (num_codes, dim)
    counts = ops.cast(counts_of(indices, num_codes), sums.dtype)
    return counts, sum_over_replicas(sums)


def counts_of(indices: Tensor, num_codes: int) -> Tensor:
    """How often each index occurs, `(num_codes,)`, over all replicas."""
    flat = ops.reshape(indices, (-1,))
    ones = ops.ones_like(flat, dtype="float32")
    return sum_over_replicas(ops.segment_sum(ones, flat, num_codes))


def k_means(vectors: Tensor, centres: Tensor, steps: int = 10) -> Tensor:
    """Centres after some steps of Lloyd's algorithm, `(num_codes, dim)`.

    A centre without vectors stays where it is.
    """
    num_codes = centres.shape[0]

    def moved(_, centres):
        indices = nearest(vectors, centres)
        ones = ops.ones_like(indices, dtype=vectors.dtype)
        counts = ops.segment_sum(ones, indices, num_codes)[:, None]
        sums = ops.segment_sum(vectors, indices, num_codes)
        return ops.where(counts > 0, sums / ops.maximum(counts, 1.0), centres)

    return ops.fori_loop(0, steps, moved, centres)


def straight_through(z: Tensor, quantized: Tensor) -> Tensor:
    """The quantised vectors, whose gradient goes to z: `z + sg(q − z)`."""
    return z + ops.stop_gradient(quantized - z)


def rotated(z: Tensor, quantized: Tensor) -> Tensor:
    """The quantised vectors as z turned and scaled: `sg(G) z = q`.

    `G = ‖q‖/‖z‖ · (I − 2 r rᵀ + 2 q̂ ẑᵀ)`, r the unit vector along `ẑ + q̂`: a
    gradient keeps its angle to the vector.

    Source: kexue.fm 10489; Fifty et al., "Restructuring Vector Quantization
    with the Rotation Trick", 2024.
    """
    z = ops.convert_to_tensor(z)
    constant, quantized = ops.stop_gradient(z), ops.stop_gradient(quantized)
    from_unit, to_unit = _unit(constant), _unit(quantized)
    middle = _unit(from_unit + to_unit)
    scale = _norm(quantized) / ops.maximum(_norm(constant), TINY)
    turned = scale * (
        z - 2.0 * _dot(middle, z) * middle + 2.0 * _dot(from_unit, z) * to_unit
    )
    return turned + ops.stop_gradient(quantized - turned)  # rounding


def along_the_error(z: Tensor, quantized: Tensor) -> Tensor:
    """DiVeQ: `z + ‖q − z‖ · sg((q − z)/‖q − z‖)`, which is q.

    Its gradient reaches z and the codes alike, so that no other loss is needed.

    Source: kexue.fm 11328; Vali et al., "DiVeQ", 2025.
    """
    z = ops.convert_to_tensor(z)
    error = ops.subtract(quantized, z)
    square = ops.sum(ops.square(error), axis=-1, keepdims=True)
    length = ops.sqrt(ops.maximum(square, TINY))
    return z + length * ops.stop_gradient(error / length)


def perplexity(counts: Tensor) -> Tensor:
    """`exp(−Σ p ln p)` of counts: as many codes, used alike, say as much."""
    shares = counts / ops.maximum(ops.sum(counts), 1.0)
    logs = ops.log(ops.maximum(shares, TINY))
    return ops.exp(-ops.sum(shares * logs))


def places_of(levels: Sequence[int]) -> np.ndarray:
    """What a step of each digit counts for, the first one least."""
    return np.cumprod([1, *levels[:-1]]).astype("int64")


def index_of_digits(digits: Tensor, levels: Sequence[int]) -> Tensor:
    """The index of digits `(..., len(levels))`, the first digit least."""
    places = ops.convert_to_tensor(places_of(levels), "int32")
    return ops.sum(ops.cast(digits, "int32") * places, axis=-1)


def digits_of_index(indices: Tensor, levels: Sequence[int]) -> Tensor:
    """The digits `(..., len(levels))` of indices, below each level."""
    places = ops.convert_to_tensor(places_of(levels), "int32")
    steps = ops.floor_divide(ops.cast(indices, "int32")[..., None], places)
    return ops.mod(steps, np.asarray(levels, "int32"))


def _dot(one, other):
    return ops.sum(one * other, axis=-1, keepdims=True)


def _norm(vectors):
    square = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return ops.sqrt(square)


def _unit(vectors):
    return vectors / ops.maximum(_norm(vectors), TINY)
