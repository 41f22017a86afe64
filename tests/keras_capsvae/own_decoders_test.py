"""Decoders that end in anything, and what the loss makes of them."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import CategoricalReconstruction
from keras_capsvae import GaussianReconstruction
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import VariationalAutoencoder
from tests.helpers import numpy_of
from tests.own_nets import RANDOM
from tests.own_nets import SERIES
from tests.own_nets import X
from tests.own_nets import check_cycle
from tests.own_nets import compiled
from tests.own_nets import decoder
from tests.own_nets import encoder
from tests.own_nets import recurrent_decoder


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


def _decoded(model, x):
    """The reconstruction of the latent means, without a compiled step."""
    return numpy_of(model.decoder(model.encoder(x)[0]))


@pytest.mark.parametrize("name", BERNOULLI)
def test_loss_of_any_decoder_is_that_of_its_probabilities(name):
    z = keras.Input((2,))
    outputs = BERNOULLI[name](z)
    model = compiled(
        VariationalAutoencoder(
            encoder(outputs.shape[1:], log_var=-80.0),
            keras.Model(z, outputs),
        ),
        run_eagerly=True,
    )
    x = RANDOM.random((8, *outputs.shape[1:]), "float32")
    logs = model.evaluate(x, verbose=0, return_dict=True)
    p = np.clip(_decoded(model, x).astype("float64"), 1e-7, 1 - 1e-7)
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
    compiled(model, CategoricalReconstruction(), run_eagerly=True)
    x = RANDOM.integers(4, size=(8, 3))
    logs = model.evaluate(x, verbose=0, return_dict=True)
    chosen = np.take_along_axis(_decoded(model, x), x[..., None], -1)
    expected = -np.log(chosen.astype("float64")).sum((1, 2)).mean()
    np.testing.assert_allclose(logs["reconstruction_loss"], expected, rtol=1e-5)


@pytest.mark.thorough
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


@pytest.mark.thorough
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


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.sparse_categorical_crossentropy,
        keras.losses.SparseCategoricalCrossentropy(),
    ],
)
def test_ids_under_the_sparse_crossentropy_of_keras(loss):
    """The mean over the tokens, of a softmax over four characters."""
    x, z = keras.Input((5,), dtype="int32"), keras.Input((2,))
    h = layers.Flatten()(layers.Embedding(4, 3)(x))
    silent = layers.Dense(
        2, kernel_initializer="zeros", bias_initializer="ones"
    )
    tokens = layers.Reshape((5, 4))(layers.Dense(20)(z))
    model = VariationalAutoencoder(
        keras.Model(x, [layers.Dense(2)(h), -80.0 * silent(h)]),
        keras.Model(z, layers.Softmax()(tokens)),
    )
    with pytest.warns(UserWarning, match="CategoricalReconstruction"):
        model.compile("adam", loss=loss)
    ids = RANDOM.integers(4, size=(8, 5))
    model.fit(ids, verbose=0)
    found = model.evaluate(ids, verbose=0, return_dict=True)
    chances = np.take_along_axis(model.reconstruct(ids), ids[..., None], -1)
    expected = -np.log(chances).mean()
    assert found["reconstruction_loss"] == pytest.approx(expected, rel=1e-3)
    with pytest.raises(ValueError, match=r"\[0, 3\]"):
        model.fit(ids + 1, verbose=0)


FAR = keras.initializers.Constant(100.0)


@pytest.mark.parametrize(
    "ending",
    [
        lambda h, dense: layers.TimeDistributed(dense("sigmoid"))(h),
        lambda h, dense: ops.sigmoid(dense(None)(h)),
        lambda h, dense: keras.activations.sigmoid(dense(None)(h)),
    ],
)
def test_logits_behind_more_endings(ending, tmp_path):
    """Of logits 100 and targets 0, where a sigmoid in float32 is 1."""

    def dense(activation):
        return layers.Dense(
            3, activation, kernel_initializer="zeros", bias_initializer=FAR
        )

    z = keras.Input((2,))
    net = keras.Model(z, ending(layers.RepeatVector(5)(z), dense))
    model = compiled(VariationalAutoencoder(encoder((5, 3)), net))
    model.save(tmp_path / "model.keras")
    for one in (model, keras.saving.load_model(tmp_path / "model.keras")):
        found = one.evaluate(0 * SERIES, verbose=0, return_dict=True)
        assert found["reconstruction_loss"] == pytest.approx(1500, rel=1e-5)
