"""Small nets as people bring them, for several tests."""

import keras
import numpy as np
from keras import layers

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import VariationalAutoencoder

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


def recurrent_decoder():
    z = keras.Input((2,))
    h = layers.RepeatVector(5)(z)
    return keras.Model(z, layers.LSTM(3, return_sequences=True)(h))


def given(*names):
    shapes = {"label": 3, "numbers": 2, "c": 3}
    return [keras.Input((shapes[name],), name=name) for name in names]


def embedded_label_vae(shape):
    """A label that encoder and decoder embed, each by itself."""

    def vector(label):
        return layers.Reshape((3,))(layers.Embedding(4, 3)(label))

    x, z = keras.Input((6,)), keras.Input((2,))
    seen, told = (
        keras.Input(shape, dtype="int32", name="label") for _ in range(2)
    )
    h = layers.Concatenate()([x, vector(seen)])
    decoded = layers.Dense(6, "sigmoid")(
        layers.Concatenate()([z, vector(told)])
    )
    return compiled(
        VariationalAutoencoder(
            keras.Model([x, seen], [layers.Dense(2)(h), layers.Dense(2)(h)]),
            keras.Model([z, told], decoded),
        )
    )
