"""KL divergences of a diagonal Gaussian posterior, one value per dim."""

from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.numerics import bounded_log_var


def gaussian_kl(z_mean, z_log_var, prior_mean=None):
    """KL divergence of N(μ, σ²) from the prior N(m, 1), in closed form.

    `½ ((μ − m)² + exp(l) − l − 1)` with `l = log σ²`, computed in float32 at
    least.

    Args:
        z_mean: Posterior mean μ, shape `(..., latent_dim)`.
        z_log_var: Posterior log-variance l, same shape.
        prior_mean: Prior mean m, same shape. Defaults to 0.

    Returns:
        The divergence of each dim in nats, same shape.

    Example:

    >>> gaussian_kl(np.array([[1.0]]), np.array([[0.0]]))
    array([[0.5]], dtype=float32)

    Source: kexue.fm 5253; Kingma and Welling, 2013, appendix B.
    """
    log_var = bounded_log_var(z_log_var)
    offset = _from_prior(z_mean, prior_mean)
    return 0.5 * (ops.square(offset) + ops.exp(log_var) - log_var - 1.0)


def one_sample_kl(z_mean, z_log_var, z, prior_mean=None):
    """Estimate of `gaussian_kl` from one posterior sample.

    `ln q(z|x) − ln p(z) = ½ (z − m)² − ½ (z − μ)² exp(−l) − ½ l`, unbiased
    over z ~ N(μ, σ²).

    Args:
        z_mean: Posterior mean μ, shape `(..., latent_dim)`.
        z_log_var: Posterior log-variance l, same shape.
        z: Sample from the posterior, same shape.
        prior_mean: Prior mean m, same shape. Defaults to 0.

    Returns:
        The estimate for each dim in nats, same shape.

    Source: kexue.fm 5383, equation 5.
    """
    log_var = bounded_log_var(z_log_var)
    z = at_least_float32(z)
    noise = (z - at_least_float32(z_mean)) * ops.exp(-0.5 * log_var)
    offset = _from_prior(z, prior_mean)
    return 0.5 * (ops.square(offset) - ops.square(noise) - log_var)


def _from_prior(point, prior_mean):
    point = at_least_float32(point)
    return point if prior_mean is None else point - at_least_float32(prior_mean)
