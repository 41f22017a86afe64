"""Capsule nets in 16-bit policies, and quantised."""

import keras
import numpy as np
import pytest

import zoo
from tests.helpers import dtype_policy

BUILDERS = {
    "matrix_capsnet": lambda: zoo.matrix_capsnet(
        (17, 17, 1), 3, (8, 2, 2, 2), seed=0
    ),
    "capsule_cnn": lambda: zoo.capsule_cnn(num_classes=3, seed=0),
    "efficient_capsnet": lambda: zoo.efficient_capsnet((17, 17, 1), 3, seed=0),
    "capsnet": lambda: zoo.capsnet((17, 17, 1), 3, seed=0),
}


def data(count=32):
    """Images whose brightest third of rows is their class."""
    labels = np.arange(count) % 3
    images = 0.2 * np.random.default_rng(0).random((count, 17, 17, 1))
    for image, label in zip(images, labels):
        image[6 * label : 6 * label + 5] += 0.8
    return images.astype("float32"), labels


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["float16", "mixed_float16"])
@pytest.mark.parametrize("name", BUILDERS)
def test_training_in_float16_lowers_the_loss(name, policy):
    with dtype_policy(policy):
        model = BUILDERS[name]()
        images, labels = data()
        before = [np.asarray(w, "float32") for w in model.trainable_weights]
        losses = model.fit(
            images, labels, batch_size=8, epochs=4, verbose=0
        ).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    for weight, old in zip(model.trainable_weights, before):
        change = np.abs(np.asarray(weight, "float32") - old)
        assert change.max() < 0.5, weight.path


@pytest.mark.thorough
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="one backend is enough"
)
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize`")
@pytest.mark.parametrize("name", BUILDERS)
def test_quantized_nets_predict_about_the_same(name):
    model = BUILDERS[name]()
    images, _ = data(4)
    before = model.predict(images, verbose=0)
    model.quantize("int8")
    np.testing.assert_allclose(
        model.predict(images, verbose=0), before, atol=0.02
    )
    if name == "capsnet":
        assert model.decoder.get_layer("pixels").quantization_mode == "int8"
        assert np.isfinite(model.reconstruct(images)).all()
