import random

import keras
import numpy as np
import pytest

import zoo
from tests import oracles
from tests.helpers import check_builder
from tests.helpers import check_export
from tests.helpers import random_data
from tests.helpers import tensorflow_only
from tests.helpers import upcoming_noise

NAMES = zoo.list_models()
ORIGINAL_LOSSES = {
    "dense_vae": oracles.dense_vae_loss,
    "conv_vae": oracles.conv_vae_loss,
    "conditional_vae": oracles.conditional_vae_loss,
}


def values_of(model):
    return [np.array(variable) for variable in model.get_weights()]


def as_x(inputs):
    return inputs if len(inputs) > 1 else inputs[0]


@pytest.mark.parametrize("name", NAMES)
def test_contract(name):
    check_builder(name)


@tensorflow_only
@pytest.mark.parametrize("name", NAMES)
def test_export(name):
    check_export(name)


@pytest.mark.parametrize("name", NAMES)
def test_variables_have_paths_of_their_own(name):
    # PyTorch modules find their parameters by path.
    model = zoo.create_model(name)
    paths = [variable.path for variable in model.trainable_variables]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("kl_weight", [1.0, 0.25])
@pytest.mark.parametrize("name", ORIGINAL_LOSSES)
def test_loss_is_that_of_the_original(name, kl_weight):
    model = zoo.create_model(
        name, kl_weight=kl_weight, seed=0, jit_compile=False
    )
    inputs, _ = random_data(model, count=8)
    model.fit(as_x(inputs), epochs=2, batch_size=4, verbose=0)
    noise = upcoming_noise(
        model.get_layer("sampling").seed_generator, (8, model.latent_dim)
    )
    received = model.evaluate(as_x(inputs), verbose=0, return_dict=True)
    expected = ORIGINAL_LOSSES[name](
        oracles.weights_of(model), *inputs, noise, kl_weight
    )
    assert abs(received["loss"] - expected) <= 1e-5 * abs(expected)


SMALL = {
    "dense_vae": {"original_dim": 5, "intermediate_dim": 4},
    "conv_vae": {"input_shape": (4, 4, 1)},
    "conditional_vae": {
        "original_dim": 5,
        "num_classes": 3,
        "intermediate_dim": 4,
    },
}
CHECKED_LAYERS = {"z_mean", "z_log_var", "class_mean", "pixels"}


@pytest.mark.parametrize("name", ORIGINAL_LOSSES)
def test_gradients_are_those_of_the_original_loss(name):
    model = zoo.create_model(
        name,
        **SMALL[name],
        seed=0,
        jit_compile=False,
        optimizer="sgd",
        learning_rate=1.0,
    )
    inputs, _ = random_data(model, count=4)
    noise = upcoming_noise(
        model.get_layer("sampling").seed_generator, (4, model.latent_dim)
    )
    before = oracles.weights_of(model)
    model.fit(as_x(inputs), shuffle=False, verbose=0)
    after = oracles.weights_of(model)
    checked = 0
    for part, layers in before.items():
        for layer in CHECKED_LAYERS & set(layers):
            for i, array in enumerate(layers[layer]):

                def loss(value):
                    layers[layer][i] = value
                    return ORIGINAL_LOSSES[name](before, *inputs, noise)

                expected = oracles.central_differences(loss, array)
                layers[layer][i] = array
                np.testing.assert_allclose(
                    array - after[part][layer][i],
                    expected,
                    rtol=1e-5,
                    atol=2e-6,
                )
                checked += 1
    assert checked >= 6


DENSE_SIZES = [32 * 32 * 3, 40 * 56 * 3, 1]
IMAGE_SIZES = [(32, 32, 3), (40, 56, 3), (4, 4, 1)]
SIZES = [
    *[("dense_vae", {"original_dim": size}) for size in DENSE_SIZES],
    *[("conv_vae", {"input_shape": size}) for size in IMAGE_SIZES],
    *[("conditional_vae", {"original_dim": size}) for size in DENSE_SIZES],
    *[(name, {"latent_dim": dim}) for name in SMALL for dim in (1, 128)],
    *[("conditional_vae", {"num_classes": count}) for count in (1, 2, 100)],
]


