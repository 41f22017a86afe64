"""Latents with a mixture prior against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from keras_capsvae import BernoulliReconstruction
from keras_capsvae import ClassifiedMixture
from keras_capsvae import ClassMeans
from keras_capsvae import GaussianLatent
from keras_capsvae import GaussianMixture
from keras_capsvae import GaussianReconstruction
from keras_capsvae import VariationalAutoencoder
from tests.helpers import BACKEND
from tests.helpers import SIXTEEN_BIT_POLICIES
from tests.helpers import dtype_policy
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.oracles import central_differences

COMPONENTS, DIMS = 3, 2
LOGITS = np.array([0.3, -1.0, 0.5])
MEANS = np.array([[0.0, 1.0], [2.0, -1.0], [-1.5, 0.5]])
LOG_VARS = np.array([[0.1, -0.5], [0.7, 0.0], [-1.0, 0.4]])


@pytest.fixture(scope="module")
def mixture():
    return _mixture(LOGITS, MEANS, LOG_VARS)


def _mixture(logits, means, log_vars):
    prior = GaussianMixture(len(logits))
    prior.build((None, means.shape[1]))
    prior.logits.assign(logits)
    prior.means.assign(means)
    prior.log_vars.assign(log_vars)
    return prior


def _log_normal(z, mean, log_var):
    terms = (z - mean) ** 2 / np.exp(log_var) + log_var + np.log(2 * np.pi)
    return -0.5 * terms.sum(-1)


def _log_joint(z):
    """ln π_k N(z; μ_k, σ_k²), (..., components), component by component."""
    log_weights = LOGITS - np.log(np.exp(LOGITS).sum())
    return np.stack(
        [
            log_weight + _log_normal(z, mean, log_var)
            for log_weight, mean, log_var in zip(log_weights, MEANS, LOG_VARS)
        ],
        axis=-1,
    )


def test_density_and_responsibilities_of_a_mixture(mixture):
    z = np.random.default_rng(0).normal(0, 2, (4, 5, DIMS)).astype("float32")
    joint = np.exp(_log_joint(z.astype("float64")))
    density = joint.sum(-1)
    np.testing.assert_allclose(
        numpy_of(mixture.log_density(z)), np.log(density), rtol=1e-5
    )
    np.testing.assert_allclose(
        numpy_of(mixture.responsibilities(z)),
        joint / density[..., None],
        rtol=1e-4,
        atol=1e-6,
    )


def test_density_far_from_every_component(mixture):
    z = np.full((1, DIMS), 60.0, "float32")
    expected = _log_joint(z.astype("float64")).max(-1)
    received = numpy_of(mixture.log_density(z))
    np.testing.assert_allclose(received, expected, rtol=1e-5)


def test_gradient_of_the_density_of_a_mixture(mixture):
    z = np.random.default_rng(1).normal(size=(6, DIMS)).astype("float32")
    (received,) = gradient(lambda z: ops.sum(mixture.log_density(z)), z)
    joint = np.exp(_log_joint(z.astype("float64")))
    shares = joint / joint.sum(-1, keepdims=True)  # (6, components)
    pulls = (MEANS - z[:, None]) / np.exp(LOG_VARS)
    expected = (shares[..., None] * pulls).sum(1)
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)


def test_divergence_from_a_mixture_is_that_of_the_sample(mixture):
    latent = GaussianLatent(prior=mixture, kl_weight=0.5, seed=0)
    mean = np.random.default_rng(2).normal(size=(7, DIMS)).astype("float32")
    log_var = np.full((7, DIMS), -1.0, "float32")
    z, divergence, penalty = map(numpy_of, latent([mean, log_var]))
    expected = _log_normal(z, mean, log_var) - np.log(
        np.exp(_log_joint(z)).sum(-1)
    )
    np.testing.assert_allclose(divergence, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(penalty, 0.5 * divergence, rtol=1e-6)


@pytest.fixture(scope="module")
def classified():
    """A mixture of unit variances and equal weights, told by a linear net."""
    z = keras.Input((DIMS,))
    classifier = keras.Model(z, keras.layers.Dense(COMPONENTS)(z))
    prior = ClassifiedMixture(
        COMPONENTS, True, None, True, classifier=classifier
    )
    prior.build((None, DIMS))
    prior.means.assign(MEANS)
    classifier.set_weights([KERNEL, BIAS])
    return prior


KERNEL = np.array([[0.5, -1.0, 0.3], [1.0, 0.2, -0.7]])
BIAS = np.array([0.1, 0.0, -0.4])


def _loss_of_the_post(z, log_var):
    """Σ_y p(y|z) [½ Σ ((z − μ_y)² − l) + ln p(y|z)], as it is printed."""
    scores = np.exp(z @ KERNEL + BIAS)
    shares = scores / scores.sum(-1, keepdims=True)
    squares = (z[:, None] - MEANS) ** 2 - log_var[:, None]
    terms = 0.5 * squares.sum(-1) + np.log(shares)
    return (shares * terms).sum(-1)


def test_divergence_and_gradients_of_a_classifier_are_those_of_the_post(
    classified,
):
    random = np.random.default_rng(4)
    mean, log_var, noise = random.normal(size=(3, 6, DIMS))
    z = mean + np.exp(log_var / 2) * noise

    def expected(z):
        own = _log_normal(z, mean, log_var) + 0.5 * DIMS * np.log(2 * np.pi)
        post = _loss_of_the_post(z, log_var) + np.log(COMPONENTS)
        return post + own + 0.5 * log_var.sum(-1)

    arrays = [array.astype("float32") for array in (z, mean, log_var)]

    def divergence(z, mean, log_var):
        terms = classified.divergence("monte_carlo", z, mean, log_var)
        return ops.sum(terms)

    terms = classified.divergence("monte_carlo", *arrays)
    np.testing.assert_allclose(numpy_of(terms)[:, 0], expected(z), rtol=1e-5)
    received = gradient(divergence, *arrays)[0]
    differences = central_differences(lambda z: expected(z).sum(), z)
    np.testing.assert_allclose(received, differences, rtol=1e-4, atol=1e-5)
    exact = -classified.log_ratio(arrays[0][:, None], *arrays[1:])[:, 0]
    assert (numpy_of(terms)[:, 0] > numpy_of(exact)).all()


def test_a_classifier_that_tells_the_responsibilities_is_exact(classified):
    """ln N(z; μ_k, 1) is linear in z but for what all clusters share."""
    z = np.random.default_rng(5).normal(size=(6, DIMS)).astype("float32")
    classified.classifier.set_weights([MEANS.T, -0.5 * (MEANS**2).sum(-1)])
    mixture = _mixture(np.zeros(COMPONENTS), MEANS, np.zeros_like(MEANS))
    parameters = z + 0.1, np.full_like(z, -2.0)
    received = classified.divergence("monte_carlo", z, *parameters)
    exact = mixture.divergence("monte_carlo", z, *parameters)
    np.testing.assert_allclose(numpy_of(received), numpy_of(exact), rtol=1e-5)
    np.testing.assert_allclose(
        numpy_of(classified.responsibilities(z)),
        numpy_of(mixture.responsibilities(z)),
        rtol=1e-4,
    )
    classified.classifier.set_weights([KERNEL, BIAS])


def test_a_classifier_needs_a_logit_for_each_cluster():
    z = keras.Input((DIMS,))
    classifier = keras.Model(z, keras.layers.Dense(4)(z))
    with pytest.raises(ValueError, match=r"\(None, 3\).*\(None, 4\)"):
        ClassifiedMixture(3, classifier=classifier)


def test_one_component_at_the_origin_is_the_standard_normal():
    prior = _mixture(np.zeros(1), np.zeros((1, DIMS)), np.zeros((1, DIMS)))
    parameters = np.ones((4000, DIMS)), np.zeros((4000, DIMS))
    _, divergence, _ = GaussianLatent(prior=prior, seed=0)(list(parameters))
    assert abs(numpy_of(divergence).mean() - 1.0) < 0.1  # ½ Σ μ²


@pytest.fixture(scope="module")
def clustered(mixture):
    """A VAE whose decoder gives its latents back."""
    keras.utils.set_random_seed(0)
    x, z = keras.Input((DIMS,)), keras.Input((DIMS,))
    heads = [keras.layers.Dense(DIMS)(x), keras.layers.Dense(DIMS)(x)]
    decoder = keras.Model(z, keras.layers.Identity()(z))
    model = VariationalAutoencoder(
        keras.Model(x, heads), decoder, GaussianLatent(prior=mixture)
    )
    model.compile("sgd", loss=GaussianReconstruction())
    return model


@pytest.mark.parametrize("cluster", range(COMPONENTS))
def test_draws_of_a_cluster(clustered, cluster):
    z = clustered.generate(4000, cluster=cluster, seed=0)
    np.testing.assert_allclose(z.mean(0), MEANS[cluster], atol=0.1)
    np.testing.assert_allclose(z.var(0), np.exp(LOG_VARS[cluster]), rtol=0.15)


def test_draws_of_all_clusters(clustered):
    z = clustered.generate(8000, seed=0)
    weights = np.exp(LOGITS) / np.exp(LOGITS).sum()
    np.testing.assert_allclose(z.mean(0), weights @ MEANS, atol=0.1)
    np.testing.assert_array_equal(z, clustered.generate(8000, seed=0))


def test_no_such_cluster(clustered):
    with pytest.raises(ValueError, match="cluster"):
        clustered.generate(1, cluster=COMPONENTS)
    with pytest.raises(ValueError, match="no closed form"):
        GaussianLatent(prior=GaussianMixture(2), estimator="analytic")


def test_likelihood_under_a_mixture_against_an_integral():
    """ln ∫ q(z) N(x; a z + b, 1) dz on a grid, in one dimension."""
    keras.utils.set_random_seed(0)
    logits, means = np.array([0.0, 1.0]), np.array([[-1.0], [2.0]])
    log_vars = np.array([[-0.5], [0.3]])
    x, z = keras.Input((1,)), keras.Input((1,))
    heads = [keras.layers.Dense(1)(x), keras.layers.Dense(1)(x)]
    tell = keras.layers.Dense(1, bias_initializer="ones")
    model = VariationalAutoencoder(
        keras.Model(x, heads),
        keras.Model(z, tell(z)),
        GaussianLatent(prior=_mixture(logits, means, log_vars)),
    )
    model.compile("sgd", loss=GaussianReconstruction())
    tell.kernel.assign([[0.7]])
    for head, kernel, bias in zip(model.encoder.layers[1:], (0.6, 0), (0, 1)):
        head.set_weights([np.array([[kernel]]), np.array([bias])])
    points = np.array([[-2.0], [0.0], [1.0], [3.5]], "float32")

    grid = np.linspace(-12, 12, 20001)
    weights = np.exp(logits) / np.exp(logits).sum()
    prior = sum(
        weight * np.exp(_log_normal(grid[:, None], mean, log_var))
        for weight, mean, log_var in zip(weights, means, log_vars)
    )
    likelihood = np.exp(-0.5 * (points - 0.7 * grid - 1) ** 2)
    integrand = prior * likelihood / np.sqrt(2 * np.pi)
    expected = -np.log(integrand.sum(1) * (grid[1] - grid[0]))
    received = model.score_samples(points, 4000)
    np.testing.assert_allclose(received, expected, atol=0.03)
    assert (model.score_samples(np.repeat(points, 500, 0)).mean()) > (
        expected.mean()
    )


def test_mixture_learns_with_the_model():
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    heads = [keras.layers.Dense(DIMS)(x), keras.layers.Dense(DIMS)(x)]
    decoder = keras.Sequential(
        [keras.Input((DIMS,)), keras.layers.Dense(4, activation="sigmoid")]
    )
    prior = GaussianMixture(COMPONENTS, unit_variance=True)
    model = VariationalAutoencoder(
        keras.Model(x, heads), decoder, GaussianLatent(prior=prior)
    )
    model.compile("adam", loss=BernoulliReconstruction())
    before = [numpy_of(w) for w in (prior.means, prior.logits, prior.log_vars)]
    data = np.random.default_rng(0).random((16, 4), "float32")
    model.fit(data, epochs=2, batch_size=8, verbose=0)
    after = [numpy_of(w) for w in (prior.means, prior.logits, prior.log_vars)]
    moved = [not np.array_equal(a, b) for a, b in zip(before, after)]
    assert moved == [True, True, False]


@pytest.mark.parametrize("prior", [GaussianMixture, ClassMeans])
def test_priors_in_float64(prior):
    """Their weights are of the policy that they are made under."""
    with dtype_policy("float64"):
        latent = GaussianLatent(prior=prior(3), estimator="monte_carlo")
        parameters = [np.ones((4, DIMS)), np.zeros((4, DIMS))]
        given = np.eye(4, 3) if latent.num_classes else None
        for value in latent(parameters, condition=given):
            assert np.isfinite(numpy_of(value)).all()


def test_a_classifier_in_float16():
    with dtype_policy("mixed_float16"):
        z = keras.Input((DIMS,))
        classifier = keras.Model(z, keras.layers.Dense(3)(z))
        latent = GaussianLatent(ClassifiedMixture(3, classifier=classifier))
        drawn, divergence, penalty = latent(
            [np.ones((4, DIMS)), np.zeros((4, DIMS))]
        )
    assert keras.backend.standardize_dtype(drawn.dtype) == "float16"
    for value in (divergence, penalty):
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
        assert np.isfinite(numpy_of(value)).all()
    assert numpy_of(latent.responsibilities(numpy_of(drawn))).shape == (4, 3)


@pytest.mark.parametrize("policy", SIXTEEN_BIT_POLICIES)
def test_divergences_are_of_samples_before_they_are_rounded(policy):
    """σ is far below what 16 bits tell apart at the mean."""
    z_mean = np.full((4096, DIMS), 3.0, "float32")
    z_log_var = np.full((4096, DIMS), 2 * np.log(0.001), "float32")
    prior = GaussianMixture(1, unit_variance=True, mean_initializer="zeros")
    with dtype_policy(policy):
        latent = GaussianLatent(prior, seed=0)
        drawn, divergence, _ = latent([z_mean, z_log_var])
    assert keras.backend.standardize_dtype(drawn.dtype) in policy
    variance = np.exp(z_log_var[0])
    exact = 0.5 * (z_mean[0] ** 2 + variance - z_log_var[0] - 1).sum()
    expected = pytest.approx(exact, rel=2e-3)
    assert numpy_of(divergence).mean() == expected
    parameters = [z_mean, z_log_var]
    ratio = latent.log_ratio(latent.sample(parameters, 2), parameters)
    assert -numpy_of(ratio).mean() == expected


@pytest.mark.skipif(BACKEND == "jax", reason="JAX has float64 behind a switch")
@pytest.mark.parametrize(
    "build",
    [
        lambda: zoo.dense_vae(8, regulariser="tc"),
        lambda: zoo.dense_vae(8, regulariser="mmd", free_bits=0.1),
        lambda: zoo.vq_vae((8, 8, 1), 4, 2, filters=4),
        lambda: zoo.gumbel_vae((8, 8, 1), 2, 3),
        lambda: zoo.vmf_vae(8, 3),
    ],
)
def test_models_train_in_float64(build):
    with dtype_policy("float64"):
        model = build()
        x = np.random.default_rng(0).random((8, *model.inputs[0].shape[1:]))
        history = model.fit(x, verbose=0).history
    assert np.isfinite(list(history.values())).all()
