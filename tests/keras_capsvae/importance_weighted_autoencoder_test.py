import keras
import numpy as np
import pytest
from keras import ops

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import GaussianReconstruction
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import KLWarmUp
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.latents import ClassMeans
from keras_capsvae.latents import GaussianLatent
from tests import oracles
from tests.helpers import SIXTEEN_BIT_POLICIES
from tests.helpers import dtype_policy
from tests.helpers import gradient as gradient_of
from tests.helpers import numpy_of
from tests.helpers import upcoming_noise

DIM, LATENT, HIDDEN = 5, 2, 4
X = (np.random.default_rng(0).random((6, DIM)) < 0.4).astype("float32")
ENCODER = ("encoder_hidden", "z_mean", "z_log_var")
DECODER = ("decoder_hidden", "pixels")


def parts(activation="sigmoid"):
    dense = keras.layers.Dense
    x = keras.Input((DIM,), name="x")
    hidden = dense(HIDDEN, "tanh", name="encoder_hidden")(x)
    heads = [dense(LATENT, name=name)(hidden) for name in ENCODER[1:]]
    z = keras.Input((LATENT,))
    hidden = dense(HIDDEN, "tanh", name="decoder_hidden")(z)
    image = dense(DIM, activation, name="pixels")(hidden)
    return keras.Model(x, heads), keras.Model(z, image)


def model_of(
    num_samples=3, cls=ImportanceWeightedAutoencoder, loss=None, **options
):
    keras.utils.set_random_seed(3)
    if cls is ImportanceWeightedAutoencoder:
        options["num_samples"] = num_samples
    if "latent" not in options:
        options["seed"] = 0
    model = cls(*parts(), **options)
    model.compile(
        keras.optimizers.SGD(1.0),
        loss=loss or BernoulliReconstruction(),
        jit_compile=False,
    )
    return model


def weights_of(model):
    layers = [*model.encoder.layers, *model.decoder.layers]
    return {
        layer.name: [np.asarray(w, "float64") for w in layer.get_weights()]
        for layer in layers
        if layer.get_weights()
    }


def next_noise(model, count=len(X)):
    # The one latent that the forward pass decodes is drawn before.
    return upcoming_noise(
        model.latent.seed_generator,
        (count, model.num_samples, LATENT),
        after=1,
    )


def evaluated(model, *data, **options):
    return model.evaluate(*data, verbose=0, return_dict=True, **options)


@pytest.mark.parametrize("gradient", ["plain", "stl", "dreg"])
@pytest.mark.parametrize("num_samples", [1, 7])
@pytest.mark.parametrize("kl_weight", [1.0, 0.3, 0.0])
def test_loss_and_terms(gradient, num_samples, kl_weight):
    model = model_of(num_samples, gradient=gradient, kl_weight=kl_weight)
    noise, weights = next_noise(model), weights_of(model)
    logs = evaluated(model, X)
    log_weights = oracles.importance_weights_of(weights, X, noise, kl_weight)
    bound = oracles.importance_weighted_bound(log_weights).mean()
    assert logs["loss"] == pytest.approx(-bound, rel=1e-5)
    error = -oracles.importance_weights_of(weights, X, noise, 0.0).mean()
    assert logs["reconstruction_loss"] == pytest.approx(error, rel=1e-5)
    elbo = oracles.importance_weights_of(weights, X, noise).mean()
    assert logs["kl_loss"] == pytest.approx(-elbo - error, rel=1e-4)


def test_one_sample_is_the_one_sample_elbo():
    one = model_of(1)
    other = model_of(cls=VariationalAutoencoder, estimator="monte_carlo")
    other.set_weights(one.get_weights())
    for _ in range(2):
        generator = other.latent.seed_generator
        generator.state.assign(one.latent.seed_generator.state)
        generator.next()  # what the forward pass of the other model draws
        logs = one.train_on_batch(X, return_dict=True)
        same = other.train_on_batch(X, return_dict=True)
        assert logs == pytest.approx(same, rel=1e-5)
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)


