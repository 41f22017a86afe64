import keras

import zoo
from keras_capsvae.private_keras import can_use_xla
from tests.helpers import BACKEND
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
