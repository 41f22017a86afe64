import warnings

import keras
import numpy as np
import pytest

from keras_capsvae import CapsuleLayer
from keras_capsvae import CapsuleNetwork
from keras_capsvae import Classifier
from keras_capsvae import LabelAccuracy
from keras_capsvae import MarginLoss
from tests import capsule_oracles as oracles
from tests.helpers import BACKEND
from tests.helpers import dtype_policy
from tests.helpers import numpy_of
from tests.helpers import tensorflow_only

SHAPE = (6, 5, 1)
CLASSES, DIMS = 4, 3


def encoder(input_shape=SHAPE):
    image = keras.Input(input_shape, name="image")
    x = keras.layers.Conv2D(8, 3, activation="relu", name="conv")(image)
    x = keras.layers.Reshape((-1, 8))(x)
    return keras.Model(image, CapsuleLayer(CLASSES, DIMS, name="capsules")(x))


def decoder(shape=SHAPE):
    return keras.Sequential(
        [
            keras.Input((CLASSES * DIMS,)),
            keras.layers.Dense(int(np.prod(shape)), "sigmoid", name="pixels"),
            keras.layers.Reshape(shape),
        ],
        name="decoder",
    )


def network(weight=0.01, with_decoder=True, input_range=None, **compiling):
    parts = [encoder(), decoder()] if with_decoder else [encoder()]
    model = CapsuleNetwork(
        *parts, reconstruction_weight=weight, input_range=input_range
    )
    options = {"optimizer": "sgd", "loss": MarginLoss(), **compiling}
    model.compile(**options, metrics=[LabelAccuracy()], jit_compile=False)
    return model


def data(count=7):
    random = np.random.default_rng(0)
    images = random.random((count, *SHAPE)).astype("float32")
    return images, random.integers(CLASSES, size=count)


def expected_losses(model, images, labels, weights=1.0):
    """Margin loss and squared error of the labelled capsule's image."""
    present = np.eye(CLASSES)[labels]
    capsules = model.capsules(images)
    scores = np.linalg.norm(capsules, axis=-1)
    margin = oracles.margin_loss(present, scores)
    masked = (capsules * present[..., None]).reshape(len(images), -1)
    kernel, bias = model.decoder.get_layer("pixels").get_weights()
    decoded = 1 / (1 + np.exp(-(masked @ kernel + bias)))
    error = ((images.reshape(len(images), -1) - decoded) ** 2).sum(-1)
    return np.mean(weights * margin), np.mean(weights * error)


def test_scores_are_the_lengths_of_the_capsules():
    model = network()
    images, _ = data()
    scores = model.predict(images, verbose=0)
    lengths = np.linalg.norm(model.capsules(images), axis=-1)
    np.testing.assert_allclose(scores, lengths, rtol=1e-5)


@pytest.mark.thorough
def test_other_labels_may_be_looked_at_while_it_trains():
    model = network()
    images, labels = data()
    several = np.eye(CLASSES)[labels]
    several[:, 0] = 1.0
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            metrics = model.evaluate(images, several, verbose=0)
            seen.append(metrics)
            model.reconstruct(images, several)

    history = model.fit(
        images,
        labels,
        batch_size=4,
        epochs=2,
        validation_data=(images, labels),
        callbacks=[Look()],
        verbose=0,
    ).history
    assert len(seen) == 2
    expected = model.evaluate(images, labels, verbose=0, return_dict=True)
    assert history["val_loss"][-1] == pytest.approx(expected["loss"], rel=1e-5)


def test_the_decoder_trains_in_training_mode():
    dropping = keras.Sequential(
        [keras.Input((CLASSES * DIMS,)), keras.layers.Dropout(0.999), decoder()]
    )
    model = CapsuleNetwork(encoder(), dropping, reconstruction_weight=1.0)
    model.compile("sgd", loss=MarginLoss(), jit_compile=False)
    images, labels = data()
    pixels = model.decoder.layers[-1].get_layer("pixels")
    pixels.set_weights([100 * weight for weight in pixels.get_weights()])
    tested = model.evaluate(images, labels, verbose=0)
    trained = model.train_on_batch(images, labels)
    assert abs(np.ravel(trained)[0] - np.ravel(tested)[0]) > 1.0


