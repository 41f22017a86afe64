import json
import pathlib

import pytest

from tests.helpers import tensorflow_only
from tests.scripts import run_script

SCRIPT = pathlib.Path(__file__).with_name("replicas.py")
QUICK = ("weighted_vae", "free_bits", "small_capsules")


def _found(devices, *models):
    printed = run_script(SCRIPT.read_text(), devices, *models)
    return json.loads(printed.splitlines()[-1])


@pytest.mark.thorough
@tensorflow_only
@pytest.mark.parametrize(
    ("devices", "models"),
    [
        (2, QUICK),
        pytest.param(2, (), marks=pytest.mark.slow),
        pytest.param(4, (), marks=pytest.mark.slow),
    ],
)
def test_replicas_train_like_one_device(devices, models):
    found = _found(devices, *models)
    noise = found.pop("own_noise")
    assert noise["first"] == 0.0
    assert noise["least"] > 1e-4
    for name, differences in found.items():
        assert max(differences.values()) <= 1e-5, (name, differences)


OUTSIDE_OF_THE_SCOPE = """
import keras, numpy as np, tensorflow as tf
from keras_capsvae import KLWarmUp
from tests.own_nets import X, own_vae
cpu = tf.config.list_physical_devices("CPU")[0]
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = own_vae()
for warm_up in (KLWarmUp(1), KLWarmUp(steps=2)):
    model.fit(X, batch_size=8, epochs=3, verbose=0, callbacks=[warm_up])
model.fit_prior(X, components=2)
assert model.generate(2).shape == (2, 6)
model.kl_weight = 0.5
assert keras.ops.convert_to_numpy(model.kl_weight) == 0.5
"""


@pytest.mark.thorough
@tensorflow_only
def test_schedules_and_priors_of_replicas():
    run_script(OUTSIDE_OF_THE_SCOPE)
