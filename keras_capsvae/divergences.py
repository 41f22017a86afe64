"""Divergences of a diagonal Gaussian posterior, and importance weights."""

import math

from keras import ops

from keras_capsvae.numerics import LOG_2_PI
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.numerics import bounded_log_var
from keras_capsvae.private_keras import sum_over_replicas
from keras_capsvae.typing import Tensor

ESTIMATORS = ("analytic", "monte_carlo")


def gaussian_kl(
    z_mean: Tensor, z_log_var: Tensor, prior_mean: Tensor | None = None
) -> Tensor:
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


def one_sample_kl(
    z_mean: Tensor,
    z_log_var: Tensor,
    z: Tensor,
    prior_mean: Tensor | None = None,
) -> Tensor:
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


def kl_terms(
    estimator: str,
    z_mean: Tensor,
    z_log_var: Tensor,
    z: Tensor | None = None,
    prior_mean: Tensor | None = None,
) -> Tensor:
    """The divergence of each dim by `gaussian_kl` or `one_sample_kl`.

    Args:
        estimator: `"analytic"`, or `"monte_carlo"`, which needs z.
        z_mean, z_log_var, z, prior_mean: As of these.
    """
    if estimator == "analytic":
        return gaussian_kl(z_mean, z_log_var, prior_mean)
    return one_sample_kl(z_mean, z_log_var, z, prior_mean)


def with_free_bits(terms: Tensor, free_bits: float) -> Tensor:
    """Terms `(batch, ...)`, of which the first nats cost nothing extra.

    A dim whose mean over the batch, of all replicas, is below counts
    `free_bits` and has no gradient.

    Source: Kingma et al., "Improving Variational Inference with Inverse
    Autoregressive Flow", 2016.
    """
    if not free_bits:
        return terms
    constant = ops.stop_gradient(terms)
    total, count = (
        sum_over_replicas(ops.sum(one, axis=0))
        for one in (constant, ops.ones_like(constant))
    )
    return ops.where(total < free_bits * count, free_bits, terms)


def gaussian_log_density(
    z: Tensor, z_mean: Tensor, z_log_var: Tensor
) -> Tensor:
    """`ln N(z; μ, σ²)` of latents, summed over the dims.

    Args:
        z: Points, shape `(..., latent_dim)`.
        z_mean, z_log_var: Mean and log-variance, shapes that broadcast to it.

    Returns:
        Shape `(...)`, in nats, float32 at least.
    """
    log_var = bounded_log_var(z_log_var)
    offset = at_least_float32(z) - at_least_float32(z_mean)
    square = ops.square(offset) * ops.exp(-log_var)
    return -0.5 * ops.sum(square + log_var + LOG_2_PI, axis=-1)


def unit_gaussian_log_density(z: Tensor, mean: Tensor | None = None) -> Tensor:
    """`ln N(z; m, 1)`, as `gaussian_log_density`; m defaults to 0."""
    return -0.5 * ops.sum(ops.square(_from_prior(z, mean)) + LOG_2_PI, axis=-1)


def mixture_log_density(
    z: Tensor, logits: Tensor, means: Tensor, log_vars: Tensor
) -> Tensor:
    """`ln π_k N(z; μ_k, σ_k²)` for each component k of a mixture.

    Its log-sum-exp over k is `ln q(z)`, its softmax are the responsibilities.

    Args:
        z: Points, shape `(..., latent_dim)`.
        logits: Logits of the weights π, shape `(components,)`.
        means, log_vars: μ and ln σ², shape `(components, latent_dim)`.

    Returns:
        Shape `(..., components)`, in nats, float32 at least.

    Source: kexue.fm 5887.
    """
    density = gaussian_log_density(z[..., None, :], means, log_vars)
    return ops.log_softmax(at_least_float32(logits)) + density


def sample_divergence(
    z_mean: Tensor,
    z_log_var: Tensor,
    z: Tensor,
    prior_mean: Tensor | None = None,
) -> Tensor:
    """`ln p(z_i|x) − ln q(z_i)` of several posterior samples.

    Args:
        z_mean: Posterior mean μ, shape `(batch, ...)`.
        z_log_var: Posterior log-variance l, same shape.
        z: Samples, shape `(batch, num_samples, ...)`.
        prior_mean: Prior mean m, the shape of μ. Defaults to 0.

    Returns:
        Shape `(batch, num_samples)`, in nats.

    Example:

    >>> zeros = np.zeros((1, 2))
    >>> sample_divergence(zeros, zeros, np.ones((1, 3, 2)))
    array([[0., 0., 0.]], dtype=float32)

    Source: kexue.fm 5383; Burda et al., 2015, equation 8.
    """
    z_mean, z_log_var = z_mean[:, None], z_log_var[:, None]
    prior_mean = None if prior_mean is None else prior_mean[:, None]
    terms = one_sample_kl(z_mean, z_log_var, z, prior_mean)
    return ops.sum(terms, axis=tuple(range(2, ops.ndim(terms))))


def importance_weighted_bound(log_weights: Tensor) -> Tensor:
    """Lower bound of ln q(x), nearer to it with every further sample.

    `logsumexp_i log w_i − ln k`, which no weight makes overflow. With one
    sample it is the one-sample ELBO.

    Args:
        log_weights: Logarithms of the weights, shape `(..., num_samples)`.

    Returns:
        The bound in nats, shape `(...)`, in float32 at least.

    Example:

    >>> importance_weighted_bound(np.array([[-1000.0, -1000.0]]))
    array([-1000.], dtype=float32)

    Source: kexue.fm 5383; Burda et al., 2015, equation 8.
    """
    log_weights = at_least_float32(log_weights)
    num_samples = log_weights.shape[-1]
    return ops.logsumexp(log_weights, axis=-1) - math.log(num_samples)


def _from_prior(point, prior_mean):
    point = at_least_float32(point)
    return point if prior_mean is None else point - at_least_float32(prior_mean)
