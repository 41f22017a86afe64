import keras
import numpy as np
import pytest
from keras import layers

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import VariationalAutoencoder

X, LABELS = np.zeros((4, 6), "float32"), np.eye(4, 3, dtype="float32")


def test_inputs_without_names_are_told_by_their_shapes():
    """Not by the names that Keras counts up, `keras_tensor_208`."""
    x, label = keras.Input((6,)), keras.Input((3,))
    h = layers.Concatenate()([x, label])
    z, of_z = keras.Input((2,)), keras.Input((3,))
    told = layers.Dense(6, "sigmoid")(layers.Concatenate()([z, of_z]))
    model = VariationalAutoencoder(
        keras.Model([x, label], [layers.Dense(2)(h), layers.Dense(2)(h)]),
        keras.Model([z, of_z], told),
    )
    model.compile("adam", loss=BernoulliReconstruction(), jit_compile=False)
    wrong = {
        r"2 input arrays: an array \(batch, 6\), an array \(batch, 3\)": (
            lambda: model.fit(X)
        ),
        r"`x\[1\]` must have shape \(batch, 3\)": (
            lambda: model.fit([X, LABELS[:, :2]])
        ),
        r"fit\(\[x, an array \(batch, 3\)\]\)": (
            lambda: model.fit([X, LABELS], np.arange(4))
        ),
        r"`condition` must hold an array \(batch, 3\)": (
            lambda: model.generate(2)
        ),
        r"`condition` must have shape \(batch, 3\)": (
            lambda: model.generate(4, condition=LABELS[:, :2])
        ),
    }
    for message, call in wrong.items():
        with pytest.raises(ValueError, match=message) as raised:
            call()
        assert "keras_tensor" not in str(raised.value)
