"""Search for latents without gradients, in NumPy."""

from collections.abc import Callable

import numpy as np

ELITE = 0.1  # share of the draws that the next round starts from
SMALLEST_DEVIATION = 0.05


def search(
    score: Callable[[np.ndarray], np.ndarray],
    z: np.ndarray,
    rounds: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Latents of a high score, by the cross-entropy method.

    Each round after the first draws as many latents from a Gaussian with the
    mean and deviation of the tenth of those before that have the highest score.

    Args:
        score: Function, latents `(draws, latent_dim)` → what should be high,
            `(draws,)`.
        z: Latents of the first round, `(draws, latent_dim)`.
        rounds: Rounds, at least 1; with 1 it is the best of these.
        random: `numpy.random.Generator`.

    Returns:
        The last round's latents and the best found before, the best first,
        and their scores.
    """
    count = max(2, round(ELITE * len(z)))
    elite, values = _sorted(z, score(z))
    for _ in range(rounds - 1):
        best = elite[:count]
        deviation = np.maximum(best.std(axis=0), SMALLEST_DEVIATION)
        noise = random.standard_normal(z.shape)
        z = (best.mean(axis=0) + deviation * noise).astype("float32")
        elite, values = _sorted(
            np.concatenate([best, z]),
            np.concatenate([values[:count], score(z)]),
        )
    return elite, values


def _sorted(z, values):
    """The highest values first."""
    order = np.argsort(-values, kind="stable")
    return z[order], values[order]
