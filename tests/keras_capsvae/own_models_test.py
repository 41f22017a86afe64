"""Models in people's hands: subclassed, copied, nested, frozen, reloaded."""

import copy

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from keras_capsvae import CapsuleLayer
from keras_capsvae import CapsuleNetwork
from keras_capsvae import GaussianReconstruction
from keras_capsvae import LabelAccuracy
from keras_capsvae import MarginLoss
from keras_capsvae import VariationalAutoencoder
from tests.helpers import numpy_of
from tests.helpers import tensorflow_only
from tests.own_nets import LABELS
from tests.own_nets import ONE_HOT
from tests.own_nets import RANDOM
from tests.own_nets import SERIES
from tests.own_nets import X
from tests.own_nets import check_cycle
from tests.own_nets import compiled
from tests.own_nets import decoder
from tests.own_nets import encoder
from tests.own_nets import given
from tests.own_nets import own_vae
from tests.own_nets import recurrent_decoder
from tests.scripts import run_script


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
class AnyArguments(VariationalAutoencoder):
    def __init__(self, *parts, **kwargs):
        super().__init__(*parts, **kwargs)


@keras.saving.register_keras_serializable("own_nets")
class ListOfLayers(VariationalAutoencoder):
    def __init__(self, size, hidden):
        tell = [keras.Input((2,)), *hidden, layers.Dense(size, "sigmoid")]
        super().__init__(encoder((size,)), keras.Sequential(tell))


@keras.saving.register_keras_serializable("own_nets")
class OwnCapsules(CapsuleNetwork):
    def __init__(self, size, classes):
        x = keras.Input((size,))
        capsules = CapsuleLayer(classes, 4)(layers.Reshape((-1, 2))(x))
        tell = [keras.Input((classes * 4,)), layers.Dense(size)]
        super().__init__(keras.Model(x, capsules), keras.Sequential(tell))
        self.beta = "mine"


@pytest.mark.thorough
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


@pytest.mark.thorough
def test_subclasses_with_arguments_of_any_form(tmp_path):
    for model in (
        AnyArguments(encoder(), decoder(), kl_weight=0.5, name="any"),
        AnyArguments(encoder(), decoder=decoder()),
        ListOfLayers(6, [layers.Dense(4), layers.Dense(3, "relu")]),
    ):
        compiled(model).save(tmp_path / "model.keras")
        again = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(
            numpy_of(again.decoder(X[:, :2])), numpy_of(model.decoder(X[:, :2]))
        )
        assert again.latent.initial_beta == model.latent.initial_beta
        assert np.isfinite(again.train_on_batch(X)).all()


def test_copies():
    model = own_vae(seed=3)
    expected = model.reconstruct(X)
    again = VariationalAutoencoder.from_config(model.get_config())
    again.set_weights(model.get_weights())
    for one in (copy.deepcopy(model), again):
        np.testing.assert_allclose(one.reconstruct(X), expected, rtol=1e-6)
    assert numpy_of(keras.models.clone_model(model)(X)).shape == (8, 6)


@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_a_model_that_draws_noise_is_exported_in_parts(format, tmp_path):
    with pytest.raises(ValueError, match=r"in parts: `model\.encoder"):
        own_vae().export(tmp_path / "model", format=format)


@pytest.mark.slow
def test_capsules_on_a_mobile_net(tmp_path):
    net = keras.applications.MobileNetV2(
        (32, 32, 3), alpha=0.35, include_top=False, weights=None
    )
    features = layers.Reshape((-1, 16))(net.output)
    model = CapsuleNetwork(keras.Model(net.input, CapsuleLayer(3, 4)(features)))
    model.compile("adam", loss=MarginLoss(), metrics=[LabelAccuracy()])
    x = RANDOM.uniform(-1, 1, (8, 32, 32, 3)).astype("float32")
    model.fit(x, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-5
    )


@pytest.mark.thorough
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


@pytest.mark.thorough
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


@pytest.mark.thorough
def test_reload_in_a_fresh_process(tmp_path):
    series = VariationalAutoencoder(encoder((5, 3)), recurrent_decoder())
    compiled(series, GaussianReconstruction())
    (seen,), (told,) = given("label"), given("label")
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


@pytest.mark.parametrize("name", ["model.h5", "model.hdf5"])
def test_hdf5_would_lose_what_a_model_knows(name, tmp_path):
    with pytest.raises(ValueError, match=r"saved as \.keras"):
        own_vae().save(tmp_path / name)
    assert not list(tmp_path.iterdir())
    own_vae().save_weights(tmp_path / "model.weights.h5")


def test_all_random_numbers_follow_the_seed_of_keras():
    model = own_vae()
    keras.utils.set_random_seed(3)
    first, second = model.generate(2), model.generate(2)
    keras.utils.set_random_seed(3)
    np.testing.assert_array_equal(first, model.generate(2))
    assert not np.allclose(first, second)


@pytest.mark.parametrize(
    ("seed", "error"), [(-1, ValueError), (3.0, TypeError), ("1", TypeError)]
)
def test_bad_seeds(seed, error):
    with pytest.raises(error, match="`seed` must be"):
        own_vae().generate(1, seed=seed)


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (np.zeros((3, 5)), r"\(batch, 2\).*\(3, 5\)"),
        ([0.0, 0.0], r"\(batch, 2\).*\(2,\)"),
        (np.zeros((0, 2)), "must not be empty"),
        ([[0.0, np.nan]], "must be finite"),
    ],
)
def test_bad_latents_leave_the_model_in_order(z, message):
    model = own_vae()
    with pytest.raises(ValueError, match=message):
        model.decode(z)
    assert model.decode(np.zeros((3, 2))).shape == (3, 6)


def series_vae():
    """Of series of any length, in latents of a quarter of it."""
    x, z = keras.Input((None, 3)), keras.Input((None, 2))
    heads = [layers.Conv1D(2, 4, 4)(x), layers.Conv1D(2, 4, 4)(x)]
    model = VariationalAutoencoder(
        keras.Model(x, heads),
        keras.Model(z, layers.Conv1DTranspose(3, 4, 4)(z)),
    )
    return compiled(model, GaussianReconstruction())


def test_latents_of_any_size_are_drawn_by_oneself():
    model = series_vae()
    model.fit(RANDOM.normal(size=(4, 20, 3)), verbose=0)
    with pytest.raises(ValueError, match=r"must know how large.*decode\(z\)"):
        model.generate(2)
    assert model.decode(np.zeros((2, 5, 2))).shape == (2, 20, 3)


@tensorflow_only
def test_latents_of_any_size_are_served(tmp_path):
    import tensorflow as tf

    model = series_vae()
    model.export(tmp_path)
    served = tf.saved_model.load(tmp_path)
    assert set(served.signatures) >= {"serve", "encode", "decode"}
    assert "generate" not in served.signatures
    assert served.decode(tf.zeros((2, 5, 2))).shape == (2, 20, 3)
