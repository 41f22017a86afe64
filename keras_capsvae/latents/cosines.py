"""How far draws from a von Mises–Fisher distribution lie from their mean.

In NumPy, once for each distribution. With the angle θ between draw and mean,
`p(θ) ∝ exp(κ cos θ) sin^{d−2} θ` in d dims; the `drop` is 1 − cos θ.
"""

import numpy as np

POINTS = 20_001
DEVIATIONS = 16  # of the angle, on both sides: what lies beyond is nothing
ENTRIES = 4096
LARGEST_LOGIT = 17.0  # float32 draws from (0, 1) come no nearer to its ends


def log_normaliser(dims: int, kappa: float) -> float:
    """`ln ∫ exp(κ (cos θ − 1)) sin^{d−2} θ dθ` over [0, π].

    >>> round(log_normaliser(3, 0.0), 6)  # ln 2
    0.693147
    """
    angles, log_density = _log_density(dims, kappa)
    weights, scale = _weights(log_density)
    return float(scale + np.log(weights.sum() * (angles[1] - angles[0])))


def divergence_from_uniform(dims: int, kappa: float) -> float:
    """KL divergence from the uniform distribution on the sphere, in nats.

    `κ E[cos θ] − ln E₀[exp(κ cos θ)]`, with E₀ under the uniform one.

    >>> round(divergence_from_uniform(4, 20.0), 3)
    3.258
    """
    angles, log_density = _log_density(dims, kappa)
    weights, _ = _weights(log_density)
    drop = np.average(_drop(angles), weights=weights)
    uniform, own = (log_normaliser(dims, value) for value in (0.0, kappa))
    return float(uniform - own - kappa * drop)


def quantiles_of_drop(dims: int, kappa: float) -> np.ndarray:
    """Quantiles of the drop at probabilities of evenly spaced logits.

    Spaced so, the tails, to which importance weights are sensitive, are as
    fine as the middle.

    Returns:
        Array `(ENTRIES,)`, of logits from −LARGEST_LOGIT to LARGEST_LOGIT.
    """
    angles, log_density = _log_density(dims, kappa)
    density = np.exp(log_density - log_density.max())
    pieces = density[1:] + density[:-1]
    below = np.cumsum(pieces)[:-1]  # of each angle but both ends
    above = np.cumsum(pieces[::-1])[-2::-1]
    inside = (below > 0) & (above > 0)
    logits = np.log(below[inside]) - np.log(above[inside])
    places = np.linspace(-LARGEST_LOGIT, LARGEST_LOGIT, ENTRIES)
    return _drop(np.interp(places, logits, angles[1:-1][inside]))


def _log_density(dims, kappa):
    """Angles around the most probable one, and ln p(θ) up to a constant."""
    power = dims - 2
    mode, width = np.pi / 2, np.pi
    if kappa:
        ratio = power / kappa
        mode = np.arccos(0.5 * (np.sqrt(ratio**2 + 4) - ratio))
        bend = power / np.sin(mode) ** 2 if power else 0.0
        width = DEVIATIONS / np.sqrt(kappa * np.cos(mode) + bend)
    angles = np.linspace(max(mode - width, 0), min(mode + width, np.pi), POINTS)
    of_area = 0.0
    if power:
        with np.errstate(divide="ignore"):
            of_area = power * np.log(np.sin(angles))
    return angles, of_area - kappa * _drop(angles)


def _weights(log_density):
    """Those of the trapezoidal rule, and the logarithm of their scale."""
    scale = log_density.max()
    weights = np.exp(log_density - scale)
    weights[[0, -1]] *= 0.5
    return weights, scale


def _drop(angles):
    return 2 * np.sin(angles / 2) ** 2
