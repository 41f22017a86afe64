import keras
import numpy as np
import pytest

from keras_capsvae import Sampling
from keras_capsvae.layers.seeded import SeededLayer
from tests.helpers import numpy_of


@keras.saving.register_keras_serializable(package="tests")
class ScaledSampling(Sampling):
    """A subclass with a weight of its own."""

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=())
        super().build(input_shape)

    def call(self, inputs):
        return self.scale * super().call(inputs)


def model_of(layer):
    inputs = [keras.Input((3,)), keras.Input((3,))]
    return keras.Model(inputs, layer(inputs))


def data():
    return [np.ones((2, 3), "float32")] * 2


def trained():
    layer = ScaledSampling(seed=1)
    model = model_of(layer)
    layer.scale.assign(7.0)
    model(data())  # moves the generator on
    return model


def test_a_subclass_keeps_its_weights_in_a_model_file(tmp_path):
    model = trained()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert float(again.layers[-1].scale) == 7
    np.testing.assert_array_equal(
        numpy_of(again(data())), numpy_of(model(data()))
    )


def test_a_subclass_keeps_its_weights_in_a_weights_file(tmp_path):
    model = trained()
    model.save_weights(tmp_path / "model.weights.h5")
    again = model_of(ScaledSampling(seed=2))
    again.load_weights(tmp_path / "model.weights.h5")
    assert float(again.layers[-1].scale) == 7
    np.testing.assert_array_equal(
        numpy_of(again(data())), numpy_of(model(data()))
    )


def test_a_file_without_the_weights_is_refused(tmp_path):
    model_of(Sampling(seed=1, name="noise")).save_weights(
        tmp_path / "model.weights.h5"
    )
    with pytest.raises(ValueError, match="noise"):
        model_of(ScaledSampling(name="noise")).load_weights(
            tmp_path / "model.weights.h5"
        )


def test_the_state_alone_is_what_files_held_before():
    store, layer = {}, SeededLayer(seed=3)
    layer.save_own_variables(store)
    assert list(store) == ["seed_state"]
    other = SeededLayer(seed=4)
    other.load_own_variables(store)
    np.testing.assert_array_equal(
        numpy_of(other.seed_generator.state.value),
        numpy_of(layer.seed_generator.state.value),
    )
