import inspect
import random

import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import GaussianLatent
from keras_capsvae import GaussianReconstruction
from tests import capsule_oracles
from tests import oracles
from tests.helpers import check_builder
from tests.helpers import check_export
from tests.helpers import numpy_of
from tests.helpers import random_data
from tests.helpers import tensorflow_only
from tests.helpers import upcoming_noise
from tests.outputs import as_x
from tests.outputs import outputs_of
from zoo import evaluation
from zoo.datasets import feeds
from zoo.registry import builder_of

NAMES = zoo.list_models()
ORIGINAL_LOSSES = {
    "dense_vae": oracles.dense_vae_loss,
    "conv_vae": oracles.conv_vae_loss,
    "conditional_vae": oracles.conditional_vae_loss,
    "poem_vae": oracles.poem_vae_loss,
}


def values_of(model):
    """Weights, those that are drawn at random first."""
    trained = [np.array(variable) for variable in model.trainable_variables]
    return [*trained, *model.get_weights()]


def latent_dim_of(model):
    return model.decoder.inputs[0].shape[-1]


@pytest.mark.parametrize("name", NAMES)
def test_contract(name):
    check_builder(name)


@pytest.mark.thorough
@tensorflow_only
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow)
        if name in ("capsnet", "deep_conv_vae", "matrix_capsnet")
        else name
        for name in NAMES
    ],
)
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
        model.latent.seed_generator, (8, latent_dim_of(model))
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
    "poem_vae": {
        "vocabulary": "日月山水",
        "sentence_length": 3,
        "hidden_dim": 3,
        "latent_dim": 2,
    },
}
# Not decoder_conv_1: behind a ReLU it starts at the kink of its own.
CHECKED_LAYERS = {
    "characters",
    "encoder_conv_1",
    "pixels",
    "probabilities",
    "variables",
    "z_log_var",
    "z_mean",
}


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
        model.latent.seed_generator, (4, latent_dim_of(model))
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
    ("cluster_vae", {"input_shape": (8, 12, 3)}),
    *[
        ("conditional_vae", {"condition": condition, "num_classes": 3})
        for condition in ("decoder", "both")
    ],
    *[("conditional_vae", {"num_classes": count}) for count in (1, 2, 100)],
]
CLASSIFIER_SIZES = [
    ("capsnet", {"input_shape": (17, 20, 3), "num_classes": 2}),
    ("efficient_capsnet", {"input_shape": (11, 20, 3), "num_classes": 2}),
    ("efficient_cnn", {"input_shape": (11, 20, 3), "num_classes": 2}),
    *[
        (name, {"input_shape": size})
        for name in ("capsule_cnn", "pooling_cnn")
        for size in [(14, 14, 1), (40, None, 3)]
    ],
    ("capsule_cnn", {"num_classes": 2}),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "arguments"), CLASSIFIER_SIZES)
