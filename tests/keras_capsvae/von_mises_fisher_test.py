"""Latents on spheres: divergences, draws and likelihoods against integrals."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import GaussianReconstruction
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import KLWarmUp
from keras_capsvae import VariationalAutoencoder
from keras_capsvae import VonMisesFisherLatent
from keras_capsvae.latents import NumpyRandom
from tests.helpers import dtype_policy
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.own_nets import X
from tests.own_nets import check_cycle
from zoo.models.spherical import direction_encoder

DRAWS = 10_000
CRITICAL = 1.63 / np.sqrt(DRAWS)  # of Kolmogorov and Smirnov, at 1 %


def density_of_cosine(dims, kappa, points=400_001):
    """w on a grid, ever finer towards both ends, and p(w) dw."""
    angle = np.linspace(0, np.pi, points)
    w = np.cos(angle)
    inside = slice(1, -1)  # p(w) of a circle is infinite at both ends
    masses = np.zeros(points)
    masses[inside] = np.exp(kappa * (w[inside] - 1)) * np.sin(angle[inside])
    masses[inside] *= (1 - w[inside] ** 2) ** ((dims - 3) / 2)
    return w, masses / masses.sum()


@pytest.mark.parametrize(
    ("dims", "kappa", "nats"),
    [(4, 20.0, 3.258), (10, 50.0, 8.392), (3, 20.0, 2.689), (5, 0.0, 0.0)],
)
def test_divergence_is_the_constant_of_the_distribution(dims, kappa, nats):
    w, shares = density_of_cosine(dims, kappa)
    _, uniform = density_of_cosine(dims, 0.0)
    expected = kappa * (shares @ w) - np.log(uniform @ np.exp(kappa * w))
    latent = VonMisesFisherLatent(kappa, kl_weight=0.5, seed=0)
    directions = np.random.default_rng(0).normal(size=(3, dims))
    z, divergence, penalty = map(numpy_of, latent([directions]))
    assert z.shape == (3, dims) and divergence.shape == (3,)
    np.testing.assert_allclose(divergence, expected, atol=1e-4)
    np.testing.assert_allclose(divergence, nats, atol=1e-3)
    np.testing.assert_allclose(penalty, 0.5 * divergence)


@pytest.mark.parametrize(
    ("dims", "kappa"),
    [(4, 20.0), (10, 50.0), (3, 20.0), (3, 0.0), (2, 5.0), (2, 0.0)],
)
def test_draws_follow_the_density(dims, kappa):
    latent = VonMisesFisherLatent(kappa, seed=2)
    direction = np.arange(1.0, 1 + dims)[None]
    mean = numpy_of(latent.value([direction]))  # (1, dims)
    np.testing.assert_allclose(mean, direction / np.linalg.norm(direction))
    z = numpy_of(latent([np.repeat(direction, DRAWS, axis=0)])[0])
    np.testing.assert_allclose(np.linalg.norm(z, axis=-1), 1, atol=1e-6)
    w, shares = density_of_cosine(dims, kappa)
    received = np.sort(z @ mean[0])
    expected = np.interp(received, w[::-1], np.cumsum(shares[::-1]))
    steps = np.arange(DRAWS + 1) / DRAWS
    distance = max((steps[1:] - expected).max(), (expected - steps[:-1]).max())
    assert distance < CRITICAL
    across = z - received.mean() * mean  # all ways around the mean alike
    assert np.abs(across.mean(0)).max() < 0.05


@pytest.mark.parametrize(("dims", "kappa"), [(16, 1e4), (4, 1e7), (128, 40.0)])
def test_concentrations_far_from_one(dims, kappa):
    """E[1 − w] ≈ (d − 1) / 2κ where κ is large, w ≈ κ/d where it is small."""
    latent = VonMisesFisherLatent(kappa, seed=0)
    direction = np.eye(1, dims, dtype="float32")
    z = numpy_of(latent([np.repeat(direction, DRAWS, axis=0)])[0])
    drops = 0.5 * np.square(z - direction).sum(-1).mean()
    w, shares = density_of_cosine(dims, kappa)
    np.testing.assert_allclose(drops, shares @ (1 - w), rtol=0.02)


def test_log_ratio_is_that_of_the_densities():
    dims, kappa = 5, 12.0
    latent = VonMisesFisherLatent(kappa, seed=0)
    random = np.random.default_rng(1)
    directions = random.normal(size=(4, dims)).astype("float32")
    latent([directions])
    z = numpy_of(latent.sample([directions], 7))
    assert z.shape == (4, 7, dims)
    w, uniform = density_of_cosine(dims, 0.0)
    normaliser = np.log(uniform @ np.exp(kappa * w))
    means = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    expected = normaliser - kappa * np.einsum("nkd,nd->nk", z, means)
    received = numpy_of(latent.log_ratio(z, [directions]))
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-4)


def test_gradients_of_a_draw_and_of_the_densities():
    """Of z(μ) with the noise held fast, and of κ μ·z, by differences."""
    random = np.random.default_rng(2)
    directions = random.normal(size=(3, 4)).astype("float32")
    pull = random.normal(size=(3, 4)).astype("float32")
    latent = VonMisesFisherLatent(6.0, seed=0)
    latent([directions])
    state = numpy_of(latent.seed_generator.state)

    def value(directions):
        latent.seed_generator.state.assign(state)
        z = latent([directions])[0]
        ratios = latent.log_ratio(z[:, None], [directions + 0.5])
        return ops.sum(ops.multiply(z, pull)) + ops.sum(ratios)

    (received,) = gradient(value, directions)
    expected = np.zeros_like(directions)
    for place in np.ndindex(*directions.shape):
        ends = []
        for step in (1e-2, -1e-2):
            moved = directions.copy()
            moved[place] += step
            ends.append(float(value(moved)))
        expected[place] = (ends[0] - ends[1]) / 2e-2
    np.testing.assert_allclose(received, expected, rtol=2e-2, atol=5e-3)


def test_an_input_without_direction_is_no_nan():
    """As of a blank image, where all units of a ReLU are 0."""
    latent = VonMisesFisherLatent(20.0)
    blank = np.zeros((2, 4), "float32")
    assert np.linalg.norm(latent.value([blank])[0]) == 1
    (received,) = gradient(lambda x: ops.sum(latent([x])[0][:, 1]), blank)
    assert np.isfinite(numpy_of(received)).all()


def sphere_parts(dims=3, activation="sigmoid"):
    x, z = keras.Input((6,)), keras.Input((dims,))
    see = keras.Model(x, layers.Dense(dims)(x))
    return see, keras.Model(z, layers.Dense(6, activation=activation)(z))


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = VariationalAutoencoder(
        *sphere_parts(), VonMisesFisherLatent(8.0, seed=0)
    )
    model.compile("adam", loss=BernoulliReconstruction(), jit_compile=False)
    return model


@pytest.mark.thorough
def test_contract_of_a_model_on_a_sphere(model, tmp_path):
    again = check_cycle(model, X, tmp_path)
    assert again.latent.kappa == 8.0
    history = model.fit(X, epochs=2, verbose=0).history
    np.testing.assert_allclose(
        history["loss"],
        np.add(history["reconstruction_loss"], history["kl_loss"]),
        rtol=1e-6,
    )
    for z in (model.encode(X), model.draw_latents(5, seed=0)):
        np.testing.assert_allclose(np.linalg.norm(z, axis=-1), 1, rtol=1e-6)
    # The SavedModel and posterior() give what the encoder does, of any length.
    np.testing.assert_allclose(
        model.posterior(X)[0], model.encoder.predict(X, verbose=0), rtol=1e-6
    )


def test_draws_of_the_prior_are_uniform(model):
    z = numpy_of(model.latent.draw(NumpyRandom(0), DRAWS))
    np.testing.assert_allclose(z.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(z.T @ z / DRAWS, np.eye(3) / 3, atol=0.02)


def test_a_constant_divergence_has_no_weight_to_warm_up(model):
    with pytest.raises(ValueError, match="whose divergence has a weight"):
        model.fit(X, verbose=0, callbacks=[KLWarmUp(2)])


def test_the_way_between_two_examples_is_a_great_circle(model):
    first, last = model.encode(X[:2])
    way = model.latent.between(first, last, np.linspace(0, 1, 5))
    np.testing.assert_allclose(np.linalg.norm(way, axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(way[[0, -1]], [first, last], atol=1e-6)
    steps = np.einsum("nd,nd->n", way[1:], way[:-1])
    np.testing.assert_allclose(steps, steps[0], rtol=1e-4)
    assert model.interpolate(X[0], X[1], 4).shape == (4, 6)
    for end in (first, -first):
        way = model.latent.between(first, end, np.linspace(0, 1, 3))
        np.testing.assert_allclose(np.linalg.norm(way, axis=-1), 1, rtol=1e-5)
        np.testing.assert_allclose(way[-1], end, atol=1e-6)


def test_a_prior_fitted_afterwards_stays_on_the_sphere(model):
    model.fit_prior(np.repeat(X, 4, axis=0), components=2, seed=0)
    z = model.draw_latents(50, seed=0)
    np.testing.assert_allclose(np.linalg.norm(z, axis=-1), 1, rtol=1e-5)
    model.fitted_prior = None


def test_likelihood_against_an_integral_over_the_circle():
    keras.utils.set_random_seed(0)
    model = VariationalAutoencoder(
        *sphere_parts(2, "linear"), VonMisesFisherLatent(3.0)
    )
    model.compile("sgd", loss=GaussianReconstruction())
    angles = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    decoded = model.decode(circle)
    squares = np.square(X[:, None] - decoded).sum(-1)
    densities = np.exp(-0.5 * squares) / (2 * np.pi) ** 3
    expected = -np.log(densities.mean(-1))
    received = model.score_samples(X, 50_000)
    np.testing.assert_allclose(received, expected, atol=0.05)
    assert (model.score_samples(X) >= expected - 1.0).all()


@pytest.mark.thorough
def test_several_samples_and_several_spheres():
    """Maps of 2 × 2 circles: the divergence is that of all of them."""
    x, z = keras.Input((4, 4, 1)), keras.Input((2, 2, 2))
    see = layers.Conv2D(2, 2, strides=2)(x)
    tell = layers.Conv2DTranspose(1, 2, strides=2, activation="sigmoid")(z)
    latent = VonMisesFisherLatent(4.0)
    model = ImportanceWeightedAutoencoder(
        keras.Model(x, see),
        keras.Model(z, tell),
        latent,
        num_samples=3,
        gradient="dreg",
    )
    model.compile("adam", loss=BernoulliReconstruction())
    images = np.random.default_rng(0).random((8, 4, 4, 1), "float32")
    history = model.fit(images, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    one = VonMisesFisherLatent(4.0)([np.ones((1, 2))])[1]
    (four, *_) = numpy_of(latent([np.ones((1, 2, 2, 2))])[1])
    np.testing.assert_allclose(four, 4 * numpy_of(one)[0], rtol=1e-6)
    assert model.generate(2, seed=0).shape == (2, 4, 4, 1)


def test_sixteen_bits():
    with dtype_policy("mixed_float16"):
        model = VariationalAutoencoder(
            *sphere_parts(4), VonMisesFisherLatent(200.0)
        )
        model.compile("adam", loss=BernoulliReconstruction())
        assert np.isfinite(model.fit(X, verbose=0).history["loss"]).all()


def test_long_directions_in_sixteen_bits():
    with dtype_policy("mixed_float16"):
        encoder = direction_encoder(4, 3, 2)
    encoder.set_weights([w + 30 for w in encoder.get_weights()])
    directions = numpy_of(encoder(np.ones((1, 4), "float32")))
    np.testing.assert_allclose(np.linalg.norm(directions), 1, rtol=1e-3)


@pytest.mark.parametrize(
    ("dims", "kappa", "error", "message"),
    [
        (1, 20.0, ValueError, r"at least 2 dims.*Received: shape \(3, 1\)"),
        (4, -1.0, ValueError, "`kappa` must be.*kappa=-1.0"),
        (4, float("nan"), ValueError, "`kappa` must be.*kappa=nan"),
        (4, "20", TypeError, "`kappa` must be a number"),
    ],
)
def test_bad_input(dims, kappa, error, message):
    with pytest.raises(error, match=message):
        VonMisesFisherLatent(kappa)([np.ones((3, dims))])