def test_scores_are_float32_under_a_short_policy():
    with dtype_policy("mixed_bfloat16"):
        model = network()
    images, labels = data()
    assert model.outputs[0].dtype == "float32"
    model.fit(images, labels, verbose=0)


@pytest.mark.parametrize("form", ["integer", "one-hot"])
def test_loss_adds_the_reconstruction_of_the_labelled_capsule(form):
    model = network(weight=0.01)
    images, labels = data()
    given = labels if form == "integer" else np.eye(CLASSES)[labels]
    received = model.evaluate(
        images, given, batch_size=3, verbose=0, return_dict=True
    )
    margin, error = expected_losses(model, images, labels)
    assert received["reconstruction_loss"] == pytest.approx(error, rel=1e-5)
    assert received["loss"] == pytest.approx(margin + 0.01 * error, rel=1e-5)
    scores = model.predict(images, verbose=0)
    right = (scores.argmax(-1) == labels).mean()
    assert received["accuracy"] == pytest.approx(right)


@pytest.mark.thorough
def test_labels_may_change_their_form():
    model = network()
    images, labels = data()
    one_hot = np.eye(CLASSES)[labels]
    losses = [
        model.evaluate(images, given, verbose=0)
        for given in (labels, one_hot, labels[:, None], labels)
    ]
    np.testing.assert_allclose(losses, [losses[0]] * 4, rtol=1e-6)
    for given in (labels, one_hot):
        history = model.fit(images, given, verbose=0).history
        assert np.isfinite(history["loss"]).all()


def test_sample_weights_weigh_both_losses():
    model = network(weight=0.01)
    images, labels = data()
    weights = np.arange(7.0) / 3
    received = model.evaluate(
        images,
        labels,
        sample_weight=weights,
        batch_size=7,
        verbose=0,
        return_dict=True,
    )
    margin, error = expected_losses(model, images, labels, weights)
    assert received["loss"] == pytest.approx(margin + 0.01 * error, rel=1e-5)


