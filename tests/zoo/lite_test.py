"""Nets converted to LiteRT, in the two ways that TensorFlow has."""

import keras
import numpy as np
import pytest

import zoo
from tests.helpers import numpy_of
from tests.helpers import tensorflow_only

pytestmark = [
    tensorflow_only,
    pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated"),
]


def images(*shape):
    return np.random.default_rng(0).random((1, *shape), "float32")


def ids(length, padding=0):
    random = np.random.default_rng(0)
    return np.pad(
        random.integers(1, 9, (1, length - padding)), ((0, 0), (0, padding))
    ).astype("int32")


def poet():
    return zoo.poem_vae("日月山水风花雪夜春", 6, 4, 8, seed=0)


NETS = {
    "text": (lambda: zoo.gated_cnn_classifier(20, 3, 8, seed=0), ids(12)),
    "padded text": (
        lambda: zoo.gated_cnn_classifier(20, 3, 8, seed=0),
        ids(12, padding=4),
    ),
    "poem encoder": (lambda: poet().encoder, ids(6)),
    "poem decoder": (lambda: poet().decoder, images(4)),
    "capsule_cnn": (
        lambda: zoo.capsule_cnn((16, 17, 1), 3, seed=0),
        images(16, 17, 1),
    ),
    "capsnet": (lambda: zoo.capsnet((17, 17, 1), 2, seed=0), images(17, 17, 1)),
}


def converted(model, x, trackable=()):
    import tensorflow as tf

    function = tf.function(lambda data: model(data, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec(x.shape, x.dtype))
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [concrete], *trackable
    )
    # The interpreter does not copy it.
    content = converter.convert()
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    interpreter.set_tensor(entry["index"], x)
    interpreter.invoke()
    return [
        np.array(interpreter.get_tensor(one["index"]))
        for one in interpreter.get_output_details()
    ]


@pytest.mark.parametrize("name", NETS)
def test_the_numbers_are_those_of_keras(name):
    build, x = NETS[name]
    model = build()
    expected = keras.tree.flatten(numpy_of(model(x, training=False)))
    for received, value in zip(converted(model, x), expected, strict=True):
        np.testing.assert_allclose(received, value, atol=1e-5)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["text", "capsule_cnn"])
def test_variables_are_restored_for_the_converter(name):
    build, x = NETS[name]
    model = build()
    (received,) = converted(model, x, [model])
    np.testing.assert_allclose(received, numpy_of(model(x)), atol=1e-5)


def test_keras_alone_does_not_restore_them():
    """When this fails, `variables_to_restore` has become needless."""
    image = keras.Input((3,))
    model = keras.Model(image, keras.layers.Dense(4, use_bias=False)(image))
    x = images(3)
    (received,) = converted(model, x, [model])
    assert not np.allclose(received, numpy_of(model(x)), atol=1e-5)


def series_decoder(**options):
    z = keras.Input((2,))
    steps = keras.layers.RepeatVector(3)(z)
    return keras.Model(
        z, keras.layers.LSTM(2, return_sequences=True, **options)(steps)
    )


@pytest.mark.thorough
def test_a_file_that_needs_operators_of_tensorflow_is_warned_of(tmp_path):
    with pytest.warns(UserWarning, match="FlexTensorList.*unroll=True"):
        zoo.export.write_part(series_decoder(), tmp_path / "a.tflite", "litert")


@pytest.mark.thorough
def test_an_unrolled_net_runs_in_the_plain_runtime(tmp_path, recwarn):
    import tensorflow as tf

    decoder = series_decoder(unroll=True)
    path = tmp_path / "decoder.tflite"
    zoo.export.write_part(decoder, path, "litert")
    assert not [one for one in recwarn if "operators" in str(one.message)]
    interpreter = tf.lite.Interpreter(str(path))
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    z = np.ones((1, 2), "float32")
    interpreter.set_tensor(entry["index"], z)
    interpreter.invoke()
    (result,) = interpreter.get_output_details()
    np.testing.assert_allclose(
        interpreter.get_tensor(result["index"]), numpy_of(decoder(z)), atol=1e-5
    )
