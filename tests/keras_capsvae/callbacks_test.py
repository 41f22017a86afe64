import keras
import numpy as np
import pytest

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import KLWarmUp
from keras_capsvae import VariationalAutoencoder

X = np.random.default_rng(0).random((8, 4), "float32")


class Recorder(keras.callbacks.Callback):
    """The weight that each epoch trained with."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(float(self.model.latent.beta))


@pytest.fixture
def model():
    image = keras.Input((4,))
    heads = [keras.layers.Dense(2)(image), keras.layers.Dense(2)(image)]
    encoder = keras.Model(image, heads)
    decoder = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(4, "sigmoid")]
    )
    model = VariationalAutoencoder(encoder, decoder, seed=0)
    model.compile("adam", loss=BernoulliReconstruction(), jit_compile=False)
    return model


def weights_of_epochs(model, warm_up, **arguments):
    recorder = Recorder()
    history = model.fit(
        X, batch_size=8, verbose=0, callbacks=[warm_up, recorder], **arguments
    ).history
    return recorder.weights, history


def test_weights_rise_linearly_and_stay(model):
    weights, _ = weights_of_epochs(model, KLWarmUp(4), epochs=6)
    np.testing.assert_allclose(weights, [0, 0.25, 0.5, 0.75, 1, 1])


def test_start_and_end(model):
    warm_up = KLWarmUp(2, start=0.5, end=0.1)
    weights, _ = weights_of_epochs(model, warm_up, epochs=4)
    np.testing.assert_allclose(weights, [0.5, 0.3, 0.1, 0.1], rtol=1e-6)


def test_the_loss_follows_the_weight(model):
    weights, history = weights_of_epochs(model, KLWarmUp(2), epochs=3)
    reconstruction = np.array(history["reconstruction_loss"])
    divergence = np.array(history["kl_loss"])
    assert (divergence > 0).all()
    np.testing.assert_allclose(
        history["loss"], reconstruction + weights * divergence, rtol=1e-5
    )


def test_resumed(model, tmp_path):
    first, _ = weights_of_epochs(model, KLWarmUp(4), epochs=2)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    second, _ = weights_of_epochs(
        reloaded, KLWarmUp(4), initial_epoch=2, epochs=6
    )
    np.testing.assert_allclose(first + second, [0, 0.25, 0.5, 0.75, 1, 1])


def test_reaches_the_layer_inside_another_model(model):
    image = keras.Input((4,))
    outer = keras.Model(image, keras.layers.Dense(1)(model(image)))
    outer.compile("adam", "mean_squared_error", jit_compile=False)
    outer.fit(X, X[:, :1], verbose=0, callbacks=[KLWarmUp(2, start=0.375)])
    assert float(model.latent.beta) == 0.375


def test_a_model_without_kl_loss():
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(4)], name="plain"
    )
    model.compile("sgd", "mean_squared_error")
    before = model.get_weights()
    with pytest.raises(ValueError, match="KLLoss.*'plain'"):
        model.fit(X, X, verbose=0, callbacks=[KLWarmUp(2)])
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "arguments", [{"epochs": 0}, {"start": -0.1}, {"end": -1.0}]
)
def test_wrong_arguments(arguments):
    ((name, value),) = arguments.items()
    with pytest.raises(ValueError, match=f"{name}={value}"):
        KLWarmUp(**{"epochs": 2, **arguments})


def test_ends_at_the_weight_that_the_layer_was_made_with():
    import zoo

    model = zoo.dense_vae(4, intermediate_dim=3, kl_weight=0.5)
    x = np.ones((4, 4), "float32")
    model.fit(x, epochs=3, callbacks=[KLWarmUp(2)], verbose=0)
    assert float(model.latent.beta) == 0.5