def test_training_moves_the_decoder_and_the_capsules():
    model = network()
    before = [np.array(weight) for weight in model.get_weights()]
    images, labels = data()
    history = model.fit(images, labels, epochs=2, batch_size=3, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    for one, other in zip(before, model.get_weights(), strict=True):
        assert not np.array_equal(one, other)


def test_weight_zero_leaves_the_decoder_alone():
    model = network(weight=0.0)
    before = model.decoder.get_weights()
    model.fit(*data(), verbose=0)
    for one, other in zip(before, model.decoder.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_reconstruct_decodes_the_longest_or_the_labelled_capsule():
    model = network()
    images, labels = data()
    capsules = model.capsules(images)
    best = np.linalg.norm(capsules, axis=-1).argmax(-1)
    np.testing.assert_allclose(
        model.reconstruct(images),
        model.reconstruct(images, best),
        rtol=1e-5,
    )
    masked = capsules * np.eye(CLASSES)[labels][..., None]
    expected = model.decoder.predict(masked.reshape(7, -1), verbose=0)
    np.testing.assert_allclose(
        model.reconstruct(images, labels), expected, rtol=1e-5
    )


@pytest.mark.thorough
def test_reload_keeps_decoder_training_and_predictions(tmp_path):
    model = network()
    images, labels = data()
    model.fit(images, labels, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for method in ("reconstruct", "capsules"):
        np.testing.assert_array_equal(
            getattr(again, method)(images), getattr(model, method)(images)
        )
    assert again.evaluate(images, labels, verbose=0) == model.evaluate(
        images, labels, verbose=0
    )
    again.fit(images, labels, verbose=0)
    assert not np.array_equal(
        again.decoder.get_weights()[0], model.decoder.get_weights()[0]
    )


def test_validation_last_batch_of_one_and_predictions_of_one():
    model = network()
    images, labels = data(count=4)
    history = model.fit(
        images,
        labels,
        batch_size=3,
        validation_data=(images, labels),
        verbose=0,
    ).history
    assert np.isfinite(history["val_reconstruction_loss"]).all()
    assert model.predict(images[:1], verbose=0).shape == (1, CLASSES)


@pytest.mark.thorough
@tensorflow_only
def test_saved_model_endpoints(tmp_path):
    import tensorflow as tf

    model = network()
    images, _ = data(3)
    model.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served")
    for count in (1, 3):
        x = images[:count]
        for endpoint, expected in {
            "serve": model.predict(x, verbose=0),
            "capsules": model.capsules(x),
            "reconstruct": model.reconstruct(x),
        }.items():
            received = getattr(served, endpoint)(x)
            np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)


def test_without_a_decoder():
    model = network(with_decoder=False)
    images, labels = data()
    history = model.fit(images, labels, verbose=0).history
    assert "reconstruction_loss" not in history
    assert model.decoder is None
    with pytest.raises(ValueError, match="has no decoder"):
        model.reconstruct(images)


def test_multi_hot_labels():
    model = network()
    images, _ = data()
    labels = np.tile([1, 1, 0, 0], (7, 1))
    received = model.evaluate(images, labels, verbose=0, return_dict=True)
    scores = model.predict(images, verbose=0)
    pairs = np.sort(np.argsort(scores, -1)[:, -2:], -1)
    right = (pairs == [0, 1]).all(-1).mean()
    assert received["accuracy"] == pytest.approx(right)


@pytest.mark.parametrize("form", [int, float, bool])
def test_a_single_class_is_present_or_not(form):
    images, labels = data()
    labels = (labels > 1).astype(form)
    image = keras.Input(SHAPE)
    x = keras.layers.Reshape((-1, 5))(image)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no softmax over one capsule
        model = CapsuleNetwork(keras.Model(image, CapsuleLayer(1, DIMS)(x)))
        model.compile("sgd", loss=MarginLoss(), metrics=[LabelAccuracy()])
        flat, column = (
            model.evaluate(images, given, verbose=0, return_dict=True)
            for given in (labels, labels[:, None])
        )
    scores = model.predict(images, verbose=0)
    present = labels[:, None].astype(float)
    expected = oracles.margin_loss(present, scores).mean()
    assert flat["loss"] == pytest.approx(expected, rel=1e-5)
    right = np.mean((scores > 0.5) == (present > 0.5))
    assert flat["accuracy"] == pytest.approx(right)
    assert flat == pytest.approx(column)
    model.fit(images, labels, class_weight={0: 1.0, 1: 3.0}, verbose=0)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        model.fit(images, labels + 1, verbose=0)


BAD_LABELS = [
    (np.full(7, CLASSES), r"\[0, 3\].*4"),
    (np.full(7, -1), r"\[0, 3\].*-1"),
    (np.full(7, np.nan), "must be finite"),
    (np.full(7, 0.5), "integer classes"),
    (np.zeros((7, 3)), r"\(batch, 4\)"),
    (np.full((7, CLASSES), 2.0), r"\[0, 1\]"),
    (np.zeros(6), "one length"),
    (None, r"fit\(x, y\)"),
]


@pytest.mark.parametrize(("labels", "message"), BAD_LABELS)
@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_bad_labels(method, labels, message):
    model = network()
    before = [np.array(weight) for weight in model.get_weights()]
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(data()[0], labels, verbose=0)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


BAD_IMAGES = [
    (255 * data()[0], r"\[0, 1\].*divide 8-bit images by 255"),
    (np.full((7, *SHAPE), np.nan), "must be finite"),
    (np.zeros((7, 6, 5, 2)), "must have shape"),
    (np.zeros((0, *SHAPE)), "must not be empty"),
]


@pytest.mark.parametrize(("images", "message"), BAD_IMAGES)
def test_bad_images(images, message):
    model = network(input_range=(0, 1))
    with pytest.raises(ValueError, match=message):
        model.fit(images, np.zeros(len(images)), verbose=0)
    with pytest.raises(ValueError, match=message):
        model.capsules(images)


def test_images_of_any_range_unless_one_is_declared():
    model = network()
    images, labels = data()
    history = model.fit(255 * images, labels, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.capsules(255 * images).shape == (7, CLASSES, DIMS)


def test_images_too_small_for_the_convolutions():
    model = CapsuleNetwork(encoder((None, None, 1)))
    model.compile("sgd", MarginLoss(), jit_compile=False)
    assert model.predict(np.ones((2, 3, 9, 1)), verbose=0).shape == (2, 4)
    with pytest.raises(ValueError, match="too small.*2, 2, 9, 1"):
        model.fit(np.ones((2, 2, 9, 1)), np.zeros(2), verbose=0)


def test_parts_that_do_not_fit():
    with pytest.raises(ValueError, match="class capsules"):
        CapsuleNetwork(decoder())
    with pytest.raises(ValueError, match="shape of the encoder's input"):
        CapsuleNetwork(encoder(), decoder((6, 6, 1)))
    wrong = keras.Sequential([keras.Input((5,)), keras.layers.Dense(30)])
    with pytest.raises(ValueError, match="4 · 3 = 12"):
        CapsuleNetwork(encoder(), wrong)
    with pytest.raises(TypeError, match="functional or a built Sequential"):
        CapsuleNetwork(encoder=lambda x: x)
    with pytest.raises(ValueError, match="reconstruction_weight=-1"):
        CapsuleNetwork(encoder(), decoder(), reconstruction_weight=-1)


def test_classifier_takes_streams():
    images, labels = data()
    image = keras.Input(SHAPE)
    scores = keras.layers.Dense(CLASSES, "sigmoid")(
        keras.layers.Flatten()(image)
    )
    model = Classifier(image, scores)
    model.compile("sgd", MarginLoss(), metrics=[LabelAccuracy()])

    class Stream(keras.utils.PyDataset):
        def __init__(self, labels):
            super().__init__()
            self.labels = labels

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return images[:3], self.labels[:3]

    history = model.fit(Stream(labels), verbose=0).history
    assert np.isfinite(history["loss"]).all()
    with pytest.raises(ValueError, match=r"\[0, 3\]"):
        model.fit(Stream(labels + 9), verbose=0)
    assert numpy_of(model(images)).shape == (7, CLASSES)


@pytest.mark.parametrize("form", [list, tuple, dict])
def test_labelled_reconstructions_of_two_inputs(form):
    image, more = (
        keras.Input(SHAPE, name="image"),
        keras.Input((2,), name="more"),
    )
    seen = keras.layers.Reshape((-1, 5))(image)
    told = keras.layers.RepeatVector(6)(more)
    x = keras.layers.Concatenate()([seen, told])
    capsules = CapsuleLayer(CLASSES, DIMS)(x)
    model = CapsuleNetwork(keras.Model([image, more], capsules), decoder())
    images, labels = data()
    arrays = {"image": images, "more": images[:, 0, :2, 0]}
    given = arrays if form is dict else form(arrays.values())
    assert model.reconstruct(given, labels).shape == images.shape


@pytest.mark.skipif(BACKEND == "jax", reason="JAX has float64 behind a switch")
def test_it_trains_in_float64():
    with dtype_policy("float64"):
        model = network()
        images, labels = data()
        history = model.fit(images, labels, verbose=0).history
    assert np.isfinite(list(history.values())).all()
