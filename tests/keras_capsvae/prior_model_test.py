"""Priors that are fitted afterwards, clusters, and other labels."""

import warnings

import keras
import numpy as np
import pytest
from sklearn.mixture import GaussianMixture as Fit

import zoo
from keras_capsvae import ClassMeans
from keras_capsvae import GaussianLatent
from keras_capsvae import GaussianMixture
from keras_capsvae import GaussianReconstruction
from keras_capsvae import MixtureStart
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.latents.fitted import FittedMixture
from keras_capsvae.latents.random_source import NumpyRandom
from tests.helpers import numpy_of
from tests.helpers import outputs_in_fresh_process
from tests.helpers import tensorflow_only
from tests.outputs import outputs_of
from tests.own_nets import LABELS
from tests.own_nets import ONE_HOT
from tests.own_nets import X
from tests.own_nets import compiled
from tests.own_nets import decoder
from tests.own_nets import encoder
from tests.own_nets import given

RANDOM = np.random.default_rng(3)
CENTRES = np.array([[0.0, 8.0], [9.0, 0.0], [-7.0, -6.0]], "float32")
BLOBS = np.repeat(CENTRES, 40, axis=0)
BLOBS = (BLOBS + RANDOM.normal(size=BLOBS.shape)).astype("float32")


def identity_vae(prior=None, log_var=-4.0):
    """A VAE whose latents are its x, but for noise of a known size."""
    model = VariationalAutoencoder(
        encoder((2,), log_var=log_var),
        keras.Sequential([keras.Input((2,)), keras.layers.Identity()]),
        GaussianLatent(prior, seed=0),
    )
    model.compile("sgd", loss=GaussianReconstruction())
    see = model.encoder.layers[-2]
    see.set_weights([np.eye(2), np.zeros(2)])
    np.testing.assert_array_equal(model.encode(BLOBS), BLOBS)
    model.load_own_variables({})  # as if from a file: what it knows is meant
    return model


def test_draws_of_a_fitted_mixture_have_its_moments():
    factors = np.array([[[1.0, 0.0], [0.8, 0.5]], [[0.3, 0.0], [-0.2, 2.0]]])
    mixture = FittedMixture([0.25, 0.75], [[0.0, 1.0], [4.0, -2.0]], factors)
    z = mixture.draw(NumpyRandom(0), 60_000, (2,))
    z = keras.ops.convert_to_numpy(z)
    mean = 0.25 * np.array([0, 1]) + 0.75 * np.array([4, -2])
    covariances = factors @ factors.transpose(0, 2, 1)
    offsets = np.array([[0, 1], [4, -2]]) - mean
    covariance = sum(
        weight * (own + np.outer(offset, offset))
        for weight, own, offset in zip([0.25, 0.75], covariances, offsets)
    )
    np.testing.assert_allclose(z.mean(0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(z.T), covariance, atol=0.1)


def test_a_fitted_prior_draws_where_the_data_are():
    model = identity_vae()
    before = model.score_samples(BLOBS)
    model.fit_prior(BLOBS, components=3, seed=0)
    drawn = model.generate(3000, seed=0)
    nearest = np.square(drawn[:, None] - CENTRES).sum(-1)
    assert np.sqrt(nearest.min(-1)).max() < 6
    shares = np.bincount(nearest.argmin(-1)) / len(drawn)
    np.testing.assert_allclose(shares, 1 / 3, atol=0.04)
    # Of the draws the data's density, of the noise of the posterior too.
    fit = Fit(3, random_state=0).fit(BLOBS)
    assert abs(fit.score(drawn) - fit.score(BLOBS)) < 0.1
    np.testing.assert_array_equal(drawn, model.generate(3000, seed=0))
    np.testing.assert_array_equal(before, model.score_samples(BLOBS))
    model.fitted_prior = None
    assert abs(model.generate(3000, seed=0).mean()) < 0.1


def test_posterior_noise_belongs_to_the_fit():
    """The mean posterior of one x is its own, of variance e^l."""
    model = identity_vae(log_var=0.7)
    x = np.zeros((20_000, 2), "float32")
    model.fit_prior(x, components=1, seed=0)
    covariance = model.fitted_prior.factors[0] @ model.fitted_prior.factors[0].T
    np.testing.assert_allclose(covariance, np.exp(0.7) * np.eye(2), atol=0.06)


def test_class_means_carry_a_fitted_prior(tmp_path):
    model = compiled(
        VariationalAutoencoder(
            encoder(), decoder(), GaussianLatent(ClassMeans(3))
        )
    )
    model.fit([X, ONE_HOT], verbose=0)
    model.latent.prior.means.set_weights([10 * np.ones((3, 2)), np.arange(2)])
    model.latent.prior.means.set_weights([CENTRES, np.zeros(2)])
    model.fit_prior([X, ONE_HOT], components=2, seed=0)
    z = model.draw_latents(4000, label=1, seed=0)
    residual = model.encode([X, ONE_HOT]) - CENTRES[LABELS]
    expected = CENTRES[1] + residual.mean(0)
    deviation = np.sqrt(residual.var(0) + 1) / np.sqrt(len(X))
    assert (np.abs(z.mean(0) - expected) < 4 * deviation).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.draw_latents(9, label=2, seed=1),
        model.draw_latents(9, label=2, seed=1),
        rtol=1e-5,
    )