def oracle_gradient(weights, noise, gradient, kl_weight, name, index):
    """By central differences, each estimator by its own definition."""
    fixed = {key: [a.copy() for a in arrays] for key, arrays in weights.items()}
    log_weights = oracles.importance_weights_of(weights, X, noise, kl_weight)
    shares = np.exp(log_weights - log_weights.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    if gradient == "dreg" and name in ENCODER:
        shares = shares * (1 - kl_weight * (1 - shares))
    at = None if gradient == "plain" else fixed

    def surrogate(value):
        weights[name][index] = value
        return (
            -(
                shares
                * oracles.importance_weights_of(
                    weights, X, noise, kl_weight, at
                )
            )
            .sum(-1)
            .mean()
        )

    kept = weights[name][index]
    received = oracles.central_differences(surrogate, kept)
    weights[name][index] = kept
    return received


@pytest.mark.parametrize("num_samples", [1, 4])
@pytest.mark.parametrize("kl_weight", [1.0, 0.3])
@pytest.mark.parametrize("gradient", ["plain", "stl", "dreg"])
def test_gradients_for_fixed_noise(gradient, num_samples, kl_weight):
    model = model_of(num_samples, gradient=gradient, kl_weight=kl_weight)
    noise, before = next_noise(model), weights_of(model)
    model.fit(X, shuffle=False, verbose=0)
    after = weights_of(model)
    for name in ENCODER + DECODER:
        for index, array in enumerate(before[name]):
            expected = oracle_gradient(
                before, noise, gradient, kl_weight, name, index
            )
            np.testing.assert_allclose(
                array - after[name][index], expected, rtol=1e-4, atol=2e-6
            )


def test_the_oracle_of_the_plain_gradient_is_that_of_the_loss():
    model = model_of(4)
    noise, weights = next_noise(model), weights_of(model)

    def loss(value):
        weights["z_mean"][0] = value
        return oracles.importance_weighted_loss(weights, X, noise)

    kept = weights["z_mean"][0]
    expected = oracles.central_differences(loss, kept)
    weights["z_mean"][0] = kept
    received = oracle_gradient(weights, noise, "plain", 1.0, "z_mean", 0)
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-8)


def head_gradients(num_samples, gradient, draws, kl_weight=1.0):
    """By the bias of z_mean, one row for each draw, as a batch of copies.

    Every example of the batch has its own bias: it comes in as an input.
    """
    model = model_of(num_samples, gradient=gradient, kl_weight=kl_weight)
    x = np.repeat(X[:1], draws, axis=0)
    z_mean, z_log_var = numpy_of(model.encoder(x))

    def loss(z_mean, z_log_var):
        forward = {"parameters": [z_mean, z_log_var], "given": []}
        _, _, objective = model.terms(x, forward, training=False)
        return ops.sum(objective)

    return np.concatenate(gradient_of(loss, z_mean, z_log_var + 1.0), axis=-1)


@pytest.mark.parametrize(
    ("gradient", "num_samples", "kl_weight"),
    [("stl", 1, 1.0), ("dreg", 1, 1.0), ("dreg", 5, 1.0), ("dreg", 5, 0.5)],
)
def test_estimators_agree_over_ten_thousand_draws(
    gradient, num_samples, kl_weight
):
    plain = head_gradients(num_samples, "plain", 10_000, kl_weight)
    other = head_gradients(num_samples, gradient, 10_000, kl_weight)
    difference = plain - other
    error = difference.std(axis=0) / len(difference) ** 0.5
    assert (abs(difference.mean(axis=0)) < 3 * error).all()
    assert (error > 0).all()


def test_dreg_has_less_variance_than_the_plain_gradient():
    plain = head_gradients(8, "plain", 10_000).var(axis=0)
    dreg = head_gradients(8, "dreg", 10_000).var(axis=0)
    assert dreg.sum() < 0.7 * plain.sum()


@pytest.mark.parametrize("batch_size", [6, 4])
def test_sample_weight(batch_size):
    model = model_of(2)
    weights = np.linspace(0, 2, 6, dtype="float32")
    logs = evaluated(
        model, X, X, sample_weight=np.zeros(6), batch_size=batch_size
    )
    assert logs["loss"] == logs["kl_loss"] == logs["reconstruction_loss"] == 0
    noise = next_noise(model)
    logs = evaluated(model, X, X, sample_weight=weights)
    bound = oracles.importance_weighted_bound(
        oracles.importance_weights_of(weights_of(model), X, noise)
    )
    assert logs["loss"] == pytest.approx(-(weights * bound).mean(), rel=1e-5)


def test_exact_means_with_a_partial_batch():
    model = model_of(2)
    head = model.encoder.get_layer("z_log_var")
    kernel, bias = head.get_weights()
    head.set_weights([0 * kernel, 0 * bias - 60])  # the noise vanishes
    whole = evaluated(model, X)["reconstruction_loss"]
    parted = evaluated(model, X, batch_size=4)["reconstruction_loss"]
    assert parted == pytest.approx(whole, rel=1e-6)


