"""Latents that are categories against plain NumPy."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import GaussianReconstruction
from keras_capsvae import GumbelSoftmaxLatent
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import KLWarmUp
from keras_capsvae import TemperatureAnnealing
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.models import likelihood
from tests.helpers import dtype_policy
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.helpers import tensorflow_only
from tests.oracles import central_differences
from tests.own_nets import X
from tests.own_nets import check_cycle

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(5, 3, 4)).astype("float32")


def probabilities(logits):
    exponentials = np.exp(logits.astype("float64"))
    return exponentials / exponentials.sum(-1, keepdims=True)


def divergence(logits):
    """Σ p ln p + ln K of each latent, summed over the latents."""
    p = probabilities(logits)
    terms = (p * np.log(p)).sum(-1) + np.log(logits.shape[-1])
    return terms.sum(-1)


def upcoming_gumbel(latent, shape):
    copy = keras.random.SeedGenerator(0)
    copy.state.assign(latent.seed_generator.state)
    share = numpy_of(keras.random.uniform(shape, 1e-7, 1 - 1e-7, seed=copy))
    return -np.log(-np.log(share.astype("float64")))


def test_divergence_is_zero_of_the_uniform_and_ln_k_of_one_category():
    logits = np.zeros((2, 32, 10), "float32")
    logits[1, ..., 3] = 60.0
    _, received, penalty = GumbelSoftmaxLatent(kl_weight=0.5)([logits])
    np.testing.assert_allclose(
        numpy_of(received), [0, 32 * np.log(10)], rtol=1e-5, atol=1e-5
    )
    assert numpy_of(received)[1] == pytest.approx(73.68, abs=0.01)
    np.testing.assert_allclose(numpy_of(penalty), 0.5 * numpy_of(received))


def test_divergence_and_its_gradients():
    latent = GumbelSoftmaxLatent()
    _, received, _ = latent([LOGITS])
    np.testing.assert_allclose(
        numpy_of(received), divergence(LOGITS), rtol=1e-5
    )
    (slopes,) = gradient(lambda x: ops.sum(latent([x])[1]), LOGITS)
    expected = central_differences(
        lambda x: divergence(x).sum(), LOGITS.astype("float64")
    )
    np.testing.assert_allclose(slopes, expected, rtol=1e-4, atol=1e-5)


def test_a_relaxed_draw_and_its_gradients():
    """softmax((ln p + g) / τ), with the noise held fast."""
    latent = GumbelSoftmaxLatent(0.7, seed=3)
    latent([LOGITS])
    noise = upcoming_gumbel(latent, LOGITS.shape)
    state = numpy_of(latent.seed_generator.state)
    pull = RANDOM.normal(size=LOGITS.shape).astype("float32")

    def relaxed(logits):
        return probabilities((np.log(probabilities(logits)) + noise) / 0.7)

    z = numpy_of(latent([LOGITS], training=True)[0])
    np.testing.assert_allclose(z, relaxed(LOGITS), rtol=1e-4, atol=1e-6)

    def pulled(logits):
        latent.seed_generator.state.assign(state)
        z = latent([logits], training=True)[0]
        return ops.sum(ops.multiply(z, pull))

    (slopes,) = gradient(pulled, LOGITS)
    expected = central_differences(
        lambda x: (relaxed(x) * pull).sum(), LOGITS.astype("float64")
    )
    np.testing.assert_allclose(slopes, expected, rtol=1e-3, atol=1e-4)


def test_straight_through_is_one_hot_with_the_gradient_of_relaxed():
    pull = RANDOM.normal(size=LOGITS.shape).astype("float32")
    slopes = []
    for straight_through in (False, True):
        latent = GumbelSoftmaxLatent(
            0.7, straight_through=straight_through, seed=3
        )
        latent([LOGITS])

        def pulled(logits):
            z = latent([logits], training=True)[0]
            return ops.sum(ops.multiply(z, pull))

        slopes += [*gradient(pulled, LOGITS)]
    np.testing.assert_allclose(*map(numpy_of, slopes), rtol=1e-5, atol=1e-7)
    z = numpy_of(latent([LOGITS], training=True)[0])
    np.testing.assert_array_equal(np.sort(z)[..., -1], 1)
    np.testing.assert_array_equal(z.sum(-1), 1)


def test_draws_of_inference_follow_the_probabilities():
    latent = GumbelSoftmaxLatent(seed=0)
    z = numpy_of(latent([np.repeat(LOGITS[:1], 20_000, axis=0)])[0])
    np.testing.assert_array_equal(np.unique(z), [0, 1])
    np.testing.assert_allclose(z.mean(0), probabilities(LOGITS[0]), atol=0.02)


def test_categories_ruled_out_are_never_drawn():
    masked = np.where(np.arange(4) == 2, -np.inf, LOGITS).astype("float32")
    latent = GumbelSoftmaxLatent(0.05)
    for training in (False, True):
        z, received, _ = map(numpy_of, latent([masked], training=training))
        np.testing.assert_allclose(z[..., 2], 0, atol=1e-6)
        assert np.isfinite(z).all() and np.isfinite(received).all()
    (slopes,) = gradient(
        lambda x: ops.sum(latent([x], training=True)[0][..., 0]), masked
    )
    assert np.isfinite(numpy_of(slopes)).all()


def parts(latents=2, categories=3, activation="sigmoid"):
    x, z = keras.Input((6,)), keras.Input((latents, categories))
    logits = layers.Dense(latents * categories)(x)
    tell = layers.Dense(6, activation=activation)
    return (
        keras.Model(x, layers.Reshape((latents, categories))(logits)),
        keras.Model(z, tell(layers.Flatten()(z))),
    )


def categorical_vae(*arguments, loss=None, activation="sigmoid"):
    keras.utils.set_random_seed(0)
    model = VariationalAutoencoder(
        *parts(activation=activation), GumbelSoftmaxLatent(*arguments, seed=0)
    )
    model.compile(
        "adam", loss=loss or BernoulliReconstruction(), jit_compile=False
    )
    return model


@pytest.fixture(scope="module")
def model():
    return categorical_vae()


def test_contract_of_a_model_of_categories(model, tmp_path):
    model.latent.temperature.assign(0.25)
    again = check_cycle(model, X, tmp_path)
    assert float(again.latent.temperature) == 0.25
    assert again.latent.initial_temperature == 1.0


def test_codes_are_integers(model):
    codes = model.encode(X)
    assert codes.shape == (8, 2) and np.issubdtype(codes.dtype, np.integer)
    np.testing.assert_array_equal(codes, model.posterior(X)[0].argmax(-1))
    one_hot = np.eye(3, dtype="float32")[codes]
    np.testing.assert_allclose(
        model.decode(codes), model.decode(one_hot), rtol=1e-6
    )
    np.testing.assert_allclose(
        model.reconstruct(X), model.decode(codes.tolist()), rtol=1e-6
    )
    drawn = model.draw_latents(6000, seed=0)
    shares = np.bincount(drawn.ravel(), minlength=3) / drawn.size
    np.testing.assert_allclose(shares, 1 / 3, atol=0.02)
    np.testing.assert_array_equal(
        model.generate(4, seed=1), model.decode(model.draw_latents(4, seed=1))
    )
    way = model.interpolate(X[0], X[1], 3)
    ends = model.reconstruct(X[:2])
    np.testing.assert_allclose(way[[0, -1]], ends, rtol=1e-5)
    as_text = np.array(codes, "float32")  # as from a CSV file
    for same in (as_text, one_hot.astype(int)):
        np.testing.assert_allclose(model.decode(same), model.decode(codes))
    for wrong in (3, -1, 0.5):
        with pytest.raises(ValueError, match=rf"in \[0, 2\].*: {wrong}"):
            model.decode([[0, wrong]])


@tensorflow_only
def test_a_saved_model_speaks_of_integers(model, tmp_path):
    import tensorflow as tf

    model.export(tmp_path)
    served = tf.saved_model.load(str(tmp_path))
    codes = served.signatures["encode"](tf.constant(X))["codes"]
    np.testing.assert_array_equal(codes, model.encode(X))
    decoded = served.signatures["decode"](codes=codes)["reconstruction"]
    np.testing.assert_allclose(decoded, model.reconstruct(X), rtol=1e-5)
    assert served.generate(3).shape == (3, 6)


def test_likelihood_against_the_sum_over_all_categories():
    model = categorical_vae(loss=GaussianReconstruction(), activation="linear")
    every = np.array(list(itertools.product(range(3), repeat=2)))
    squares = np.square(X[:, None] - model.decode(every)).sum(-1)
    densities = np.exp(-0.5 * squares) / (2 * np.pi) ** 3
    expected = -np.log(densities.mean(-1))
    received = model.score_samples(X, 20_000)
    np.testing.assert_allclose(received, expected, atol=0.02)
    p = probabilities(model.posterior(X)[0])
    joint = p[:, 0, :, None] * p[:, 1, None]  # (8, 3, 3)
    bound = (joint.reshape(8, 9) * -np.log(densities)).sum(-1)
    bound += divergence(model.posterior(X)[0])
    received = -likelihood.elbo(model, X, num_samples=20_000, verbose=0)
    np.testing.assert_allclose(received, bound, atol=0.05)


def test_a_mixture_is_not_fitted_to_categories(model):
    with pytest.raises(ValueError, match="not to codes.*GumbelSoftmaxLatent"):
        model.fit_prior(X)


def test_several_samples_train_straight_through():
    model = ImportanceWeightedAutoencoder(
        *parts(), GumbelSoftmaxLatent(), num_samples=4
    )
    model.compile("adam", loss=BernoulliReconstruction(), jit_compile=False)
    before = model.encoder.get_weights()
    model.fit(X, verbose=0)
    for one, other in zip(before, model.encoder.get_weights(), strict=True):
        assert np.isfinite(other).all() and not np.array_equal(one, other)


class Temperatures(keras.callbacks.Callback):
    """Those that each step trained with."""

    def __init__(self):
        super().__init__()
        self.values = []

    def on_train_batch_end(self, batch, logs=None):
        self.values.append(float(self.model.latent.temperature))


def temperatures_of(model, annealing, **options):
    record = Temperatures()
    callbacks = [annealing, KLWarmUp(2), record]
    model.fit(X, batch_size=4, verbose=0, callbacks=callbacks, **options)
    return record.values


@pytest.mark.thorough
def test_the_temperature_falls_in_each_step_and_after_a_reload(tmp_path):
    model = categorical_vae()
    values = temperatures_of(model, TemperatureAnnealing(0.9), epochs=2)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    values += temperatures_of(
        again, TemperatureAnnealing(0.9), initial_epoch=2, epochs=4
    )
    expected = 0.01 + 0.99 * 0.9 ** np.arange(8)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    assert float(again.latent.temperature) == pytest.approx(expected[-1])


def test_start_and_end_of_the_temperature():
    model = categorical_vae(2.0)
    values = temperatures_of(model, TemperatureAnnealing(0.5, end=0.5))
    np.testing.assert_allclose(values, [2.0, 1.25])
    values = temperatures_of(model, TemperatureAnnealing(1.0, start=0.7))
    np.testing.assert_allclose(values, [0.7, 0.7], rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GumbelSoftmaxLatent(0.0), "`temperature` must be positive"),
        (lambda: GumbelSoftmaxLatent(-1), "temperature=-1.0"),
        (lambda: TemperatureAnnealing(0), "`rate` must be positive"),
        (lambda: TemperatureAnnealing(1.5), "at most 1.*rate=1.5"),
        (lambda: TemperatureAnnealing(end=0), "`end` must be positive"),
        (
            lambda: GumbelSoftmaxLatent()([np.zeros((3, 5, 1))]),
            r"at least 2 categories.*\(3, 5, 1\)",
        ),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_annealing_needs_categories():
    from tests.own_nets import own_vae

    with pytest.raises(ValueError, match="GumbelSoftmaxLatent"):
        own_vae().fit(X, verbose=0, callbacks=[TemperatureAnnealing()])


def test_sixteen_bits():
    with dtype_policy("mixed_float16"):
        model = categorical_vae()
        model.latent.temperature.assign(0.01)
        assert np.isfinite(model.fit(X, verbose=0).history["loss"]).all()
