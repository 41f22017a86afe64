"""Capsules on the features of other nets, and features for other heads."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from keras_capsvae import CapsuleLayer
from keras_capsvae import CapsuleNetwork
from keras_capsvae import Classifier
from keras_capsvae import LabelAccuracy
from keras_capsvae import MarginLoss
from tests.helpers import numpy_of

CLASSES = 4


def parts_of_classes(count, scale):
    """Nine positions, three of which show the pattern of the class."""
    random = np.random.default_rng(0)
    patterns = random.normal(size=(CLASSES, 32))
    labels = random.integers(CLASSES, size=count)
    parts = 0.7 * random.normal(size=(count, 9, 32))
    places = random.permuted(np.tile(np.arange(9), (count, 1)), axis=1)[:, :3]
    for i, (place, label) in enumerate(zip(places, labels)):
        parts[i, place] += patterns[label]
    return scale * np.maximum(parts, 0).astype("float32"), labels


def compiled(model, rate=3e-3):
    model.compile(
        keras.optimizers.Adam(rate),
        loss=MarginLoss(),
        metrics=[LabelAccuracy()],
        jit_compile=False,
    )
    return model


@pytest.mark.parametrize("scale", [0.1, 1000.0])
def test_a_head_learns_normalised_features_of_any_scale(scale):
    parts, labels = parts_of_classes(800, scale)
    keras.utils.set_random_seed(0)
    x = keras.Input((9, 32))
    small = keras.initializers.Constant(0.1)
    h = layers.LayerNormalization(gamma_initializer=small)(x)
    head = CapsuleLayer(CLASSES, 8)(h)
    model = compiled(CapsuleNetwork(keras.Model(x, head)))
    model.fit(parts[:600], labels[:600], epochs=8, batch_size=50, verbose=0)
    figures = model.evaluate(
        parts[600:], labels[600:], verbose=0, return_dict=True
    )
    assert figures["accuracy"] > 0.9


@pytest.fixture(scope="module")
def words_to_capsules():
    ids = keras.Input((None,), dtype="int32")
    h = layers.Embedding(20, 8, mask_zero=True)(ids)
    h = layers.GRU(6, return_sequences=True)(h)
    return compiled(CapsuleNetwork(keras.Model(ids, CapsuleLayer(3, 4)(h))))


def test_padding_has_no_vote(words_to_capsules):
    model = words_to_capsules
    ids = np.random.default_rng(0).integers(1, 20, (6, 5))
    padded = np.pad(ids, ((0, 0), (0, 4)))
    np.testing.assert_allclose(
        model.predict(padded, verbose=0),
        model.predict(ids, verbose=0),
        rtol=1e-5,
        atol=1e-6,
    )
    model.fit(np.pad(padded, ((0, 1), (0, 0))), np.arange(7) % 3, verbose=0)
    for weight in model.get_weights():  # one example was padding alone
        assert np.isfinite(weight).all()


def test_weights_beyond_the_memory_of_any_machine():
    layer = CapsuleLayer(10**6, 16, share_weights=False)
    with pytest.raises(ValueError, match="fewer input capsules"):
        layer.build((None, 10**6, 8))


def test_features_of_a_sequence_keep_their_mask(words_to_capsules):
    model = words_to_capsules
    features = model.features
    ids = np.array([[3, 4, 0], [5, 0, 0]])
    again = CapsuleNetwork(
        keras.Model(features.input, CapsuleLayer(3, 4)(features.output))
    )
    again.layers[-2].set_weights(model.class_layers[0].get_weights())
    np.testing.assert_allclose(
        again.predict(ids, verbose=0), model.predict(ids, verbose=0), rtol=1e-6
    )


NETS = {
    "capsnet": {"input_shape": (17, 17, 1)},
    "capsule_cnn": {"input_shape": (14, 14, 1)},
    "matrix_capsnet": {"input_shape": (17, 17, 1), "capsules": (3, 2, 2, 2)},
    "pooling_cnn": {"input_shape": (14, 14, 1)},
}


@pytest.mark.parametrize("name", NETS)
def test_class_layers_take_the_features(name):
    model = zoo.create_model(name, **NETS[name], num_classes=3, compile=False)
    image = np.random.default_rng(0).random((2, *model.input_shape[1:]), "f")
    head = next(one for one in model.class_layers if one in model.layers)
    scores = head(model.features(image))
    if name == "matrix_capsnet":
        scores = scores[1]
    elif name != "pooling_cnn":
        scores = np.linalg.norm(numpy_of(scores), axis=-1)
    np.testing.assert_allclose(
        numpy_of(scores), model.predict(image, verbose=0), rtol=1e-4, atol=1e-6
    )


def test_features_below_a_nested_head():
    image = keras.Input((6,))
    head = keras.Sequential(
        [keras.Input((4,)), layers.Dense(5, "relu"), layers.Dense(3)]
    )
    below = keras.Sequential([keras.Input((6,)), layers.Dense(4)])
    model = Classifier(image, layers.Softmax()(head(below(image))))
    x = np.random.default_rng(0).random((2, 6), "f")
    np.testing.assert_allclose(
        numpy_of(model.features(x)),
        numpy_of(head.layers[0](below(x))),
        rtol=1e-6,
    )
