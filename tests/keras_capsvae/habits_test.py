"""What people do with any Keras model, done with these."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import CategoricalReconstruction
from keras_capsvae import Classifier
from keras_capsvae import ClassMeans
from keras_capsvae import GaussianLatent
from keras_capsvae import VariationalAutoencoder
from tests.helpers import tensorflow_only
from tests.own_nets import LABELS
from tests.own_nets import NUMBERS
from tests.own_nets import ONE_HOT
from tests.own_nets import X
from tests.own_nets import compiled
from tests.own_nets import decoder
from tests.own_nets import encoder
from tests.own_nets import own_vae

IDS = np.random.default_rng(0).integers(0, 4, (8, 5))


@keras.saving.register_keras_serializable(package="habits_test")
class Unnamed(VariationalAutoencoder):
    def __init__(self, units):
        super().__init__(encoder(), decoder(), name="given_inside")
        self.units = units


def conditioned(name, dims):
    """A VAE with one condition in encoder and decoder."""
    seen, told = (keras.Input((dims,), name=name) for _ in range(2))
    return compiled(
        VariationalAutoencoder(encoder((6,), seen), decoder(told), seed=0)
    )


def vae_of_ids():
    ids, z = keras.Input((5,), dtype="int32"), keras.Input((2,))
    h = layers.Flatten()(layers.Embedding(4, 2)(ids))
    heads = [layers.Dense(2)(h), layers.Dense(2)(h)]
    scores = layers.Softmax()(layers.Reshape((5, 4))(layers.Dense(20)(z)))
    model = VariationalAutoencoder(
        keras.Model(ids, heads), keras.Model(z, scores)
    )
    return compiled(model, CategoricalReconstruction())


def test_a_subclass_without_a_name_keeps_its_name(tmp_path):
    model = compiled(Unnamed(3))
    model.name = "mine"
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert (again.name, again.units) == ("mine", 3)


@pytest.mark.parametrize("part", ["encoder", "latent", "decoder"])
def test_a_part_is_not_exchanged(part):
    model = own_vae()
    setattr(model, part, getattr(model, part))
    with pytest.raises(AttributeError, match=f"`{part}` must stay"):
        setattr(model, part, getattr(own_vae(), part))


def test_ids_beyond_an_embedding_inside_a_part():
    model = vae_of_ids()
    model.fit(IDS, verbose=0)
    for run in (
        model.encode,
        model.predict,
        model.predict_on_batch,
        lambda ids: model.fit(ids, IDS, verbose=0),
    ):
        with pytest.raises(ValueError, match=r"must lie in \[0, 3\]"):
            run(IDS + 1)


def test_ids_beyond_a_shared_embedding():
    first, second = keras.Input((5,)), keras.Input((5,))
    embed = layers.Embedding(4, 2)
    embed(keras.Input((3,)))
    h = [layers.Flatten()(embed(ids)) for ids in (first, second)]
    scores = layers.Dense(3, "softmax")(layers.Concatenate()(h))
    model = Classifier([first, second], scores)
    model.predict([IDS, IDS], verbose=0)
    with pytest.raises(ValueError, match=r"must lie in \[0, 3\]"):
        model.predict([IDS, IDS + 1], verbose=0)


def test_a_number_as_a_condition():
    model = conditioned("age", 1)
    each = np.full((3, 1), 0.3)
    expected = model.generate(3, condition=each, seed=0)
    for condition in (0.3, [0.3], each[:, 0]):
        np.testing.assert_array_equal(
            model.generate(3, condition=condition, seed=0), expected
        )


def test_numbers_are_no_classes():
    model = conditioned("numbers", 2)
    model.generate(2, label=1)
    model.fit([X, NUMBERS], verbose=0)
    with pytest.raises(ValueError, match="`label` must be None"):
        model.generate(2, label=1)


@pytest.mark.parametrize("scaled", [False, True])
def test_a_file_names_optimizers_of_no_backend(scaled):
    """As files of PyTorch would, which train on no other backend."""
    model = own_vae()
    adam = keras.optimizers.Adam(0.25)
    scaling = keras.optimizers.LossScaleOptimizer
    model.compile(scaling(adam) if scaled else adam, model.loss)
    config = model.get_compile_config()
    inner = config["optimizer"]
    inner = inner["config"]["inner_optimizer"] if scaled else inner
    assert inner["module"] == "keras.optimizers"
    inner["module"] = "keras.src.backend.torch.optimizers.torch_adam"
    inner["registered_name"] = "Adam"
    model.compile_from_config(config)
    found = model.optimizer.inner_optimizer if scaled else model.optimizer
    assert type(found) is type(adam)
    assert float(found.learning_rate) == 0.25
    assert np.isfinite(model.train_on_batch(X)).all()


@pytest.mark.thorough
def test_a_quantised_vae(tmp_path):
    model = own_vae(seed=0)
    before = model.encode(X)
    model.quantize("int8")
    after = model.encode(X)
    assert 0 < np.abs(after - before).max() < 0.05
    assert np.isfinite(model.evaluate(X, verbose=0)).all()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.encode(X), after, atol=1e-6)
    np.testing.assert_allclose(
        again.reconstruct(X), model.reconstruct(X), atol=1e-6
    )
    assert np.isfinite(again.evaluate(X, verbose=0)).all()


@tensorflow_only
@pytest.mark.parametrize("wrong", ["x", "label"])
@pytest.mark.parametrize("use", ["fit", "evaluate", "predict"])
def test_late_batches_of_tf_data(use, wrong):
    import tensorflow as tf

    model = VariationalAutoencoder(
        encoder(), decoder(), GaussianLatent(ClassMeans(3))
    )
    compiled(model)
    arrays = {"x": X.copy(), "label": ONE_HOT.copy()}
    arrays[wrong][-1] = np.nan if wrong == "x" else 0.5
    data = tf.data.Dataset.from_tensor_slices((tuple(arrays.values()),))
    expected = "must be finite" if wrong == "x" else "must be one-hot"
    with pytest.raises(ValueError, match=expected):
        getattr(model, use)(data.batch(4), verbose=0)


@tensorflow_only
def test_ragged_and_sparse_batches_of_tf_data():
    import tensorflow as tf

    ids = keras.Input((None,), dtype="int32")
    h = layers.GlobalAveragePooling1D()(layers.Embedding(4, 2)(ids))
    model = Classifier(ids, layers.Dense(3, "softmax")(h))
    model.compile("sgd", "sparse_categorical_crossentropy")
    rows = [[1, 2], [3], [1, 1, 1], [2]] * 2
    for last in (2, 4):
        ragged = tf.ragged.constant([*rows[:-1], [last]])
        data = tf.data.Dataset.from_tensor_slices((ragged, LABELS)).batch(4)
        if last < 4:
            model.fit(data, verbose=0)
            continue
        with pytest.raises(ValueError, match=r"must lie in \[0, 3\]"):
            model.fit(data, verbose=0)


def test_callbacks_in_a_list_of_keras():
    model = own_vae()
    given = keras.callbacks.CallbackList(
        [keras.callbacks.History()], model=model
    )
    history = model.fit(X, epochs=2, verbose=0, callbacks=given)
    assert len(history.history["loss"]) == 2
    assert len(given.callbacks) == 1  # theirs stays as it is
    model.evaluate(X, verbose=0, callbacks=given)


@pytest.mark.parametrize("loss", [["bernoulli"], {"x": "bernoulli"}])
def test_a_name_of_a_loss_in_a_list_or_a_dict(loss):
    model = own_vae()
    model.compile("adam", loss)
    assert isinstance(model.loss, BernoulliReconstruction)


@pytest.mark.parametrize(
    "loss",
    [
        BernoulliReconstruction(reduction="sum"),
        keras.losses.MeanSquaredError(reduction="sum"),
    ],
)
def test_a_loss_that_sums_over_the_batch(loss):
    with pytest.raises(ValueError, match="a mean over examples.*'sum'"):
        own_vae().compile("adam", loss)


def test_class_weights_in_a_list():
    image = keras.Input((3,))
    model = Classifier(image, layers.Dense(2, "softmax")(image))
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.ones((4, 3)), [0, 1, 1, 0]
    with pytest.raises(ValueError, match=r"a dict.*Received: \[1, 2\]"):
        model.fit(x, y, class_weight=[1, 2], verbose=0)


def test_labels_that_are_other_numbers():
    image = keras.Input((3,))
    model = Classifier(image, layers.Dense(2, "softmax")(image))
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"\[0, 1\]. They say which classes"):
        model.fit(np.ones((4, 3)), 9 * np.ones((4, 2)), verbose=0)
