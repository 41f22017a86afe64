"""The prior of pseudo-inputs against NumPy, through the model's encoder."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from keras_capsvae import BernoulliReconstruction
from keras_capsvae import GaussianLatent
from keras_capsvae import GaussianReconstruction
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import VampPrior
from keras_capsvae import VariationalAutoencoder
from tests import oracles
from tests.helpers import numpy_of
from tests.helpers import outputs_in_fresh_process
from tests.helpers import upcoming_noise
from tests.outputs import outputs_of
from tests.own_nets import ONE_HOT
from tests.own_nets import X
from tests.own_nets import check_cycle
from tests.own_nets import compiled
from tests.own_nets import decoder
from tests.own_nets import encoder
from tests.own_nets import given
from zoo import datasets
from zoo.models.vae import dense_decoder
from zoo.models.vae import dense_encoder

COUNT = 3


def net(prior=None, cls=VariationalAutoencoder, **options):
    latent = GaussianLatent(prior or VampPrior(COUNT), seed=0)
    parts = dense_encoder(6, 2, 5), dense_decoder(6, 2, 5)
    model = cls(*parts, latent, **options)
    model.compile(keras.optimizers.SGD(1.0), loss=BernoulliReconstruction())
    return model


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return net()


def test_loss_and_gradients_are_those_of_the_formula(model):
    noise = upcoming_noise(model.latent.seed_generator, (8, 2))
    weights = oracles.weights_of(model)
    history = model.fit(X, shuffle=False, batch_size=8, verbose=0).history
    expected = oracles.vamp_vae_loss(weights, X, noise)
    assert abs(history["loss"][0] - expected) <= 1e-5 * expected
    after = oracles.weights_of(model)
    checked = [("prior", "variables"), ("encoder", "z_mean")]
    for part, layer in [*checked, ("encoder", "z_log_var")]:
        for place, array in enumerate(weights[part][layer]):

            def loss(value):
                weights[part][layer][place] = value
                return oracles.vamp_vae_loss(weights, X, noise)

            gradient = oracles.central_differences(loss, array)
            weights[part][layer][place] = array
            moved = array - after[part][layer][place]
            if part == "prior":  # kept in [0, 1]
                gradient = array - np.clip(array - gradient, 0, 1)
            np.testing.assert_allclose(moved, gradient, rtol=1e-4, atol=3e-6)


def test_pseudo_inputs_learn_within_their_range(model):
    (inputs,) = model.latent.prior.pseudo_inputs
    before = numpy_of(inputs.value)
    model.fit(X, epochs=3, batch_size=4, verbose=0)
    after = numpy_of(inputs.value)
    assert not np.array_equal(before, after)
    assert 0 <= after.min() <= after.max() <= 1


def test_draws_are_those_of_the_mean_posterior(model):
    z = model.draw_latents(20_000, seed=0)
    mean, log_var = model.posterior(model.latent.prior.pseudo_inputs[0])
    np.testing.assert_allclose(z.mean(0), mean.mean(0), atol=0.05)
    variance = np.exp(log_var).mean(0) + mean.var(0)
    np.testing.assert_allclose(z.var(0), variance, rtol=0.05)


def test_likelihood_is_that_of_the_mixture(model):
    """Against the mean of q(x|z) over many draws of the prior."""
    decoded = model.decode(model.draw_latents(40_000, seed=1), batch_size=4096)
    expected = [
        np.log(np.exp(-oracles.bernoulli_from_probabilities(x, decoded)).mean())
        for x in np.broadcast_to(X[:3, None], (3, *decoded.shape))
    ]
    received = -model.score_samples(X[:3], 4000)
    np.testing.assert_allclose(received, expected, atol=0.03)


def test_one_encoder_after_reloading(model, tmp_path):
    again = check_cycle(model, X, tmp_path)
    assert len(again.weights) == len(model.weights)
    model.save(tmp_path / "again.keras")
    expected = numpy_of(outputs_of(model, [X]))
    received = outputs_in_fresh_process(tmp_path / "again.keras", [X])
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    moved = [w + 0.1 for w in again.encoder.get_weights()]
    again.encoder.set_weights(moved)  # the prior follows the one encoder
    assert not np.allclose(again.draw_latents(3, seed=0), expected[-2])


@pytest.mark.parametrize("gradient", ["plain", "stl", "dreg"])
def test_importance_weighting(gradient):
    model = net(
        cls=ImportanceWeightedAutoencoder, num_samples=3, gradient=gradient
    )
    history = model.fit(X, verbose=0).history
    parts = history["reconstruction_loss"][0] + history["kl_loss"][0]
    assert history["loss"][0] < parts


def test_conditions_of_the_encoder_are_pseudo_inputs_too(tmp_path):
    latent = GaussianLatent(VampPrior(COUNT))
    model = VariationalAutoencoder(
        encoder((6,), *given("label")), decoder(*given("label")), latent
    )
    prior = compiled(model).latent.prior
    assert [tuple(u.shape) for u in prior.pseudo_inputs] == [(3, 6), (3, 3)]
    prior.adapt([X, ONE_HOT], seed=0)
    rows = [
        np.flatnonzero((row == X).all(-1)).item()
        for row in numpy_of(prior.pseudo_inputs[0].value)
    ]
    chosen = numpy_of(prior.pseudo_inputs[1].value)
    np.testing.assert_array_equal(chosen, ONE_HOT[rows])
    check_cycle(model, [X, ONE_HOT], tmp_path)
    assert model.generate(4, label=1).shape == (4, 6)


def test_numbers_of_any_range(tmp_path):
    latent = GaussianLatent(VampPrior(COUNT, input_range=None))
    model = VariationalAutoencoder(encoder(), decoder(activation=None), latent)
    compiled(model, GaussianReconstruction())
    model.latent.prior.adapt(5 * X - 9)
    check_cycle(model, 5 * X - 9, tmp_path)


def test_the_name_of_the_prior():
    prior = zoo.dense_vae(8, prior="vamp").latent.prior
    assert (prior.num_components, prior.input_range) == (500, (0.0, 1.0))
    config = {
        "class_name": "keras_capsvae>VampPrior",
        "config": {"num_components": 20},
    }
    assert zoo.dense_vae(8, prior=config).latent.prior.num_components == 20
    with pytest.raises(TypeError, match="'vampire'"):
        GaussianLatent("vampire")


def test_fewer_examples_than_pseudo_inputs():
    model = net(VampPrior(9))
    with pytest.raises(ValueError, match="=1.*8 examples for 9"):
        model.fit(X, verbose=0)
    with pytest.raises(ValueError, match="=1.*8 examples for 9"):
        model.fit(datasets.Batches(X, batch_size=4), verbose=0)
    with pytest.raises(ValueError, match="=1.*8 examples for 9"):
        model.latent.prior.adapt(X)
    model.evaluate(X, verbose=0)


def test_examples_outside_of_the_range():
    model = net()
    model.compile("sgd", loss=GaussianReconstruction())
    with pytest.raises(ValueError, match=r"\[0, 1\].*input_range=None"):
        model.fit(X - 3, verbose=0)


def test_encoders_that_pseudo_inputs_cannot_be_trained_for():
    ids = keras.Input((4,), dtype="int32", name="ids")
    h = layers.Flatten()(layers.Embedding(5, 3)(ids))
    heads = [layers.Dense(2)(h), layers.Dense(2)(h)]
    z = keras.Input((2,))
    tell = keras.Model(z, layers.Reshape((4, 5))(layers.Dense(20)(z)))
    with pytest.raises(ValueError, match="'ids' of int32"):
        VariationalAutoencoder(
            keras.Model(ids, heads), tell, GaussianLatent("vamp")
        )
    with pytest.raises(ValueError, match="alone"):
        GaussianLatent("vamp")([X[:, :2], X[:, :2]])
    with pytest.raises(ValueError, match="num_components=0"):
        VampPrior(0)
    with pytest.raises(ValueError, match="no closed form"):
        GaussianLatent("vamp", free_bits=0.1)


def test_pseudo_inputs_leave_the_statistics_of_the_encoder_alone():
    x = keras.Input((4,))
    h = keras.layers.BatchNormalization(momentum=0.0, name="norm")(x)
    heads = [keras.layers.Dense(2)(h), keras.layers.Dense(2)(h)]
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
    latent = GaussianLatent(prior=VampPrior(3))
    model = VariationalAutoencoder(keras.Model(x, heads), decoder, latent)
    model.compile("sgd", loss=GaussianReconstruction())
    data = np.random.default_rng(0).random((8, 4), "float32") / 2
    model.fit(data, batch_size=8, epochs=2, verbose=0)
    norm = model.encoder.get_layer("norm")
    received = numpy_of(norm.moving_mean)
    np.testing.assert_allclose(received, data.mean(0), rtol=1e-5)
