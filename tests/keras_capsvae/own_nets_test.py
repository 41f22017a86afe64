"""Nets as people bring them: trained, saved, reloaded, and what they score."""

import copy

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import CapsuleLayer
from keras_capsvae import CapsuleNetwork
from keras_capsvae import CategoricalReconstruction
from keras_capsvae import ClassMeans
from keras_capsvae import GaussianLatent
from keras_capsvae import GaussianReconstruction
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import LabelAccuracy
from keras_capsvae import MarginLoss
from keras_capsvae import VariationalAutoencoder
from tests.helpers import numpy_of
from tests.helpers import tensorflow_only
from tests.scripts import run_script

RANDOM = np.random.default_rng(0)
X = RANDOM.random((8, 6), "float32")
SERIES = RANDOM.normal(size=(8, 5, 3)).astype("float32")
LABELS = np.arange(8) % 3
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
NUMBERS = RANDOM.normal(size=(8, 2)).astype("float32")


def encoder(shape=(6,), *conditions, log_var=0.0):
    """x (and conditions) → z_mean, and a z_log_var that starts constant."""
    x = keras.Input(shape)
    seen = layers.Concatenate()([layers.Flatten()(x), *conditions])
    constant = keras.initializers.Constant(log_var)
    heads = [
        layers.Dense(2)(seen if conditions else layers.Flatten()(x)),
        layers.Dense(2, kernel_initializer="zeros", bias_initializer=constant)(
            seen if conditions else layers.Flatten()(x)
        ),
    ]
    return keras.Model([x, *conditions] if conditions else x, heads)


def decoder(*conditions, activation="sigmoid"):
    z = keras.Input((2,))
    seen = layers.Concatenate()([z, *conditions]) if conditions else z
    x = layers.Dense(6, activation=activation)(seen)
    return keras.Model([z, *conditions] if conditions else z, x)


def compiled(model, loss=None, **arguments):
    model.compile("adam", loss=loss or BernoulliReconstruction(), **arguments)
    return model


def own_vae(**arguments):
    return compiled(VariationalAutoencoder(encoder(), decoder(), **arguments))


