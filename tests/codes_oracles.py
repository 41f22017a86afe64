"""Codes once more, in plain float64 NumPy, vector by vector."""

import itertools

import numpy as np


def nearest(vectors, codes):
    """Index of the nearest code of each vector `(..., dim)`."""
    vectors, codes = np.asarray(vectors, "float64"), np.asarray(codes)
    flat = [
        np.argmin([((v - e) ** 2).sum() for e in codes])
        for v in vectors.reshape(-1, vectors.shape[-1])
    ]
    return np.array(flat).reshape(vectors.shape[:-1])


def moving_averages(counts, sums, vectors, codes, decay):
    """N_k and m_k after a step whose vectors have these codes."""
    counts, sums = np.array(counts, "float64"), np.array(sums, "float64")
    flat = np.reshape(vectors, (-1, sums.shape[1]))
    for k in range(len(counts)):
        own = flat[np.ravel(codes) == k]
        counts[k] = decay * counts[k] + (1 - decay) * len(own)
        sums[k] = decay * sums[k] + (1 - decay) * own.sum(0)
    return counts, sums


def k_means(vectors, centres, steps):
    """Lloyd's algorithm; a centre without vectors stays."""
    centres = np.array(centres, "float64")
    for _ in range(steps):
        codes = nearest(vectors, centres)
        for k in range(len(centres)):
            if (codes == k).any():
                centres[k] = vectors[codes == k].mean(0)
    return centres


def rotation(z, q):
    """The matrix G that turns and scales z to q."""
    length, other = np.linalg.norm(z), np.linalg.norm(q)
    a, b = z / length, q / other
    r = (a + b) / np.linalg.norm(a + b)
    identity = np.eye(len(z))
    turned = identity - 2 * np.outer(r, r) + 2 * np.outer(b, a)
    return other / length * turned


def perplexity(codes):
    """e to the entropy of the codes that occur."""
    _, counts = np.unique(codes, return_counts=True)
    shares = counts / counts.sum()
    return np.exp(-(shares * np.log(shares)).sum())


def finite_scalars(levels):
    """Every code in order: digits, the first one fastest."""
    ranges = [range(level) for level in reversed(levels)]
    return np.array([digits[::-1] for digits in itertools.product(*ranges)])
