import keras
import numpy as np
import pytest

import zoo
from keras_capsvae.private_keras import Functional
from keras_capsvae.private_keras import PerExampleMeans
from keras_capsvae.private_keras import ReplicaSeedGenerator
from keras_capsvae.private_keras import can_use_xla
from keras_capsvae.private_keras import check_in_graph
from keras_capsvae.private_keras import consumers
from keras_capsvae.private_keras import hold_layer
from keras_capsvae.private_keras import keep_frozen
from keras_capsvae.private_keras import looked_dataset
from keras_capsvae.private_keras import named_export_archive
from keras_capsvae.private_keras import on_one_thread
from keras_capsvae.private_keras import producer
from keras_capsvae.private_keras import variables_to_restore
from keras_capsvae.private_keras.replicas import replica_id
from tests.helpers import BACKEND
from tests.helpers import numpy_of
from tests.helpers import tensorflow_only
from tests.scripts import run_script

# Devices are set before TensorFlow starts: in a process of its own.
REPLICAS = """
import sys

import numpy as np
import tensorflow as tf

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
import keras

import zoo
from keras_capsvae.private_keras import can_use_xla


def strategy(*devices):
    return tf.distribute.MirroredStrategy(
        devices, tf.distribute.ReductionToOneDevice()
    )


SIZES = {"original_dim": 4, "intermediate_dim": 3, "seed": 0}
path = sys.argv[1]
x = np.random.default_rng(0).random((8, 4)).astype("float32")
alone = zoo.dense_vae(**SIZES)
assert alone.jit_compile is True
alone.fit(x, verbose=0)
alone.save(path)
with strategy("CPU:0").scope():
    assert can_use_xla()
    assert zoo.dense_vae(**SIZES).jit_compile is True

replicas = strategy("CPU:0", "CPU:1")
with replicas.scope():
    assert not can_use_xla()
    model = zoo.dense_vae(**SIZES)
    again = zoo.load_model(path)
    plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    plain.compile("sgd", "mean_squared_error", jit_compile=True)
for one in (model, again):
    assert one.jit_compile is False
    history = one.fit(x, batch_size=4, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def refused(call):
    try:
        call()
    except ValueError as error:
        return "several CPU devices" in str(error)
    return False


with replicas.scope():
    assert refused(lambda: zoo.dense_vae(**SIZES, jit_compile=True))
# Whose strategy the model keeps.
assert refused(lambda: model.compile("sgd", loss=model.loss, jit_compile=True))
try:
    plain.fit(x, x[:, :1], verbose=0)
except tf.errors.InvalidArgumentError:
    pass
else:
    raise AssertionError("XLA sums gradients of CPU devices now: use it")
"""


@pytest.mark.slow
@tensorflow_only
def test_xla_and_replicas_on_the_cpu(tmp_path):
    run_script(REPLICAS, tmp_path / "model.keras")


def test_xla_without_a_strategy():
    model = keras.Sequential([keras.Input((1,))])
    assert can_use_xla() == can_use_xla(model) == (BACKEND == "tensorflow")


def test_a_saved_choice_of_xla_is_left_to_other_backends(tmp_path):
    model = zoo.dense_vae(4, 2, 3, jit_compile=False)
    model.save(tmp_path / "model.keras")
    again = zoo.load_model(tmp_path / "model.keras")
    assert again.jit_compile is (BACKEND == "jax")


@pytest.fixture(scope="module")
def small():
    """A functional model of one dense layer."""
    x = keras.Input((2,), name="x")
    return keras.Model(x, keras.layers.Dense(3, name="dense")(x))


def test_functional_models_are_of_the_private_class(small):
    assert type(small) is Functional
    assert not isinstance(keras.Sequential([keras.Input((2,))]), Functional)


def test_producer_knows_every_call_of_a_layer():
    x = keras.Input((2,))
    layer = keras.layers.Dense(2)
    first = layer(x)
    second = layer(first)
    assert producer(first) == (layer, [x])
    assert producer(second) == (layer, [first])


def test_consumers_are_those_of_any_call():
    x = keras.Input((1,))
    layer = keras.layers.Dense(1)
    layer(keras.Input((1,)))
    both = keras.layers.Add()([layer(x), x])
    model = keras.Model(x, both)
    found = [(one.name, place) for one, place in consumers(model, x)]
    assert sorted(found) == sorted(
        [(layer.name, 0), (model.layers[-1].name, 1)]
    )


