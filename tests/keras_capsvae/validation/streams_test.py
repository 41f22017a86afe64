"""What streams bring after their first batch."""

import keras
import numpy as np
import pytest

from keras_capsvae import CapsuleNetwork
from keras_capsvae import LabelAccuracy
from keras_capsvae import MarginLoss
from tests.helpers import tensorflow_only
from tests.own_nets import own_vae


@tensorflow_only
def test_a_label_beyond_the_first_batch_of_tf_data_is_named():
    import tensorflow as tf

    x = np.random.default_rng(0).random((12, 4)).astype("float32")
    labels = np.array([1] * 4 + [2] * 4 + [3] * 4)
    inputs = keras.Input((4,))
    capsules = keras.layers.Reshape((3, 4))(keras.layers.Dense(12)(inputs))
    model = CapsuleNetwork(keras.Model(inputs, capsules))
    model.compile("adam", loss=MarginLoss(), metrics=[LabelAccuracy()])
    data = tf.data.Dataset.from_tensor_slices((x, labels)).batch(4)
    for use in (model.evaluate, model.fit):
        with pytest.raises(ValueError, match=r"must lie in \[0, 2\].*\[3, 3\]"):
            use(data, verbose=0)


@pytest.mark.parametrize("kind", ["map", "iter", "loader"])
def test_data_sets_of_grain(kind):
    grain = pytest.importorskip("grain", reason="grain is not installed")
    x = np.random.default_rng(0).random((20, 6), "float32")
    batches = grain.MapDataset.source(x).batch(8)

    def data():
        if kind == "map":
            return batches
        if kind == "iter":
            return batches.to_iter_dataset()
        sampler = grain.samplers.IndexSampler(20, num_epochs=1)
        return grain.DataLoader(
            data_source=x,
            sampler=sampler,
            operations=[grain.transforms.Batch(8)],
        )

    model = own_vae()
    model.fit(data(), verbose=0)
    if kind != "loader":  # Keras too draws it once
        model.fit(data(), epochs=2, validation_data=data(), verbose=0)
    assert len(model.encode(data())) == 20
    assert len(model.predict(data(), verbose=0)) == 20
    wrong = np.where(np.arange(20)[:, None] == 13, np.nan, x)
    batches = grain.MapDataset.source(wrong).batch(8)
    with pytest.raises(ValueError, match="must be finite"):
        model.fit(data() if kind != "loader" else batches, verbose=0)
    if kind == "map":
        with pytest.raises(ValueError, match="endless"):
            model.encode(batches.repeat())
