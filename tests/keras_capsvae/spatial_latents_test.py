"""Latents of several axes, names that clash, inputs by name."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import CapsuleLayer
from keras_capsvae import CapsuleNetwork
from keras_capsvae import ClassMeans
from keras_capsvae import GaussianLatent
from keras_capsvae import GaussianMixture
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import MarginLoss
from keras_capsvae import VariationalAutoencoder
from tests import oracles

X = np.random.default_rng(0).random((6, 8, 8, 1)).astype("float32")


def parts(name=None):
    """8 × 8 images and maps of 4 × 4 latents of 2 dims."""
    x, z = keras.Input((8, 8, 1)), keras.Input((4, 4, 2))
    h = layers.Conv2D(3, 3, strides=2, padding="same", name="latent")(x)
    heads = [layers.Conv2D(2, 1)(h) for _ in range(2)]
    decoded = layers.Conv2DTranspose(
        1, 3, strides=2, padding="same", activation="sigmoid"
    )(z)
    return keras.Model(x, heads, name=name), keras.Model(z, decoded, name=name)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (VariationalAutoencoder, {}),
        (ImportanceWeightedAutoencoder, {"gradient": "dreg"}),
    ],
)
def test_latents_of_several_axes(kind, options):
    model = kind(*parts(), seed=0, **options)
    model.compile(
        keras.optimizers.SGD(0.0),
        loss=BernoulliReconstruction(),
        jit_compile=False,
    )
    logs = model.fit(X, batch_size=4, verbose=0).history
    kl = oracles.gaussian_kl(*model.posterior(X)).sum((1, 2, 3)).mean()
    tolerance = 1e-5 if kind is VariationalAutoencoder else 0.5
    np.testing.assert_allclose(logs["kl_loss"], kl, rtol=tolerance)
    assert model.generate(3, seed=0).shape == (3, 8, 8, 1)
    assert model.interpolate(X[0], X[1], 4).shape == (4, 8, 8, 1)
    assert (model.score_samples(X, 50) < model.score_samples(X, 1)).mean() > 0.5


@pytest.mark.parametrize("prior", [ClassMeans(3), GaussianMixture(3)])
def test_other_priors_take_flat_latents(prior):
    with pytest.raises(ValueError, match=r"\(batch, latent_dim\).*4, 4, 2"):
        VariationalAutoencoder(*parts(), GaussianLatent(prior))


def test_names_of_parts_and_layers_mean_nothing():
    model = VariationalAutoencoder(*parts("net"))
    model.compile("adam", loss=BernoulliReconstruction)  # a class is made
    model.fit(X, verbose=0)
    assert isinstance(model.loss, BernoulliReconstruction)


def test_a_capsule_network_of_two_inputs():
    inputs = [keras.Input((4, 3)), keras.Input((4, 3))]
    added = layers.Add(name="scores")(inputs)
    model = CapsuleNetwork(keras.Model(inputs, CapsuleLayer(2, 5)(added)))
    model.compile("adam", loss=MarginLoss(), jit_compile=False)
    x = np.random.default_rng(0).normal(size=(6, 4, 3))
    model.fit([x, x], np.arange(6) % 2, verbose=0)
    assert model.capsules([x, x]).shape == (6, 2, 5)


def test_the_label_of_a_prior_is_no_other_condition():
    x, attributes = keras.Input((5,)), keras.Input((3,), name="attributes")
    h = layers.Concatenate()([x, attributes])
    encoder = keras.Model([x, attributes], [layers.Dense(2)(h)] * 2)
    z = keras.Input((2,))
    decoder = keras.Model(z, layers.Dense(5, "sigmoid")(z))
    latent = GaussianLatent(ClassMeans(3))
    model = VariationalAutoencoder(encoder, decoder, latent)
    names = [tensor.name for tensor in model.inputs[1:]]
    assert names == ["attributes", "label"]


def test_inputs_by_name():
    x, label = keras.Input((5,), name="image"), keras.Input((3,), name="label")
    h = layers.Concatenate()([x, label])
    encoder = keras.Model([x, label], [layers.Dense(2)(h)] * 2)
    z = keras.Input((2,))
    decoder = keras.Model(z, layers.Dense(5, "sigmoid")(z))
    model = VariationalAutoencoder(encoder, decoder)
    model.compile("adam", loss=BernoulliReconstruction())
    data = {"image": X[:3, 0, :5, 0], "label": np.eye(3, dtype="float32")}
    arrays = list(data.values())
    np.testing.assert_allclose(
        model.score_samples(data), model.score_samples(arrays)
    )
    ends = [{key: part[i] for key, part in data.items()} for i in (0, 1)]
    assert model.interpolate(*ends, 3).shape == (3, 5)


def test_a_prior_that_is_none():
    with pytest.raises(TypeError, match="GaussianMixture"):
        GaussianLatent(prior="normal")
