"""Weights of a net for other classes, and parts that are not trained."""

import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import Classifier
from tests.zoo.pretrained.weights_test import ship

SMALL = {
    "capsnet": {"input_shape": (17, 17, 1)},
    "capsule_cnn": {"input_shape": (14, 14, 1)},
    "gated_cnn_classifier": {"vocabulary_size": 20, "hidden_dim": 8},
    "matrix_capsnet": {"input_shape": (17, 17, 1), "capsules": (3, 2, 2, 2)},
    "pooling_cnn": {"input_shape": (14, 14, 1)},
}
SUFFIXES = (".weights.h5", ".keras")


def built(name, num_classes, seed, **arguments):
    sizes = {**SMALL[name], "num_classes": num_classes}
    return zoo.create_model(name, **sizes, seed=seed, **arguments)


def saved(model, folder, suffix=".weights.h5"):
    path = folder / f"trained{suffix}"
    (model.save_weights if "weights" in suffix else model.save)(path)
    return path


def is_of_classes(model):
    """Whether each weight of a model belongs to its class layers."""
    own = {id(w) for layer in model.class_layers for w in layer.weights}
    return [id(weight) in own for weight in model.weights]


def check_transferred(model, trained, fresh):
    of_classes = is_of_classes(model)
    assert set(of_classes) == {True, False}
    expected = [
        new if is_new else old
        for is_new, new, old in zip(
            of_classes, fresh.get_weights(), trained.get_weights(), strict=True
        )
    ]
    for one, other in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", SMALL)
def test_all_but_the_class_layer_is_loaded(name, tmp_path):
    trained = built(name, 3, seed=1, compile=False)
    path = saved(trained, tmp_path)
    with pytest.warns(UserWarning, match="other classes than the 5") as told:
        model = built(name, 5, seed=2, weights=path)
    (message,) = (one.message for one in told if one.category is UserWarning)
    names = " and ".join(layer.name for layer in model.class_layers)
    assert f"but those of {names}, which" in str(message)
    check_transferred(model, trained, built(name, 5, seed=2, compile=False))
    again = built(name, 3, seed=2, weights=path, compile=False)
    for one, other in zip(again.get_weights(), trained.get_weights()):
        np.testing.assert_array_equal(one, other)


def test_a_keras_file_of_other_classes(tmp_path):
    trained = built("matrix_capsnet", 3, seed=1)
    path = saved(trained, tmp_path, ".keras")
    with pytest.warns(UserWarning, match="other classes"):
        model = built("matrix_capsnet", 5, seed=2, weights=path)
    fresh = built("matrix_capsnet", 5, seed=2, compile=False)
    check_transferred(model, trained, fresh)


def test_a_tag_of_other_classes(tmp_path, monkeypatch):
    arguments = {"input_shape": [None, None, 1], "num_classes": 3}
    trained = zoo.pooling_cnn(num_classes=3, seed=1, compile=False)
    ship(tmp_path, monkeypatch, "pooling_cnn", trained, arguments)
    fresh = zoo.pooling_cnn(num_classes=4, seed=2, compile=False)
    with pytest.warns(UserWarning, match="but those of scores"):
        model = zoo.pooling_cnn(num_classes=4, seed=2, weights="tiny")
    check_transferred(model, trained, fresh)
    with pytest.raises(ValueError, match=r"input_shape=\[None, None, 1\] inst"):
        zoo.pooling_cnn((28, 28, 3), 4, weights="tiny")


def test_sides_that_the_net_leaves_free_may_be_fixed(tmp_path, monkeypatch):
    arguments = {"input_shape": [None, None, 1], "num_classes": 3}
    trained = zoo.pooling_cnn(num_classes=3, seed=1, compile=False)
    ship(tmp_path, monkeypatch, "pooling_cnn", trained, arguments)
    model = zoo.pooling_cnn((20, 24, 1), weights="tiny", compile=False)
    assert model.input_shape == (None, 20, 24, 1)
    for one, other in zip(model.get_weights(), trained.get_weights()):
        np.testing.assert_array_equal(one, other)


def test_another_architecture_is_no_matter_of_classes(tmp_path):
    path = saved(built("gated_cnn_classifier", 3, seed=1), tmp_path)
    with pytest.raises(ValueError, match="built with other arguments"):
        zoo.gated_cnn_classifier(20, 5, hidden_dim=12, weights=path)


def test_the_class_layer_of_a_nested_head_goes_by_no_name():
    image = keras.Input((6,))
    head = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    below = keras.layers.Dense(4, name="class_layer")(image)
    model = Classifier(image, keras.layers.Softmax()(head(below)))
    assert model.class_layers == [head.layers[-1]]


@pytest.mark.parametrize("name", SMALL)
def test_only_the_class_layer_is_trained(name, tmp_path):
    model = built(name, 3, seed=1, freeze="features")
    path = saved(model, tmp_path, ".keras")
    own = {id(w) for one in model.class_layers for w in one.trainable_weights}
    for weight in model.trainable_weights:
        is_of_decoder = name == "capsnet" and "decoder" in weight.path
        assert is_of_decoder or id(weight) in own
    reloaded = zoo.load_model(path)
    flags = [weight.trainable for weight in model.weights]
    assert [weight.trainable for weight in reloaded.weights] == flags
    assert len(reloaded.optimizer.variables) == len(model.optimizer.variables)


def test_frozen_features_stay_what_they_are(tmp_path):
    model = built("gated_cnn_classifier", 3, seed=1, freeze="features")
    path = saved(model, tmp_path, ".keras")
    x = np.random.default_rng(0).integers(1, 20, (6, 5))
    for one in (model, zoo.load_model(path)):
        before = one.get_weights()
        one.fit(x, np.arange(6) % 3, verbose=0)
        changed = [
            (old != new).any() for old, new in zip(before, one.get_weights())
        ]
        assert changed == is_of_classes(one)


@pytest.mark.parametrize("part", ["encoder", "decoder", "encoder, latent"])
def test_parts_of_a_vae_are_not_trained(part, tmp_path):
    sizes = {"original_dim": 6, "intermediate_dim": 4, "jit_compile": False}
    model = zoo.dense_vae(**sizes, seed=1, freeze=part)
    path = saved(model, tmp_path, ".keras")
    x = np.random.default_rng(0).random((8, 6), "float32")
    name = part.split(",")[0]
    for one in (model, zoo.load_model(path)):
        trained = one.decoder if name == "encoder" else one.encoder
        frozen = one.encoder if name == "encoder" else one.decoder
        before = frozen.get_weights(), trained.get_weights()
        one.fit(x, verbose=0)
        for old, new in zip(before[0], frozen.get_weights()):
            np.testing.assert_array_equal(old, new)
        assert any(
            (old != new).any()
            for old, new in zip(before[1], trained.get_weights())
        )


@pytest.mark.parametrize(
    ("freeze", "error", "message"),
    [
        ("features", ValueError, "'encoder', 'latent', 'decoder'"),
        ("encoder,decoder", ValueError, "must leave something"),
        (True, TypeError, "must be a string"),
    ],
)
def test_what_cannot_be_frozen(freeze, error, message):
    with pytest.raises(error, match=message):
        zoo.dense_vae(6, intermediate_dim=4, freeze=freeze)