def test_sizes_of_classifiers_build_and_train(name, arguments):
    model = zoo.create_model(name, **arguments, seed=0)
    height, width, channels = arguments.get("input_shape", (28, 28, 1))
    random = np.random.default_rng(0)
    images = random.random((3, height or 40, width or 18, channels))
    labels = np.array([0, 1, 1])
    before = values_of(model)
    history = model.fit(images, labels, batch_size=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    for one, other in zip(before, values_of(model), strict=True):
        assert np.isfinite(other).all()
        assert not np.array_equal(one, other)
    count = arguments.get("num_classes", 10)
    for few in (1, 3):
        assert model.predict(images[:few], verbose=0).shape == (few, count)


def test_capsule_cnn_is_the_net_of_the_post():
    model = zoo.capsule_cnn(seed=0, compile=False)
    weights = {
        layer.name: [np.array(w, "float64") for w in layer.get_weights()]
        for layer in model.layers
    }
    random = np.random.default_rng(0)
    for shape in ((15, 14, 1), (16, 20, 1)):
        images = random.random((2, *shape))
        np.testing.assert_allclose(
            model.predict(images, verbose=0),
            capsule_oracles.capsule_cnn_scores(weights, images),
            rtol=1e-4,
            atol=1e-5,
        )


@pytest.mark.parametrize("name", sorted(set(SMALL) - {"poem_vae"}))
@pytest.mark.parametrize("gradient", ["plain", "dreg"])
def test_every_autoencoder_of_images_takes_several_samples(name, gradient):
    model = zoo.create_model(
        name,
        **SMALL[name],
        num_samples=3,
        gradient=gradient,
        seed=0,
        jit_compile=False,
    )
    inputs, _ = random_data(model, count=5)
    history = model.fit(as_x(inputs), batch_size=3, verbose=0).history
    parts = history["reconstruction_loss"][0] + history["kl_loss"][0]
    assert history["loss"][0] < parts
    assert model.predict(as_x(inputs), verbose=0).shape == inputs[0].shape
    assert model.generate(2).shape == (2, *inputs[0].shape[1:])


def test_importance_weighted_vae_trains_as_the_paper():
    model = zoo.importance_weighted_vae(num_samples=1)
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert model.optimizer.epsilon == 1e-4
    assert zoo.dense_vae(optimizer="adam").optimizer.epsilon == 1e-7
    assert [layer.name for layer in model.encoder.layers[1:3]] == [
        "encoder_hidden_1",
        "encoder_hidden_2",
    ]
    with pytest.raises(ValueError, match="num_samples=0"):
        zoo.importance_weighted_vae(num_samples=0)
    with pytest.raises(ValueError, match="num_samples=0"):
        zoo.dense_vae(num_samples=0)


@pytest.mark.parametrize("routing", ["kmeans", "agreement", "dynamic"])
def test_routing_of_a_builder(routing):
    model = zoo.capsule_cnn(routing=routing, routings=2, compile=False)
    layer = model.get_layer("capsules")
    assert (layer.routing, layer.routings) == (routing, 2)
    with pytest.raises(ValueError, match="routing='mean'"):
        zoo.capsule_cnn(routing="mean")


@pytest.mark.parametrize(
    ("name", "input_shape", "message"),
    [
        ("capsnet", (16, 28, 1), "height must be at least 17"),
        ("capsnet", (28, 16, 1), "width must be at least 17"),
        ("capsnet", (None, 28, 1), "height must be known"),
        ("capsule_cnn", (13, None, 1), "height must be at least 14"),
        (
            "efficient_capsnet",
            (10, 28, 1),
            "height must be at least 11.*--resi",
        ),
        ("efficient_cnn", (28, None, 1), "width must be known"),
        ("pooling_cnn", (28, 13, 1), "width must be at least 14"),
        ("pooling_cnn", (28, 28, None), "`channels` must be an integer"),
        ("capsule_cnn", (28, 28), "height, width, channels"),
    ],
)
def test_image_shapes_that_the_convolutions_cannot_take(
    name, input_shape, message
):
    with pytest.raises((ValueError, TypeError), match=message):
        zoo.create_model(name, input_shape=input_shape)


def test_images_too_small_for_a_model_of_any_size():
    model = zoo.capsule_cnn()
    with pytest.raises(ValueError, match="too small.*capsule_cnn.*13"):
        model.fit(np.ones((2, 13, 20, 1)), np.zeros(2), verbose=0)


@pytest.mark.parametrize("name", ["capsule_cnn", "pooling_cnn"])
def test_labels_of_all_forms_give_the_same_loss(name):
    model = zoo.create_model(name, seed=0)
    (images,), labels = random_data(model, count=3)
    results = [
        model.evaluate(images, given, verbose=0)
        for given in (labels, labels[:, None], np.eye(10)[labels])
    ]
    np.testing.assert_allclose(results[1:], [results[0]] * 2, rtol=1e-6)


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
    # Texts come back with an axis of characters.
    shape = model.predict(as_x(inputs), verbose=0).shape
    assert shape[: inputs[0].ndim] == inputs[0].shape


@pytest.mark.parametrize("name", NAMES)
def test_the_parameters_of_a_card_are_those_of_the_net(name):
    model = zoo.create_model(name, compile=False)
    received = sum(np.size(weight) for weight in model.trainable_weights)
    assert zoo.model_info(name)["parameters"] == received


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize("name", NAMES)
def test_layers_are_channels_last_whatever_the_setting(name, channels_first):
    """So that nothing in their configs follows it."""
    model = zoo.create_model(name, compile=False)
    formats = {
        layer.get_config().get("data_format")
        for layer in model._flatten_layers()
    }
    assert formats <= {None, "channels_last"}


@pytest.mark.parametrize("name", ["conv_vae", "capsule_cnn", "pooling_cnn"])
def test_shipped_weights_predict_the_same_channels_first(name, request):
    def predictions():
        model = zoo.create_model(name, weights="mnist", compile=False)
        (images,), _ = random_data(model, count=2, side=28)
        return numpy_of(outputs_of(model, [images])[-1])

    expected = predictions()
    request.getfixturevalue("channels_first")
    np.testing.assert_array_equal(predictions(), expected)


@pytest.mark.parametrize("name", ["dense_vae", "conv_vae", "conditional_vae"])
@pytest.mark.parametrize("gradient", ["stl", "dreg", "foo"])
def test_a_gradient_needs_several_samples(name, gradient):
    with pytest.raises(ValueError, match=f"gradient='{gradient}' with num_sa"):
        zoo.create_model(name, gradient=gradient)


def test_an_unknown_gradient():
    with pytest.raises(ValueError, match="gradient='foo'"):
        zoo.dense_vae(4, gradient="foo", num_samples=2)


@pytest.mark.parametrize("name", NAMES)
def test_layers_carry_the_promised_names(name):
    model = zoo.create_model(name, compile=False)
    assert model.name == name
    if not evaluation.has_latents(model):
        return
    if not isinstance(model.latent, GaussianLatent):
        return
    for head in ("z_mean", "z_log_var"):
        layer = model.encoder.get_layer(head)
        assert isinstance(layer, keras.layers.Dense)
        assert layer.units == latent_dim_of(model)


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_seed_fixes_weights_and_noise(name):
    one, same, other = (
        zoo.create_model(name, seed=seed, compile=False) for seed in (1, 1, 2)
    )
    for left, right in zip(values_of(one), values_of(same), strict=True):
        np.testing.assert_array_equal(left, right)
    assert not np.isclose(values_of(one)[0], values_of(other)[0]).all()
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
        values_of(zoo.create_model(name, compile=False))[0] for _ in range(2)
    ]
    assert not np.array_equal(*kernels)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [0, -1])
