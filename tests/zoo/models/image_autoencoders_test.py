"""Clusters, conditions and priors of the VAEs of images."""

import inspect

import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import ClassMeans
from keras_capsvae import GaussianMixture
from keras_capsvae import VampPrior
from tests.helpers import random_data
from tests.helpers import tensorflow_only
from tests.outputs import as_x
from zoo.evaluation.clustering import empty_clusters
from zoo.registry import builder_of

NAMES = ["cluster_vae", "conditional_vae", "conv_vae", "deep_conv_vae"]
NAMES += ["dense_vae", "importance_weighted_vae"]


@pytest.mark.parametrize("name", NAMES)
def test_the_options_that_they_share(name):
    builder = builder_of(name)
    parameters = inspect.signature(builder).parameters
    shared = ["prior", "kl_weight", "free_bits", "capacity", "regulariser"]
    shared += ["normalised_mean", "num_samples", "gradient", "input_range"]
    for argument in (*shared, "name"):
        assert parameters[argument].kind is inspect.Parameter.KEYWORD_ONLY
        assert f"\n    {argument}: " in builder.__doc__
    assert parameters["name"].default == name
    samples = parameters["num_samples"].default
    assert samples == (5 if name == "importance_weighted_vae" else None)


def test_the_clustering_net_of_the_post():
    model = zoo.cluster_vae(classifier=True)
    received = sum(np.size(weight) for weight in model.trainable_weights)
    assert received == 366_331
    strides = [
        layer.strides[0]
        for part in (model.encoder, model.decoder)
        for layer in part.layers
        if isinstance(
            layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
        )
    ]
    assert strides == [2, 1, 2, 1, 1, 2, 1, 2, 1]
    assert model.loss.variance == 0.4  # half the squares, times 2.5
    learned = zoo.cluster_vae(unit_variance=False, num_clusters=4, latent_dim=3)
    assert learned.latent.prior.log_vars.trainable
    assert learned.latent.num_clusters == 4


@pytest.mark.thorough
@pytest.mark.parametrize("classifier", [False, True])
def test_clusters_of_a_model_of_the_zoo(classifier, tmp_path):
    model = zoo.cluster_vae(
        (4, 4, 1), 3, 2, classifier=classifier, seed=0, jit_compile=False
    )
    images = np.random.default_rng(0).random((9, 4, 4, 1), "float32")
    model.fit(images, batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    clusters = model.predict_clusters(images)
    assert clusters.shape == (9,)
    assert set(clusters) <= {0, 1, 2}
    assert empty_clusters(model, images) == 3 - len(set(clusters))
    np.testing.assert_array_equal(clusters, again.predict_clusters(images))
    np.testing.assert_allclose(
        again.generate(2, cluster=1, seed=0),
        model.generate(2, cluster=1, seed=0),
        rtol=1e-5,
    )


@pytest.mark.parametrize("count", [1, 0, -2])
def test_fewer_than_two_clusters(count):
    with pytest.raises(ValueError, match=f"at least 2.*num_clusters={count}"):
        zoo.cluster_vae(num_clusters=count)


@pytest.mark.thorough
@pytest.mark.parametrize("condition", ["prior", "decoder", "both"])
def test_where_a_label_goes_in(condition):
    model = zoo.conditional_vae(6, 3, 2, 4, condition=condition, seed=0)
    (x, one_hot), _ = random_data(model, count=6)
    model.fit([x, one_hot], verbose=0)
    in_parts = [len(model.encoder.inputs), len(model.decoder.inputs)]
    assert in_parts == ([1, 1] if condition == "prior" else [2, 2])
    has_means = isinstance(model.latent.prior, ClassMeans)
    assert has_means == (condition != "decoder")
    twos, zeros = (model.generate(4, label=one, seed=0) for one in (2, 0))
    assert twos.shape == (4, 6)
    assert not np.allclose(twos, zeros)
    own = model.relabel([x, one_hot], one_hot.argmax(-1))
    np.testing.assert_allclose(
        own, model.reconstruct([x, one_hot]), rtol=1e-5, atol=1e-6
    )
    assert not np.allclose(own, model.relabel([x, one_hot], 1))


def test_conditions_that_there_are_not():
    with pytest.raises(ValueError, match="condition='encoder'"):
        zoo.conditional_vae(condition="encoder")
    with pytest.raises(ValueError, match="ClassMeans of its own.*'vamp'"):
        zoo.conditional_vae(prior="vamp")
    model = zoo.conditional_vae(6, 3, 2, 4, condition="decoder")
    with pytest.raises(ValueError, match=r"\(batch, 3\)"):
        model.fit([np.zeros((2, 6)), np.eye(2, 4)], verbose=0)


SMALL = {"original_dim": 5, "intermediate_dim": 4}
PRIORS = [
    ("dense_vae", SMALL, "vamp"),
    ("conv_vae", {"input_shape": (4, 4, 1)}, "vamp"),
    ("importance_weighted_vae", SMALL, "vamp"),
    ("conditional_vae", {**SMALL, "condition": "decoder"}, "vamp"),
    ("dense_vae", SMALL, GaussianMixture(3)),
    ("dense_vae", SMALL, VampPrior(4)),
]


@tensorflow_only
def test_pseudo_inputs_are_served(tmp_path):
    model = zoo.dense_vae(**SMALL, prior=VampPrior(4), seed=0)
    model.export(tmp_path)
    served = zoo.load_model(tmp_path)
    assert served.generate(3).shape == (3, 5)


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "arguments", "prior"), PRIORS)
def test_priors_of_every_autoencoder_of_images(name, arguments, prior):
    model = zoo.create_model(
        name, **arguments, prior=prior, seed=0, jit_compile=False
    )
    inputs, _ = random_data(model, count=500 if prior == "vamp" else 5)
    history = model.fit(as_x(inputs), batch_size=128, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    label = None if model.num_classes is None else 1
    drawn = model.generate(2, label=label, seed=0)
    assert drawn.shape == (2, *inputs[0].shape[1:])
    assert np.isfinite(model.score_samples(as_x(inputs), 3)).all()
    model.fit_prior(as_x(inputs), components=2, seed=0)
    assert model.generate(2, label=label).shape == drawn.shape
