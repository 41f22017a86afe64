"""What streams bring after their first batch."""

import keras
import numpy as np
import pytest

from keras_capsvae import CapsuleNetwork
from keras_capsvae import LabelAccuracy
from keras_capsvae import MarginLoss
from tests.helpers import tensorflow_only


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
