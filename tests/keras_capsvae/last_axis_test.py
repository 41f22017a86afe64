"""A last axis of size 1 that lacks or is too many, which Keras takes."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.validation.shapes import with_last_axis
from tests.helpers import BACKEND
from tests.helpers import tensorflow_only
from tests.own_nets import compiled

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((6, 20, 20, 1), "float32")
FLAT = IMAGES[..., 0]
LABELS = np.arange(6) % 3
METHODS = {
    "predict": lambda model, x: model.predict(x, verbose=0),
    "fit": lambda model, x: model.fit(x, verbose=0).history["loss"],
    "target": lambda model, x: model.fit(IMAGES, x, verbose=0).history["loss"],
    "evaluate": lambda model, x: model.evaluate(x, verbose=0)[0],
    "encode": lambda model, x: model.encode(x),
    "reconstruct": lambda model, x: model.reconstruct(x),
    "score_samples": lambda model, x: model.score_samples(x),
    "score_values": lambda model, x: model.score_values(x),
    "train_on_batch": lambda model, x: model.train_on_batch(x)[0],
}


def image_vae():
    """Without noise, and with an optimizer that leaves it as it is."""
    image, z = keras.Input((20, 20, 1)), keras.Input((2,))
    x = layers.Flatten()(image)
    silent = layers.Dense(
        2,
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(-80.0),
    )
    encoder = keras.Model(image, [layers.Dense(2)(x), silent(x)])
    decoded = layers.Dense(400, activation="sigmoid")(z)
    decoder = keras.Model(z, layers.Reshape((20, 20, 1))(decoded))
    model = VariationalAutoencoder(encoder, decoder)
    model.compile(keras.optimizers.SGD(0.0), loss="bernoulli")
    return model


@pytest.fixture(scope="module")
def vae():
    return image_vae()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("x", [FLAT, IMAGES[..., None], FLAT.tolist()])
def test_of_a_vae(vae, method, x):
    received = METHODS[method](vae, x)
    expected = METHODS[method](vae, IMAGES)
    assert np.shape(received) == np.shape(expected)
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6)


@tensorflow_only
def test_of_a_dataset(vae):
    import tensorflow as tf

    def dataset(*arrays):
        return tf.data.Dataset.from_tensor_slices(arrays).batch(3)

    expected = vae.evaluate(IMAGES, verbose=0)[0]
    for data in (dataset(FLAT), dataset(FLAT, FLAT), dataset(IMAGES, FLAT)):
        found = vae.evaluate(data, verbose=0)[0]
        assert found == pytest.approx(expected, rel=1e-5)
        vae.fit(data, validation_data=data, verbose=0)
        assert vae.predict(data, verbose=0).shape == IMAGES.shape
    alone = tf.data.Dataset.from_tensor_slices(FLAT).batch(3)
    assert vae.encode(alone).shape == (6, 2)


def test_of_classifiers():
    model = zoo.capsule_cnn(num_classes=3, seed=0)
    np.testing.assert_allclose(
        model.predict(FLAT, verbose=0),
        model.predict(IMAGES, verbose=0),
        rtol=1e-5,
    )
    assert model.capsules(FLAT).shape[:2] == (6, 3)
    model.fit(FLAT, LABELS, validation_data=(FLAT, LABELS), verbose=0)


def datasets_of(rows, angles):
    """Of two inputs, as `tf.data` has them."""
    if BACKEND != "tensorflow":
        return
    import tensorflow as tf

    for x in ((rows, angles), (rows, angles[:, None])):
        yield tf.data.Dataset.from_tensor_slices((x,)).batch(4)
        yield tf.data.Dataset.from_tensor_slices((x, rows)).batch(4)
    named = {"x": rows, "angle": angles}
    yield tf.data.Dataset.from_tensor_slices((named,)).batch(4)
    yield tf.data.Dataset.from_tensor_slices(named).batch(4)


def test_of_conditions():
    """Numbers `(n,)` for an input of one, as `generate` takes them."""
    x, angle = keras.Input((4,), name="x"), keras.Input((1,), name="angle")
    z, told = keras.Input((2,)), keras.Input((1,), name="angle")
    h = layers.Concatenate()([x, angle])
    decoded = layers.Dense(4, "sigmoid")(layers.Concatenate()([z, told]))
    model = VariationalAutoencoder(
        keras.Model([x, angle], [layers.Dense(2)(h), layers.Dense(2)(h)]),
        keras.Model([z, told], decoded),
    )
    compiled(model)
    rows, angles = RANDOM.random((6, 4)), RANDOM.random(6)
    model.fit([rows, angles], verbose=0)
    model.fit({"x": rows, "angle": angles}, verbose=0)
    for data in datasets_of(rows, angles):
        assert np.isfinite(model.evaluate(data, verbose=0)).all()
        model.fit(data, verbose=0)
        assert model.predict(data, verbose=0).shape == (6, 4)
    for method in (model.encode, model.reconstruct, model.score_samples):
        np.testing.assert_allclose(
            method([rows, angles]), method([rows, angles[:, None]]), rtol=1e-5
        )


@pytest.mark.parametrize(
    ("received", "shape", "expected"),
    [
        ((5, 3), (None, 3, 1), (5, 3, 1)),
        ((5, 3, 1), (None, 3), (5, 3)),
        ((5, 3), (None, 3, 2), (5, 3)),
        ((5, 3, 2), (None, 3), (5, 3, 2)),
        ((5, 1), (None, 1), (5, 1)),
        ((5,), (None, 1), (5, 1)),
        ((5, 1), (None,), (5,)),
        ((5,), (None, 3, 1), (5,)),
        ((5, 4), (None, 3, 1), (5, 4)),
        ((5, 4, 1), (None, 3), (5, 4, 1)),
        ((5, 4), (None, None, 1), (5, 4, 1)),
        ((5, 4), (None, None, None), (5, 4)),
    ],
)
def test_shapes(received, shape, expected):
    assert with_last_axis(np.zeros(received), shape).shape == expected


def test_other_axes_are_refused(vae):
    with pytest.raises(ValueError, match=r"\(batch, 20, 20, 1\)"):
        vae.encode(RANDOM.random((6, 20, 20, 3)))


def test_of_latents():
    x, z = keras.Input((4,)), keras.Input((1,))
    heads = [layers.Dense(1)(x), layers.Dense(1)(x)]
    decoder = keras.Model(z, layers.Dense(4, "sigmoid")(z))
    model = compiled(VariationalAutoencoder(keras.Model(x, heads), decoder))
    column = model.decode(np.zeros((3, 1)))
    for latents in (np.zeros(3), np.zeros((3, 1, 1)), [0.0, 0.0, 0.0]):
        np.testing.assert_array_equal(model.decode(latents), column)


def test_of_arrays_on_a_disk(vae, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "images.h5", "w") as file:
        stored = file.create_dataset("x", data=FLAT)
        np.testing.assert_allclose(
            vae.encode(stored), vae.encode(IMAGES), rtol=1e-5
        )


@pytest.mark.parametrize("classes", [1, 3])
def test_labels_may_change_their_axes(classes):
    model = zoo.pooling_cnn(num_classes=classes, seed=0)
    labels = LABELS % max(2, classes)
    column = labels[:, None]
    model.fit(IMAGES, column, validation_split=0.5, verbose=0)
    first = model.evaluate(IMAGES, labels, verbose=0)
    assert first == pytest.approx(model.evaluate(IMAGES, column, verbose=0))