def test_sizes_below_one(name, size):
    parameters = inspect.signature(builder_of(name)).parameters
    counts = ("latent_dim", "num_latents", "num_classes", "filters")
    argument = next(name for name in counts if name in parameters)
    with pytest.raises(ValueError, match=f"{argument}={size}"):
        zoo.create_model(name, **{argument: size})


@pytest.mark.parametrize("size", [2.0, "2", True])
def test_sizes_must_be_integers(size):
    with pytest.raises(TypeError, match="`latent_dim` must be an integer"):
        zoo.dense_vae(latent_dim=size)


@pytest.mark.parametrize(
    ("input_shape", "message"),
    [
        ((30, 28, 1), "height must be a multiple of 4.*32"),
        ((28, 29, 1), "width must be a multiple of 4.*28x28"),
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
    if feeds.takes_text(model):
        pytest.skip("it takes ids of characters")
    if getattr(model.loss, "target_range", (0, 1)) is None:
        pytest.skip("its loss scores any number")
    inputs, targets = random_data(model, count=2)
    inputs[0] = (inputs[0] * 255).astype("uint8")
    before = values_of(model)
    with pytest.raises(ValueError, match="divide 8-bit images by 255"):
        model.fit(as_x(inputs), targets, verbose=0)
    for one, other in zip(before, values_of(model), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_loss_of_any_number_lifts_the_range():
    model = zoo.dense_vae(4, loss=GaussianReconstruction())
    with pytest.warns(UserWarning, match="ends in a sigmoid"):
        model.fit(np.full((2, 4), 2.0), verbose=0)


@pytest.mark.thorough
def test_bytes_for_a_loss_of_any_number_are_warned_of():
    model = zoo.cluster_vae((4, 4, 1), jit_compile=False)
    images = np.full((2, 4, 4, 1), 200, "uint8")
    with pytest.warns(UserWarning, match="divide 8-bit images by 255"):
        model.fit(images, verbose=0)


def test_matrix_capsnet_trains_beta_a_at_the_pace_of_other_weights():
    model = zoo.matrix_capsnet((17, 17, 1), 2, (3, 2, 2, 2), compile=False)
    routed = [layer for layer in model.layers if hasattr(layer, "beta_a")]
    assert len(routed) == 3
    for layer in routed:
        assert layer.final_lambda == 1
        np.testing.assert_array_equal(numpy_of(layer.beta_a.value), -10)
