"""Models of one's own in the tools that ask what kind a model is."""

import warnings

import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import BernoulliReconstruction
from keras_capsvae import CapsuleLayer
from keras_capsvae import CapsuleNetwork
from keras_capsvae import GaussianReconstruction
from keras_capsvae import MarginLoss
from keras_capsvae import VariationalAutoencoder
from zoo import evaluation
from zoo.datasets import feeds
from zoo.export import exported_parts
from zoo.plots import gallery

DIM, CLASSES = 16, 3
IMAGES = np.random.default_rng(0).random((8, DIM), "float32")
LABELS = np.arange(8) % CLASSES


class Mine(VariationalAutoencoder):
    """A subclass with a constructor and a name of its own."""

    def __init__(self, condition_shape, activation="sigmoid", **options):
        dense = keras.layers.Dense
        x = keras.Input((DIM,), name="x")
        z = keras.Input((2,), name="z")
        condition = keras.Input(condition_shape, name="condition")
        joined = keras.layers.Concatenate()([z, condition])
        super().__init__(
            keras.Model(x, [dense(2)(x), dense(2)(x)]),
            keras.Model([z, condition], dense(DIM, activation)(joined)),
            **options,
        )


def mine(*arguments, loss, **options):
    model = Mine(*arguments, **options, seed=0)
    model.compile("adam", loss, jit_compile=False)
    return model


def names(paths):
    return sorted(path.stem for path in paths)


@pytest.fixture(scope="module")
def of_classes():
    return mine((CLASSES,), loss=BernoulliReconstruction(), name="mine")


def test_a_label_of_the_decoder_alone_is_fed_and_judged(of_classes):
    assert feeds.takes_labels(of_classes)
    figures = evaluation.evaluate(
        of_classes, IMAGES, LABELS, verbose=0, num_samples=4
    )
    total = figures["reconstruction_loss"] + figures["kl_loss"]
    assert figures["loss"] == pytest.approx(total, rel=1e-5)
    assert {"log_likelihood", "mutual_information", "active_units"} <= {
        *figures
    }
    assert list(exported_parts(of_classes)) == ["encoder", "decoder"]


def test_a_label_of_the_decoder_alone_is_drawn(of_classes, tmp_path):
    paths = gallery.draw(of_classes, tmp_path, IMAGES, LABELS)
    assert names(paths) == [
        "class_samples",
        "latent",
        "reconstructions",
        "styles",
    ]


def test_clusters_are_drawn(tmp_path):
    model = zoo.cluster_vae((4, 4, 1), 3, 2, seed=0)
    images = IMAGES.reshape(-1, 4, 4, 1)
    paths = gallery.draw(model, tmp_path, images, LABELS)
    assert names(paths) == [
        "clusters",
        "latent",
        "manifold",
        "reconstructions",
        "samples",
    ]


def test_latents_of_more_than_a_plane_are_traversed(tmp_path):
    model = zoo.conv_vae((4, 4, 1), 3, seed=0)
    paths = gallery.draw(model, tmp_path, IMAGES.reshape(-1, 4, 4, 1))
    assert names(paths) == [
        "latent",
        "reconstructions",
        "samples",
        "traversals",
    ]


def test_without_labels_what_needs_them_is_left_out(of_classes, tmp_path):
    with pytest.warns(UserWarning, match="No picture of reconstructions"):
        paths = gallery.draw(of_classes, tmp_path, IMAGES)
    assert names(paths) == ["class_samples", "latent"]


def test_other_conditions_come_with_the_images(tmp_path):
    model = mine((1,), "linear", loss=GaussianReconstruction())
    assert not feeds.takes_labels(model)
    given = [IMAGES, np.ones((8, 1), "float32")]
    figures = evaluation.evaluate(model, given, verbose=0, num_samples=2)
    assert np.isfinite(figures["log_likelihood"])
    with pytest.warns(UserWarning, match="No picture of (samples|manifold)"):
        paths = gallery.draw(model, tmp_path, given)
    assert names(paths) == ["latent", "reconstructions"]


def test_numbers_that_are_no_grey_values_are_not_drawn(tmp_path):
    model = mine((CLASSES,), "linear", loss=GaussianReconstruction())
    with pytest.warns(UserWarning, match=r"reconstructions:.*\[0, 1\]"):
        paths = gallery.draw(model, tmp_path, 9 * IMAGES, LABELS)
    assert "latent" in names(paths)


def test_series_are_shown_as_far_as_they_can(tmp_path):
    x = keras.Input((5, 2))
    h = keras.layers.LSTM(4)(x)
    heads = [keras.layers.Dense(2)(h), keras.layers.Dense(2)(h)]
    z = keras.Input((2,))
    steps = keras.layers.LSTM(4, return_sequences=True)(
        keras.layers.RepeatVector(5)(z)
    )
    model = VariationalAutoencoder(
        keras.Model(x, heads), keras.Model(z, keras.layers.Dense(2)(steps))
    )
    model.compile("adam", GaussianReconstruction(), jit_compile=False)
    series = np.random.default_rng(0).normal(size=(6, 5, 2))
    assert evaluation.evaluate(model, series, verbose=0)["active_units"] <= 2
    with pytest.warns(UserWarning, match=r"reconstructions:.*\[0, 1\]"):
        paths = gallery.draw(model, tmp_path, series)
    assert names(paths) == ["latent", "manifold", "samples"]


def test_capsules_on_features_show_what_they_can(tmp_path):
    image = keras.Input((6, 6, 1))
    parts = keras.layers.Reshape((6, 6))(
        keras.layers.Dense(6)(keras.layers.Reshape((6, 6))(image))
    )
    model = CapsuleNetwork(keras.Model(image, CapsuleLayer(3, 4)(parts)))
    model.compile("adam", MarginLoss(), jit_compile=False)
    images = np.random.default_rng(0).random((4, 6, 6, 1))
    with pytest.warns(UserWarning, match="No picture of couplings: .* must"):
        paths = gallery.draw(model, tmp_path, images, np.arange(4) % 3)
    assert names(paths) == ["predictions"]


def test_models_of_other_classes_are_left_alone(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gallery.draw(model, tmp_path, np.ones((2, 3))) == []
    assert feeds.training_pair(model, "x", "y") == ("x", None)
    assert list(exported_parts(model)) == ["model"]


def test_codes_without_a_prior_say_what_their_pictures_need(tmp_path):
    model = zoo.vq_vae((8, 8, 1), 4, filters=4, compile=False)
    with pytest.raises(ValueError, match="must be fitted after the training"):
        gallery.main_picture(model)
    with pytest.raises(ValueError, match="model.fit_prior"):
        gallery.draw(model, tmp_path / "none")
    assert not (tmp_path / "none").exists()