@pytest.mark.parametrize(("name", "arguments"), SIZES)
def test_sizes_build_and_train(name, arguments):
    model = zoo.create_model(name, **arguments, seed=0, jit_compile=False)
    inputs, _ = random_data(model, count=2)
    before = values_of(model.decoder)
    history = model.fit(as_x(inputs), verbose=0).history
    assert np.isfinite(history["loss"]).all()
    for one, other in zip(before, values_of(model.decoder), strict=True):
        assert np.isfinite(other).all()
        assert not np.array_equal(one, other)
    assert model.predict(as_x(inputs), verbose=0).shape == inputs[0].shape


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("dense_vae", 404_244),
        ("conv_vae", 134_165),
        ("conditional_vae", 404_266),
    ],
)
def test_default_parameters(name, parameters):
    model = zoo.create_model(name, compile=False)
    received = sum(np.size(weight) for weight in model.trainable_weights)
    assert received == parameters
    assert zoo.model_info(name)["parameters"] == parameters


@pytest.mark.parametrize("name", NAMES)
def test_layers_carry_the_promised_names(name):
    model = zoo.create_model(name, compile=False)
    assert model.name == name
    for head in ("z_mean", "z_log_var"):
        layer = model.encoder.get_layer(head)
        assert isinstance(layer, keras.layers.Dense)
        assert layer.units == model.latent_dim


@pytest.mark.parametrize("name", NAMES)
def test_seed_fixes_weights_and_noise(name):
    one, same, other = (
        zoo.create_model(name, seed=seed, compile=False) for seed in (1, 1, 2)
    )
    for left, right in zip(values_of(one), values_of(same), strict=True):
        np.testing.assert_array_equal(left, right)
    kernels = [
        model.encoder.get_layer("z_mean").get_weights()[0]
        for model in (one, other)
    ]
    assert not np.isclose(*kernels).all()
    inputs, _ = random_data(one, count=2)
    first, second, third = (
        np.array(model.predict(as_x(inputs), verbose=0))
        for model in (one, same, other)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, third)


@pytest.mark.parametrize("seed", [None, 3])
def test_pythons_random_state_is_untouched_by_a_seed(seed):
    random.seed(0)
    state = random.getstate()
    zoo.dense_vae(4, seed=seed, compile=False)
    assert (random.getstate() == state) == (seed is not None)


def test_pythons_random_state_is_restored_after_an_error():
    state = random.getstate()
    with pytest.raises(ValueError):
        zoo.dense_vae(0, seed=1)
    assert random.getstate() == state


@pytest.mark.parametrize("name", NAMES)
def test_unseeded_models_differ(name):
    kernels = [
        zoo.create_model(name, compile=False)
        .encoder.get_layer("z_mean")
        .get_weights()[0]
        for _ in range(2)
    ]
    assert not np.array_equal(*kernels)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [0, -1])
def test_sizes_below_one(name, size):
    with pytest.raises(ValueError, match=f"latent_dim={size}"):
        zoo.create_model(name, latent_dim=size)


@pytest.mark.parametrize("size", [2.0, "2", True])
def test_sizes_must_be_integers(size):
    with pytest.raises(TypeError, match="`latent_dim` must be an integer"):
        zoo.dense_vae(latent_dim=size)


@pytest.mark.parametrize(
    ("input_shape", "message"),
    [
        ((30, 28, 1), "height must be a multiple of 4.*32"),
        ((28, 29, 1), "width must be a multiple of 4.*32"),
        ((28, 28), "height, width, channels"),
        (784, "height, width, channels"),
        ((0, 28, 1), "height=0"),
    ],
)
def test_image_shapes_that_the_decoder_cannot_give_back(input_shape, message):
    with pytest.raises(ValueError, match=message):
        zoo.conv_vae(input_shape)


@pytest.mark.parametrize("name", NAMES)
def test_bytes_are_refused(name):
    model = zoo.create_model(name, seed=0)
    inputs, _ = random_data(model, count=2)
    inputs[0] = (inputs[0] * 255).astype("uint8")
    before = values_of(model)
    with pytest.raises(ValueError, match="divide 8-bit images by 255"):
        model.fit(as_x(inputs), verbose=0)
    for one, other in zip(before, values_of(model), strict=True):
        np.testing.assert_array_equal(one, other)


def test_bytes_are_refused_whatever_the_loss():
    model = zoo.dense_vae(4, loss="mean_squared_error")
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        model.fit(np.full((2, 4), 2.0), verbose=0)
