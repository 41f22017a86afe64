"""Search for latents without gradients, in NumPy."""

from collections.abc import Callable

import numpy as np

ELITE = 0.1  # share of the draws that the next round starts from
SMALLEST_DEVIATION = 0.05


def search(
    score: Callable[[np.ndarray], np.ndarray],
    latent_dim: int,
    draws: int,
    rounds: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Latents of high posterior density, by the cross-entropy method.

    The first round draws from the prior N(0, 1); each later one from a
    Gaussian with the mean and deviation of the tenth of the draws before that
    have the highest `score(z) + ln p(z)`, the log-posterior up to a constant.

    Args:
        score: Function, latents `(draws, latent_dim)` → ln p(known | z),
            `(draws,)`.
        latent_dim: Latents.
        draws: Draws in a round.
        rounds: Rounds, at least 1; with 1 it is the best of the prior's draws.
        random: `numpy.random.Generator`.

    Returns:
        The last round's latents and the best found before, the best first,
        and their log-posteriors.
    """
    mean, deviation = np.zeros(latent_dim), np.ones(latent_dim)
    count = max(2, round(ELITE * draws))
    elite, values = np.zeros((0, latent_dim), "float32"), np.zeros(0)
    for _ in range(rounds):
        noise = random.standard_normal((draws, latent_dim))
        z = (mean + deviation * noise).astype("float32")
        log_prior = -0.5 * np.sum(np.square(z, dtype="float64"), axis=-1)
        elite = np.concatenate([elite[:count], z])
        values = np.concatenate([values[:count], score(z) + log_prior])
        order = np.argsort(-values, kind="stable")
        elite, values = elite[order], values[order]
        mean = elite[:count].mean(axis=0)
        deviation = np.maximum(elite[:count].std(axis=0), SMALLEST_DEVIATION)
    return elite, values