@pytest.fixture(scope="module")
def fitted():
    model = zoo.dense_vae(6, 2, 4, seed=0, jit_compile=False)
    model.fit(X, verbose=0)
    model.fit_prior(X, components=2, seed=0)
    return model


def test_files_hold_a_fitted_prior(fitted, tmp_path):
    fitted.save(tmp_path / "model.keras")
    expected = numpy_of(outputs_of(fitted, [X]))
    received = outputs_in_fresh_process(tmp_path / "model.keras", [X])
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    drawn = fitted.draw_latents(5, seed=1)
    fitted.save_weights(tmp_path / "model.weights.h5")
    other = zoo.dense_vae(6, 2, 4, weights=tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other.draw_latents(5, seed=1), drawn)
    plain = zoo.dense_vae(6, 2, 4, seed=0)
    plain.save_weights(tmp_path / "plain.weights.h5")
    other.load_weights(tmp_path / "plain.weights.h5")
    assert other.fitted_prior is None


@tensorflow_only
def test_a_saved_model_draws_from_the_fitted_prior(tmp_path):
    import tensorflow as tf

    model = identity_vae()
    model.fit_prior(BLOBS, components=3, seed=0)
    model.export(tmp_path)
    served = tf.saved_model.load(tmp_path)
    drawn = np.array(served.generate(2000))
    nearest = np.square(drawn[:, None] - CENTRES).sum(-1)
    assert np.sqrt(nearest.min(-1)).max() < 6
    np.testing.assert_allclose(
        np.bincount(nearest.argmin(-1)) / 2000, 1 / 3, atol=0.05
    )


def test_a_prior_fitted_before_training_or_trained_after(fitted):
    untrained = zoo.dense_vae(6, 2, 4)
    with pytest.warns(UserWarning, match="Call `fit` first"):
        untrained.fit_prior(X, components=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fitted.fit_prior(X, components=2, seed=0)
        zoo.dense_vae(weights="mnist").fit_prior(np.zeros((9, 784)), 1)
    with pytest.warns(UserWarning, match="before this training"):
        fitted.fit(X, verbose=0)


def test_a_prior_that_cannot_be_fitted(fitted):
    with pytest.raises(ValueError, match="Received: 8 with components=9"):
        fitted.fit_prior(X, components=9)
    with pytest.raises(ValueError, match="components=0"):
        fitted.fit_prior(X, components=0)
    with pytest.raises(TypeError, match="components=2.5"):
        fitted.fit_prior(X, components=2.5)
    with pytest.raises(ValueError, match="must have shape"):
        fitted.fit_prior(X[:, :3], components=2)


def test_clusters_of_examples():
    model = identity_vae(GaussianMixture(3))
    model.latent.prior.adapt(model.encode(BLOBS), seed=0)
    clusters = model.predict_clusters(BLOBS)
    assert clusters.shape == (120,) and clusters.dtype.kind == "i"
    means = numpy_of(model.latent.prior.means.value)
    of_centre = np.square(CENTRES[:, None] - means).sum(-1).argmin(-1)
    assert sorted(of_centre) == [0, 1, 2]
    np.testing.assert_array_equal(clusters, np.repeat(of_centre, 40))
    for centre, cluster in zip(CENTRES, of_centre):
        drawn = model.generate(500, cluster=cluster, seed=0)
        np.testing.assert_allclose(drawn.mean(0), centre, atol=0.6)
    model.fit_prior(BLOBS, components=1, seed=0)  # clusters stay the prior's
    again = model.generate(500, cluster=of_centre[0], seed=0)
    np.testing.assert_allclose(again.mean(0), CENTRES[0], atol=0.6)
    with pytest.raises(ValueError, match="has no clusters"):
        identity_vae().predict_clusters(BLOBS)
    with pytest.raises(ValueError, match="Received: 2 with num_components=3"):
        model.latent.prior.adapt(BLOBS[:2])


@pytest.mark.parametrize("unit", [True, False])
def test_a_mixture_starts_at_the_clusters(unit):
    prior = GaussianMixture(3, unit_variance=unit)
    prior.build((None, 2))
    prior.adapt(BLOBS, seed=0)
    order = np.argsort(numpy_of(prior.means.value)[:, 0])
    groups = [BLOBS[80:], BLOBS[:40], BLOBS[40:80]]
    means = numpy_of(prior.means.value)[order]
    np.testing.assert_allclose(means, [g.mean(0) for g in groups], atol=1e-2)
    variances = np.exp(numpy_of(prior.log_vars.value))[order]
    expected = 1.0 if unit else [g.var(0) for g in groups]
    np.testing.assert_allclose(
        variances, np.broadcast_to(expected, (3, 2)), rtol=1e-2
    )


def test_a_mixture_starts_at_its_epoch():
    model = identity_vae(GaussianMixture(3))
    model.compile(keras.optimizers.SGD(0.0), loss=GaussianReconstruction())
    means = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: means.append(
            numpy_of(model.latent.prior.means.value)
        )
    )
    start = MixtureStart(BLOBS, epochs=2)
    model.fit(BLOBS, epochs=3, callbacks=[start, note], verbose=0)
    np.testing.assert_array_equal(means[0], means[1])
    expected = [group.mean(0) for group in np.split(BLOBS, 3)]
    received = means[2][np.argsort(means[2][:, 1])]
    np.testing.assert_allclose(
        received, np.array(expected)[[2, 1, 0]], atol=1e-2
    )
    with pytest.raises(ValueError, match="expects a model whose prior"):
        identity_vae().fit(BLOBS, callbacks=[start], verbose=0)


