"""Latents, scores and capsules of data that come batch by batch."""

import keras
import numpy as np
import pytest

import keras_capsvae
import zoo
from tests.helpers import tensorflow_only
from tests.own_nets import NUMBERS
from tests.own_nets import ONE_HOT
from tests.own_nets import X
from tests.own_nets import compiled
from tests.own_nets import decoder
from tests.own_nets import encoder
from tests.own_nets import own_vae

BATCH = 3


class Batches(keras.utils.PyDataset):
    """Of arrays, in order, the last one smaller; endless if asked."""

    def __init__(self, *arrays, is_endless=False):
        super().__init__()
        self.arrays, self.is_endless = arrays, is_endless

    @property
    def num_batches(self):
        count = -(-len(self.arrays[0]) // BATCH)
        return None if self.is_endless else count

    def __getitem__(self, index):
        places = slice(BATCH * index, BATCH * (index + 1))
        return tuple(array[places] for array in self.arrays)


def generator(*arrays):
    yield from Batches(*arrays)


def loader(*arrays):
    data = pytest.importorskip("torch.utils.data")
    torch = pytest.importorskip("torch")
    tensors = map(torch.tensor, arrays)
    return data.DataLoader(data.TensorDataset(*tensors), batch_size=BATCH)


def tensorflow_data(*arrays):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH)


STREAMS = [
    Batches,
    generator,
    loader,
    pytest.param(tensorflow_data, marks=tensorflow_only),
]


@pytest.mark.parametrize("stream", STREAMS)
def test_latents_of_a_stream_are_those_of_its_arrays(stream):
    model = own_vae(seed=0)
    labels = np.arange(len(X))
    for of_stream, of_array in (
        (model.encode(stream(X, labels)), model.encode(X)),
        (model.posterior(stream(X))[1], model.posterior(X)[1]),
        (model.reconstruct(stream(X)), model.reconstruct(X)),
        (model.score_values(stream(X)), model.score_values(X)),
    ):
        assert type(of_stream) is np.ndarray
        np.testing.assert_allclose(of_stream, of_array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("stream", STREAMS)
def test_scores_of_a_stream_draw_anew_for_each_batch(stream):
    model = own_vae(seed=0)
    scores = model.score_samples(stream(X), 4, seed=7)
    batches = [
        model.score_samples(X[at : at + BATCH], 4, seed=7 + place)
        for place, at in enumerate(range(0, len(X), BATCH))
    ]
    np.testing.assert_allclose(scores, np.concatenate(batches), rtol=1e-5)
    model.set_threshold(stream(X), 0.5, seed=7)
    assert model.predict_outliers(stream(X), seed=7).sum() == len(X) // 2


def test_conditions_come_with_the_examples_of_a_stream():
    given = keras.Input((2,), name="given")
    model = compiled(
        keras_capsvae.VariationalAutoencoder(encoder((6,), given), decoder())
    )

    def stream():
        for x, numbers in Batches(X, NUMBERS):
            yield (x, numbers), x

    np.testing.assert_allclose(
        model.encode(stream()), model.encode([X, NUMBERS]), rtol=1e-5
    )


def test_a_mixture_is_fitted_to_a_stream():
    models = [own_vae(seed=0) for _ in range(2)]
    models[1].set_weights(models[0].get_weights())
    for model, x in zip(models, (X, Batches(X))):
        with pytest.warns(UserWarning, match="neither trained"):
            model.fit_prior(x, components=2, seed=0)
    first, second = (model.generate(4, seed=0) for model in models)
    np.testing.assert_allclose(first, second, rtol=1e-4)


def test_capsules_of_a_stream():
    model = zoo.capsule_cnn(num_classes=3, seed=0)
    images = np.random.default_rng(0).random((7, 20, 20, 1), "float32")
    np.testing.assert_allclose(
        model.capsules(Batches(images)), model.capsules(images), atol=1e-5
    )


def test_streams_without_batches_or_an_end_are_refused():
    model = own_vae()
    with pytest.raises(ValueError, match="must not be empty"):
        model.encode(generator(X[:0]))
    with pytest.raises(ValueError, match="must end.*endless Batches"):
        model.score_samples(Batches(X, is_endless=True))


@tensorflow_only
def test_a_repeated_dataset_is_refused():
    with pytest.raises(ValueError, match="must end"):
        own_vae().encode(tensorflow_data(X).repeat())


def test_a_mixture_under_class_means_is_fitted_to_a_stream():
    latent = keras_capsvae.GaussianLatent(prior=keras_capsvae.ClassMeans(3))
    model = compiled(
        keras_capsvae.VariationalAutoencoder(encoder(), decoder(), latent)
    )
    model.latent.prior.means.set_weights([20.0 * np.eye(3, 2), np.zeros(2)])
    priors = []
    for x in ([X, ONE_HOT], (((x, y),) for x, y in Batches(X, ONE_HOT))):
        with pytest.warns(UserWarning, match="neither trained"):
            model.fit_prior(x, components=1, seed=0)
        priors.append(model.fitted_prior.means)
    np.testing.assert_allclose(*priors, atol=1.0)


def test_scores_of_a_stream_without_a_seed():
    assert own_vae().score_samples(Batches(X), 2, seed=None).shape == (8,)