def check_cycle(model, x, path):
    """Train, save, reload: the same reconstructions, and it trains on."""
    history = model.fit(x, batch_size=8, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    model.save(path / "model.keras")
    again = keras.models.load_model(path / "model.keras")
    assert type(again) is type(model)
    np.testing.assert_allclose(
        again.reconstruct(x), model.reconstruct(x), rtol=1e-5, atol=1e-6
    )
    history = again.fit(x, batch_size=8, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    return again


@keras.saving.register_keras_serializable("own_nets")
class Halved(keras.Model):
    """A functional model with a `call` of its own."""

    def call(self, inputs, training=None, mask=None):
        return 0.5 * super().call(inputs, training=training)


def _dense(z, units=6, activation="sigmoid"):
    return layers.Dense(units, activation=activation)(z)


BERNOULLI = {
    "activation_layer": lambda z: layers.Activation("sigmoid")(
        layers.BatchNormalization()(_dense(z, activation=None))
    ),
    "activity_regulariser": lambda z: layers.Dense(
        6, activation="sigmoid", activity_regularizer="l2"
    )(z),
    "crop": lambda z: layers.Cropping1D(1)(
        layers.Reshape((4, 3))(_dense(z, 12))
    ),
    "hard_sigmoid": lambda z: _dense(z, activation="hard_sigmoid"),
    "nested": lambda z: layers.Reshape((2, 3))(
        keras.Sequential([keras.Input((2,)), layers.Dense(6), decoder_of(6)])(z)
    ),
    "operation": lambda z: ops.sigmoid(_dense(z, activation=None)),
    "padding": lambda z: layers.ZeroPadding1D(1)(
        layers.Reshape((3, 2))(_dense(z))
    ),
    "permute": lambda z: layers.Permute((2, 1))(
        layers.Reshape((2, 3))(_dense(z))
    ),
    "recurrent": lambda z: layers.LSTM(
        3, activation="sigmoid", return_sequences=True
    )(layers.RepeatVector(4)(z)),
    "scaled": lambda z: 0.5 * _dense(z),
    "time_distributed": lambda z: layers.TimeDistributed(
        layers.Dense(3, activation="sigmoid")
    )(layers.RepeatVector(4)(z)),
}


def decoder_of(width):
    return keras.Sequential(
        [keras.Input((width,)), layers.Dense(6, activation="sigmoid")]
    )


@pytest.mark.parametrize("name", BERNOULLI)
def test_loss_of_any_decoder_is_that_of_its_probabilities(name):
    z = keras.Input((2,))
    outputs = BERNOULLI[name](z)
    model = compiled(
        VariationalAutoencoder(
            encoder(outputs.shape[1:], log_var=-80.0),
            keras.Model(z, outputs),
        )
    )
    x = RANDOM.random((8, *outputs.shape[1:]), "float32")
    logs = model.evaluate(x, verbose=0, return_dict=True)
    p = np.clip(model.reconstruct(x).astype("float64"), 1e-7, 1 - 1e-7)
    error = -(x * np.log(p) + (1 - x) * np.log1p(-p))
    expected = error.reshape(8, -1).sum(1).mean()
    np.testing.assert_allclose(logs["reconstruction_loss"], expected, rtol=1e-5)
    before = model.decoder.get_weights()
    history = model.fit(x, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    pairs = zip(before, model.decoder.get_weights(), strict=True)
    assert not all(np.array_equal(a, b) for a, b in pairs)


CATEGORICAL = {
    "softmax_layer": lambda z: layers.Softmax()(
        layers.Reshape((3, 4))(_dense(z, 12, None))
    ),
    "softmax_of_another_axis": lambda z: layers.Permute((2, 1))(
        layers.Softmax(axis=1)(layers.Reshape((4, 3))(_dense(z, 12, None)))
    ),
}


@pytest.mark.parametrize("name", CATEGORICAL)
def test_loss_of_any_softmax(name):
    z = keras.Input((2,))
    model = VariationalAutoencoder(
        encoder((3,), log_var=-80.0), keras.Model(z, CATEGORICAL[name](z))
    )
    compiled(model, CategoricalReconstruction())
    x = RANDOM.integers(4, size=(8, 3))
    logs = model.evaluate(x, verbose=0, return_dict=True)
    chosen = np.take_along_axis(model.reconstruct(x), x[..., None], -1)
    expected = -np.log(chosen.astype("float64")).sum((1, 2)).mean()
    np.testing.assert_allclose(logs["reconstruction_loss"], expected, rtol=1e-5)


def recurrent_decoder():
    z = keras.Input((2,))
    h = layers.RepeatVector(5)(z)
    return keras.Model(z, layers.LSTM(3, return_sequences=True)(h))


def test_recurrent_decoder_of_scaled_series(tmp_path):
    model = VariationalAutoencoder(encoder((5, 3)), recurrent_decoder())
    compiled(model, GaussianReconstruction())
    check_cycle(model, SERIES, tmp_path)
    assert model.generate(3, seed=0).shape == (3, 5, 3)
    assert model.score_samples(SERIES, 3).shape == (8,)


def test_functional_subclasses_as_parts(tmp_path):
    z = keras.Input((2,))
    half = Halved(z, layers.Dense(6, activation="sigmoid")(z))
    model = compiled(VariationalAutoencoder(encoder(log_var=-80.0), half))
    assert model.reconstruct(X).max() < 0.5
    p = model.reconstruct(X).astype("float64")
    expected = -(X * np.log(p) + (1 - X) * np.log1p(-p)).sum(1).mean()
    logs = model.evaluate(X, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["reconstruction_loss"], expected, rtol=1e-5)
    check_cycle(model, X, tmp_path)


def test_linear_decoder_under_a_loss_from_logits(tmp_path):
    model = VariationalAutoencoder(encoder(), decoder(activation=None))
    compiled(model, BernoulliReconstruction(from_logits=True))
    check_cycle(model, X, tmp_path)


def test_a_loss_function_that_gives_one_number():
    def mean_of_sums(x, y):
        return ops.mean(ops.sum(ops.square(x - y), -1))

    model = compiled(VariationalAutoencoder(encoder(), decoder()), mean_of_sums)
    logs = model.evaluate(X, verbose=0, return_dict=True)
    total = logs["reconstruction_loss"] + logs["kl_loss"]
    np.testing.assert_allclose(logs["loss"], total, rtol=1e-5)
    model.fit(X, verbose=0)
    model = ImportanceWeightedAutoencoder(encoder(), decoder(), num_samples=2)
    compiled(model, mean_of_sums)
    with pytest.raises(ValueError, match="for each example"):
        model.fit(X, verbose=0)


# A decoder of mean and log-variance


@pytest.fixture(scope="module")
def two_outputs():
    z = keras.Input((2,))
    outputs = [layers.Dense(6)(z), layers.Dense(6)(z)]
    model = VariationalAutoencoder(
        encoder(log_var=-80.0), keras.Model(z, outputs)
    )
    return compiled(model, GaussianReconstruction(), metrics=["mae"])


def test_decoded_variance_against_numpy(two_outputs):
    model = two_outputs
    mean, log_var = model.decode(model.encode(X))
    mean, log_var = mean.astype("float64"), log_var.astype("float64")
    error = 0.5 * (X - mean) ** 2 * np.exp(-log_var) + 0.5 * log_var
    expected = error.sum(1) + 3 * np.log(2 * np.pi)
    logs = model.evaluate(X, verbose=0, return_dict=True)
    np.testing.assert_allclose(
        logs["reconstruction_loss"], expected.mean(), rtol=1e-5
    )
    np.testing.assert_allclose(logs["mae"], np.abs(X - mean).mean(), rtol=1e-5)
    loss = GaussianReconstruction()(X, [mean, log_var])
    np.testing.assert_allclose(numpy_of(loss), expected.mean(), rtol=1e-5)


def test_methods_give_the_mean_of_two_outputs(two_outputs, tmp_path):
    model = two_outputs
    mean, _ = model.decode(model.encode(X))
    np.testing.assert_array_equal(model.reconstruct(X), mean)
    assert model.generate(3, seed=0).shape == (3, 6)
    assert model.interpolate(X[0], X[1], 4).shape == (4, 6)
    check_cycle(model, X, tmp_path)


def test_importance_weighted_with_two_outputs(two_outputs):
    model = ImportanceWeightedAutoencoder(
        encoder(), two_outputs.decoder, num_samples=3
    )
    history = compiled(model, GaussianReconstruction()).fit(X, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize("loss", [BernoulliReconstruction(), "mse"])
def test_a_loss_of_one_output_refuses_two(two_outputs, loss):
    model = VariationalAutoencoder(encoder(), two_outputs.decoder)
    with pytest.raises(ValueError, match="`decoder` must have 1 output"):
        model.compile("adam", loss=loss)


def test_a_variance_beside_a_decoded_one_is_refused():
    with pytest.raises(ValueError, match="`variance` must be 1"):
        GaussianReconstruction(2.0)(X, [X, X])
    with pytest.raises(ValueError, match="shape"):
        GaussianReconstruction()(X, [X, X[:, :1]])


# Conditions


def _given(*names):
    shapes = {"label": 3, "numbers": 2, "c": 3}
    return [keras.Input((shapes[name],), name=name) for name in names]


@pytest.mark.parametrize("names", [("label", "label"), ("label", "c")])
def test_a_label_in_encoder_and_decoder(names, tmp_path):
    """Matched by name, or by position where the names differ."""
    seen, told = _given(names[0]), _given(names[1])
    model = VariationalAutoencoder(encoder((6,), *seen), decoder(*told))
    compiled(model)
    assert len(model.inputs) == 2
    check_cycle(model, [X, ONE_HOT], tmp_path)
    twos = model.generate(3, label=2, seed=0)
    np.testing.assert_array_equal(
        twos, model.generate(3, condition=ONE_HOT[2], seed=0)
    )
    assert not np.allclose(twos, model.generate(3, label=0, seed=0))
    with pytest.raises(ValueError, match="condition"):
        model.generate(3)
    with pytest.raises(ValueError, match="condition"):
        model.decode(np.zeros((1, 2)))


def test_several_conditions_are_matched_by_name():
    model = VariationalAutoencoder(
        encoder((6,), *_given("label", "numbers")),
        decoder(*_given("numbers", "label")),
    )
    compiled(model).fit([X, ONE_HOT, NUMBERS], verbose=0)
    assert [tensor.name for tensor in model.inputs[1:]] == ["label", "numbers"]
    received = model.generate(8, condition=[ONE_HOT, NUMBERS], seed=0)
    z = model.draw_latents(8, condition=[ONE_HOT, NUMBERS], seed=0)
    expected = model.decoder.predict([z, NUMBERS, ONE_HOT], verbose=0)
    np.testing.assert_allclose(received, expected, rtol=1e-6)
    one = model.generate(2, condition=[ONE_HOT[0], NUMBERS[0]], seed=0)
    assert one.shape == (2, 6)


def test_a_condition_of_the_encoder_alone_is_not_asked_for():
    model = VariationalAutoencoder(encoder((6,), *_given("c")), decoder())
    compiled(model).fit([X, ONE_HOT], verbose=0)
    assert model.generate(3, seed=0).shape == (3, 6)
    assert model.reconstruct([X, ONE_HOT]).shape == (8, 6)


def test_a_label_that_is_the_prior_s_too():
    latent = GaussianLatent(prior=ClassMeans(3))
    model = VariationalAutoencoder(
        encoder((6,), *_given("label")), decoder(), latent
    )
    compiled(model).fit([X, ONE_HOT], verbose=0)
    assert len(model.inputs) == 2
    assert model.generate(3, label=[0, 1, 2]).shape == (3, 6)


@tensorflow_only
def test_signatures_of_a_conditional_model(tmp_path):
    import tensorflow as tf

    x, z = keras.Input((6,), name="image"), keras.Input((2,), name="z")
    seen, told = _given("label", "label")
    h = layers.Concatenate()([x, seen])
    decoded = layers.Dense(6, "sigmoid")(layers.Concatenate()([z, told]))
    model = VariationalAutoencoder(
        keras.Model([x, seen], [layers.Dense(2)(h), layers.Dense(2)(h)]),
        keras.Model([z, told], decoded),
    )
    model.export(tmp_path)
    served = tf.saved_model.load(tmp_path)
    expected = {
        "serve": ({"image", "label"}, {"reconstruction"}),
        "encode": ({"image", "label"}, {"z_mean", "z_log_var"}),
        "decode": ({"z", "label"}, {"reconstruction"}),
        "generate": ({"n", "label"}, {"reconstruction"}),
    }
    for name, (inputs, outputs) in expected.items():
        signature = served.signatures[name]
        assert set(signature.structured_input_signature[1]) == inputs, name
        assert set(signature.structured_outputs) == outputs, name
    heads = served.signatures["encode"](
        image=tf.constant(X), label=tf.constant(ONE_HOT)
    )
    mean, log_var = model.posterior([X, ONE_HOT])
    np.testing.assert_allclose(heads["z_mean"], mean, atol=1e-5)
    np.testing.assert_allclose(heads["z_log_var"], log_var, atol=1e-5)
    assert served.generate(tf.constant(3), tf.constant(1)).shape == (3, 6)
    with pytest.raises(tf.errors.InvalidArgumentError, match="label"):
        served.generate(tf.constant(3), tf.constant(9))


# Subclasses and other uses of a model


@keras.saving.register_keras_serializable("own_nets")
class OwnConstructor(VariationalAutoencoder):
    def __init__(self, size, latent_dim=2, *, beta=3.0, **kwargs):
        x, z = keras.Input((size,)), keras.Input((latent_dim,))
        heads = [layers.Dense(latent_dim)(x), layers.Dense(latent_dim)(x)]
        tell = layers.Dense(size, activation="sigmoid")
        super().__init__(
            keras.Model(x, heads), keras.Model(z, tell(z)), **kwargs
        )
        self.beta = beta


@keras.saving.register_keras_serializable("own_nets")
class OwnConfig(VariationalAutoencoder):
    def __init__(self, encoder, decoder, extra=1, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.extra = extra

    def get_config(self):
        return {**super().get_config(), "extra": self.extra}


@keras.saving.register_keras_serializable("own_nets")
class OwnCapsules(CapsuleNetwork):
    def __init__(self, size, classes):
        x = keras.Input((size,))
        capsules = CapsuleLayer(classes, 4)(layers.Reshape((-1, 2))(x))
        tell = [keras.Input((classes * 4,)), layers.Dense(size)]
        super().__init__(keras.Model(x, capsules), keras.Sequential(tell))
        self.beta = "mine"


def test_subclasses_with_a_constructor_of_their_own(tmp_path):
    model = compiled(OwnConstructor(6, beta=5.0, kl_weight=0.5, name="mine"))
    again = check_cycle(model, X, tmp_path)
    assert (again.name, again.beta) == ("mine", 5.0)
    assert numpy_of(again.latent.beta) == 0.5
    model = compiled(OwnConfig(encoder(), decoder=decoder(), extra=4))
    assert check_cycle(model, X, tmp_path).extra == 4
    model = OwnCapsules(6, 3)
    model.compile("adam", loss=MarginLoss())
    model.fit(X, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.beta == "mine"
    np.testing.assert_allclose(
        again.reconstruct(X), model.reconstruct(X), rtol=1e-5, atol=1e-6
    )
    again.fit(X, LABELS, verbose=0)


def test_copies():
    model = own_vae(seed=3)
    expected = model.reconstruct(X)
    again = VariationalAutoencoder.from_config(model.get_config())
    again.set_weights(model.get_weights())
    for one in (copy.deepcopy(model), again):
        np.testing.assert_allclose(one.reconstruct(X), expected, rtol=1e-6)
    assert numpy_of(keras.models.clone_model(model)(X)).shape == (8, 6)


def test_models_in_a_model(tmp_path):
    x = keras.Input((6,))
    joined = layers.Concatenate()([own_vae()(x), own_vae()(x)])
    model = keras.Model(x, layers.Dense(1)(joined))
    model.compile("adam", "mse")
    model.fit(X, X[:, :1], verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    again.fit(X, X[:, :1], verbose=0)
    assert isinstance(again.layers[1], VariationalAutoencoder)


def test_a_loss_of_another_pass_is_refused():
    model = own_vae()
    y_pred = model(X)
    model.compute_loss(X, None, y_pred)
    for again in (y_pred, ops.copy(y_pred)):
        with pytest.raises(RuntimeError, match="`y_pred` must be"):
            model.compute_loss(X, None, again)
    y_pred = model(X)
    with pytest.raises(RuntimeError, match="`y_pred` must be"):
        model.compute_loss(X, None, y_pred + 0)


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_a_frozen_part_stays(part, tmp_path):
    model = own_vae()
    getattr(model, part).trainable = False
    compiled(model)
    before = getattr(model, part).get_weights()
    again = check_cycle(model, X, tmp_path)
    assert not getattr(again, part).trainable
    for one in (model, again):
        after = getattr(one, part).get_weights()
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(a, b)


def test_regularisers_are_counted_as_keras_counts_them():
    x = keras.Input((6,))
    h = layers.Dense(4, kernel_regularizer="l2", activity_regularizer="l1")(x)
    heads = [layers.Dense(2)(h), layers.Dense(2)(h)]
    model = VariationalAutoencoder(keras.Model(x, heads), decoder())
    logs = compiled(model).evaluate(X, verbose=0, return_dict=True)
    plain = keras.Model(x, h)
    plain.compile("sgd", loss=lambda y, y_pred: 0 * ops.sum(y_pred, -1))
    expected = plain.evaluate(X, np.zeros((8, 4)), verbose=0)
    added = logs["loss"] - logs["reconstruction_loss"] - logs["kl_loss"]
    np.testing.assert_allclose(added, expected, rtol=1e-3)


def test_capsules_on_a_frozen_backbone(tmp_path):
    pixels = keras.Input((8, 8, 3))
    h = layers.SeparableConv2D(4, 3, strides=2)(pixels)
    backbone = keras.Model(pixels, layers.BatchNormalization()(h))
    backbone.trainable = False
    image = keras.Input((8, 8, 3))
    features = layers.Reshape((-1, 4))(backbone(image, training=False))
    model = CapsuleNetwork(keras.Model(image, CapsuleLayer(3, 4)(features)))
    model.compile("adam", loss=MarginLoss(), metrics=[LabelAccuracy()])
    x = RANDOM.uniform(-1, 1, (8, 8, 8, 3)).astype("float32")
    before = backbone.get_weights()
    model.fit(x, LABELS, verbose=0)
    for a, b in zip(before, backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6
    )
    again.fit(x, LABELS, verbose=0)


FRESH_PROCESS = """
import sys

import keras
import numpy as np

import keras_capsvae

folder = sys.argv[1]
for name in ("series", "labels"):
    data = np.load(f"{folder}/{name}.npz")
    *x, expected = data.values()
    x = x if len(x) > 1 else x[0]
    model = keras.models.load_model(f"{folder}/{name}.keras", safe_mode=True)
    np.testing.assert_allclose(model.reconstruct(x), expected, atol=1e-6)
    history = model.fit(x, verbose=0).history
    assert np.isfinite(history["loss"]).all()
assert "zoo" not in sys.modules
"""


def test_reload_in_a_fresh_process(tmp_path):
    series = VariationalAutoencoder(encoder((5, 3)), recurrent_decoder())
    compiled(series, GaussianReconstruction())
    (seen,), (told,) = _given("label"), _given("label")
    labels = VariationalAutoencoder(encoder((6,), seen), decoder(told))
    compiled(labels)
    for name, model, x in (
        ("series", series, [SERIES]),
        ("labels", labels, [X, ONE_HOT]),
    ):
        model.fit(x if len(x) > 1 else x[0], verbose=0)
        model.save(tmp_path / f"{name}.keras")
        made = model.reconstruct(x if len(x) > 1 else x[0])
        np.savez(tmp_path / f"{name}.npz", *x, made)
    run_script(FRESH_PROCESS, tmp_path)