def test_more_samples_give_a_higher_bound():
    x = np.repeat(X, 500, axis=0)
    losses = []
    for num_samples in (1, 5, 50):
        losses.append(evaluated(model_of(num_samples), x)["loss"])
    assert losses == sorted(losses, reverse=True)


def test_regularizers_are_added_once():
    encoder, decoder = parts()
    decoder.get_layer("pixels").kernel_regularizer = keras.regularizers.L2(1.0)
    decoder.get_layer("pixels").kernel.regularizer = keras.regularizers.L2(1.0)
    model = ImportanceWeightedAutoencoder(
        encoder, decoder, num_samples=1, gradient="dreg", seed=0
    )
    model.compile("adam", loss=BernoulliReconstruction(), jit_compile=False)
    logs = evaluated(model, X)
    penalty = (model.decoder.get_layer("pixels").get_weights()[0] ** 2).sum()
    rest = logs["loss"] - logs["reconstruction_loss"] - logs["kl_loss"]
    assert rest == pytest.approx(penalty, rel=1e-4)


@pytest.mark.parametrize("gradient", ["plain", "stl", "dreg"])
def test_reload_keeps_samples_gradient_and_noise(gradient, tmp_path):
    model = model_of(4, gradient=gradient, kl_weight=0.5, name="mine")
    model.fit(X, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is ImportanceWeightedAutoencoder
    assert (again.num_samples, again.gradient) == (4, gradient)
    assert evaluated(again, X) == pytest.approx(evaluated(model, X), rel=1e-5)
    np.testing.assert_array_equal(
        again.generate(2, seed=1), model.generate(2, seed=1)
    )
    assert again.reconstruct(X).shape == X.shape
    assert again.predict(X, verbose=0).shape == X.shape


def test_warm_up_moves_the_weight():
    model = model_of(2)
    model.fit(X, epochs=2, callbacks=[KLWarmUp(4)], verbose=0)
    assert float(model.latent.beta) == 0.25


def test_prior_of_each_class():
    model = model_of(2, latent=GaussianLatent(prior=ClassMeans(3), seed=0))
    labels = np.eye(3, dtype="float32")[np.arange(6) % 3]
    before = model.latent.prior.get_weights()[0]
    model.fit([X, labels], verbose=0)
    assert not np.array_equal(before, model.latent.prior.get_weights()[0])


def test_gaussian_reconstruction():
    keras.utils.set_random_seed(0)
    model = ImportanceWeightedAutoencoder(*parts("linear"), num_samples=3)
    model.compile("adam", loss=GaussianReconstruction(), jit_compile=False)
    assert np.isfinite(model.fit(X, verbose=0).history["loss"][0])


@pytest.mark.parametrize("policy", SIXTEEN_BIT_POLICIES)
def test_mixed_precision(policy):
    with dtype_policy(policy):
        model = model_of(3, gradient="dreg")
        history = model.fit(X, epochs=2, verbose=0).history
    assert np.isfinite(list(history.values())).all()


def test_adapt_makes_the_mean_image():
    model = model_of()
    kernel, bias = model.decoder.get_layer("pixels").get_weights()
    model.decoder.get_layer("pixels").set_weights([0 * kernel, bias])
    model.adapt(X)
    expected = np.clip(X.mean(axis=0), 0.001, 0.999)
    np.testing.assert_allclose(model.generate(1)[0], expected, rtol=1e-5)


def test_adapt_refuses_what_it_cannot_use():
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        model_of().adapt(255 * X)
    model = ImportanceWeightedAutoencoder(*parts("linear"))
    with pytest.raises(ValueError, match="sigmoid and a bias.*'linear'"):
        model.adapt(X)


@pytest.mark.parametrize("num_samples", [0, -2])
def test_too_few_samples(num_samples):
    with pytest.raises(ValueError, match=f"num_samples={num_samples}"):
        model_of(num_samples)


@pytest.mark.parametrize("num_samples", [2.0, None])
def test_samples_are_counted(num_samples):
    with pytest.raises(TypeError, match="`num_samples` must be an integer"):
        model_of(num_samples)


def test_unknown_gradient():
    with pytest.raises(ValueError, match="gradient='sticky'"):
        model_of(gradient="sticky")


def test_data_out_of_range():
    with pytest.raises(ValueError, match="divide 8-bit images by 255"):
        model_of().fit(255 * X, verbose=0)