@tensorflow_only
@pytest.mark.parametrize("form", [tuple, lambda pair: {"a": pair[0]}])
def test_each_batch_of_a_data_set_is_looked_at(form):
    import tensorflow as tf

    x = np.arange(6.0)
    data = tf.data.Dataset.from_tensor_slices(form([x, 2 * x])).batch(4)
    seen = []
    looked = looked_dataset(data, seen.append)
    assert looked.element_spec == data.element_spec
    drawn = list(looked.as_numpy_iterator())
    for batches in (drawn, seen):
        received = [keras.tree.flatten(batch)[0] for batch in batches]
        np.testing.assert_array_equal(np.concatenate(received), x)


def test_means_are_known_to_fall():
    class Reporting(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)
            self.means = PerExampleMeans("own")

        def call(self, x):
            return self.dense(x)

        def compute_loss(self, x, y, y_pred, *others, **keywords):
            self.means.update_state(own=keras.ops.sum(y_pred, -1))
            return keras.ops.mean(keras.ops.square(y_pred))

    model = Reporting()
    model.compile("sgd")
    stop = keras.callbacks.EarlyStopping("val_own")
    x = np.ones((4, 2), "float32")
    history = model.fit(x, validation_data=(x,), callbacks=[stop], verbose=0)
    assert np.isfinite(history.history["val_own"]).all()
    assert stop.monitor_op(1.0, 2.0)
    assert not stop.monitor_op(2.0, 1.0)


def test_seeds_without_replicas_are_those_of_keras():
    assert replica_id() is None
    ours, plain = ReplicaSeedGenerator(3), keras.random.SeedGenerator(3)
    for _ in range(3):
        np.testing.assert_array_equal(
            numpy_of(ours.next()), numpy_of(plain.next())
        )


@tensorflow_only
def test_a_graph_checks_its_integers():
    import tensorflow as tf

    @tf.function
    def checked(value):
        return check_in_graph(value, 3, "label")

    assert int(checked(tf.constant(2))) == 2
    for wrong in (3, -1):
        with pytest.raises(tf.errors.InvalidArgumentError, match="label"):
            checked(tf.constant(wrong))


@tensorflow_only
def test_signatures_of_a_saved_model_have_names(small, tmp_path):
    import tensorflow as tf

    archive = named_export_archive({"serve": ("y",)})
    archive.track(small)
    spec = keras.InputSpec(shape=(None, 2), dtype="float32", name="x")
    archive.add_endpoint("serve", small.__call__, [spec])
    archive.write_out(tmp_path, verbose=False)
    served = tf.saved_model.load(tmp_path)
    signature = served.signatures["serve"]
    assert set(signature.structured_input_signature[1]) == {"x"}
    assert set(signature.structured_outputs) == {"y"}
    x = np.ones((3, 2), "float32")
    expected = numpy_of(small(x))
    np.testing.assert_allclose(served.serve(x), expected, rtol=1e-6)
    named = signature(x=tf.constant(x))["y"]
    np.testing.assert_allclose(named, expected, rtol=1e-6)


@tensorflow_only
def test_variables_to_restore_are_those_of_tensorflow(small):
    import tensorflow as tf

    assert variables_to_restore(small, "checkpoint") == {}
    found = variables_to_restore(small, "savedmodel")
    assert len(found) == 2
    assert all(isinstance(one, tf.Variable) for one in found.values())


def test_keras_alone_forgets_that_layers_within_a_layer_are_frozen():
    """When this fails, `keep_frozen` has become needless."""
    x = keras.Input((4, 8))
    attended = keras.layers.MultiHeadAttention(2, 4)(x, x)
    model = keras.Model(x, attended)
    model.layers[-1].trainable = False
    assert not model.trainable_weights
    again = keras.Model.from_config(model.get_config())
    assert again.trainable_weights
    keep_frozen(again)
    assert not again.trainable_weights


def test_layers_held_after_the_graph(tmp_path):
    x = keras.Input((2,))
    model = keras.Model(x, keras.layers.Dense(1)(x))
    held = [keras.layers.Dense(3, name=name) for name in ("one", "other")]
    for layer in held:
        layer.build((None, 2))
        hold_layer(model, "extra", layer)
    variables = {id(variable) for variable in model.trainable_variables}
    assert id(held[1].kernel) in variables
    assert id(held[0].kernel) not in variables
    kept = numpy_of(held[1].kernel)
    model.save_weights(tmp_path / "m.weights.h5")
    held[1].kernel.assign(0 * kept)
    model.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(numpy_of(held[1].kernel), kept)
    hold_layer(model, "extra", None)
    assert len(model.trainable_variables) == 2


@pytest.mark.skipif(BACKEND != "torch", reason="threads of PyTorch")
def test_one_thread_and_then_as_many_as_before():
    import torch

    before = torch.get_num_threads()
    with on_one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