def test_another_label_keeps_the_style():
    """Under class means: what differs from the mean of the class."""
    model = identity_vae(ClassMeans(3))
    model.latent.prior.means.set_weights([CENTRES, np.zeros(2)])
    labels = np.eye(3)[np.repeat(np.arange(3), 40)]
    moved = model.relabel([BLOBS, labels], 2)
    expected = BLOBS - np.repeat(CENTRES, 40, axis=0) + CENTRES[2]
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_another_label_of_the_decoder():
    model = compiled(
        VariationalAutoencoder(
            encoder((6,), *given("label")), decoder(*given("label"))
        )
    )
    z = model.encode([X, ONE_HOT])
    received = model.relabel([X, ONE_HOT], [2, 1] * 4)
    np.testing.assert_allclose(received, model.decode(z, label=[2, 1] * 4))
    own = model.relabel([X, ONE_HOT], LABELS)
    np.testing.assert_allclose(own, model.reconstruct([X, ONE_HOT]), rtol=1e-6)
    names = ["cat", "dog", "fox"]
    named = np.array(names)[LABELS]
    for given_labels, label, options in (
        (LABELS, [2, 1] * 4, {}),
        (named, ["fox", "dog"] * 4, {"class_names": names}),
    ):
        again = model.relabel([X, given_labels], label, **options)
        np.testing.assert_array_equal(again, received)
    one = model.relabel([X, named], "fox", class_names=names)
    np.testing.assert_array_equal(one, model.relabel([X, ONE_HOT], 2))
    with pytest.raises(ValueError, match="label=3"):
        model.relabel([X, ONE_HOT], 3)
    with pytest.raises(ValueError, match=r"of the classes .*\['owl'\]"):
        model.relabel([X, named], "owl", class_names=names)


def test_conditions_of_another_width():
    model = compiled(
        VariationalAutoencoder(
            encoder((6,), *given("label")), decoder(*given("label"))
        )
    )
    wide = np.eye(4, dtype="float32")[LABELS]
    for call in (model.fit, model.predict, model.relabel, model.fit_prior):
        arguments = ([X, wide], 1) if call == model.relabel else ([X, wide],)
        with pytest.raises(ValueError, match=r"\(batch, 3\)|\(None, 3\)|shape"):
            call(*arguments)
    with pytest.raises(ValueError, match="shape"):
        model.generate(8, condition=wide)


def test_what_a_kind_of_model_is_not_drawn_by():
    with pytest.raises(TypeError, match="`generate` of .*temperature=0.5"):
        identity_vae().generate(3, temperature=0.5)
