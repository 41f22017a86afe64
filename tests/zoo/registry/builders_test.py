import inspect

import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import BernoulliReconstruction
from tests.helpers import BACKEND
from zoo.cards.shared import OF_EVERY_BUILDER
from zoo.registry import builder_of
from zoo.registry import register
from zoo.registry.training import Training

NAMES = zoo.list_models()
SHARED = {
    "weights": None,
    "compile": True,
    "optimizer": None,
    "learning_rate": None,
    "loss": None,
    "metrics": None,
    "jit_compile": None,
    "seed": None,
}


def test_list_models():
    assert {"dense_vae", "conv_vae", "conditional_vae"} <= set(NAMES)
    assert sorted(NAMES) == NAMES
    assert zoo.list_models("dense*") == ["dense_vae"]
    assert zoo.list_models("nothing*") == []


@pytest.mark.parametrize("name", NAMES)
def test_every_model_is_a_function_of_the_package(name):
    builder = getattr(zoo, name)
    assert builder is builder_of(name)
    assert name in zoo.__all__
    parameters = inspect.signature(builder).parameters
    assert set(OF_EVERY_BUILDER) <= set(parameters)
    for parameter, default in SHARED.items():
        assert parameters[parameter].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters[parameter].default == default
        assert f"{parameter}:" in builder.__doc__


@pytest.mark.parametrize("name", NAMES)
def test_info(name):
    info = zoo.model_info(name)
    assert info["name"] == name
    for field in ("title", "title_zh", "description", "description_zh"):
        assert info[field]
    assert info["source"].startswith("https://")
    assert info["parameters"] > 0
    assert info["epochs"] > 0 and info["batch_size"] > 0
    assert info["arguments"]["name"] == name
    assert name in info["command"]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("dense_vea", "dense_vae"), ("convvae", "conv_vae")],
)
@pytest.mark.parametrize("function", [zoo.create_model, zoo.model_info])
def test_unknown_names_bring_the_nearest(function, name, nearest):
    with pytest.raises(ValueError) as error:
        function(name)
    hint = str(error.value).split("?")[0]
    assert f"Did you mean {nearest}" in hint
    assert repr(name) in str(error.value)


def test_unknown_arguments_bring_the_nearest():
    with pytest.raises(TypeError) as error:
        zoo.dense_vae(latent=3)
    hint, arguments = str(error.value).split("? ")
    assert hint.startswith("dense_vae() has no argument 'latent'. Did you mean")
    assert "latent_dim" in hint
    assert "'original_dim'" in arguments and "'seed'" in arguments
    assert arguments.endswith("Received: latent=3")


def test_a_name_like_no_other():
    with pytest.raises(ValueError, match="The zoo has.*'dense_vae'") as error:
        zoo.create_model("0123456789")
    assert "Did you mean" not in str(error.value)


def test_create_model_passes_arguments_on():
    model = zoo.create_model(
        "conditional_vae", original_dim=6, num_classes=4, latent_dim=3
    )
    assert [tensor.shape for tensor in model.inputs] == [(None, 6), (None, 4)]
    assert model.decoder.input_shape == (None, 3)
    with pytest.raises(TypeError, match=r"dense_vae\(\) .*no_such_argument"):
        zoo.create_model("dense_vae", no_such_argument=1)


def test_a_model_created_by_name_may_have_a_name():
    model = zoo.create_model("dense_vae", name="mine", original_dim=4)
    assert model.name == "mine"


def test_names_as_numpy_strings():
    name, given = np.array(["dense_vae", "mine"])
    assert zoo.create_model(name, name=given, original_dim=4).name == "mine"
    assert type(zoo.model_info(name)["name"]) is str
    assert zoo.list_models(np.str_("dense*")) == ["dense_vae"]
    expected = zoo.search("dense")
    assert zoo.search(np.str_("dense")) == expected
    with pytest.raises(ValueError, match="name='dense_vea'"):
        zoo.create_model(np.str_("dense_vea"))
    with pytest.raises(ValueError, match="weights='huge'"):
        zoo.create_model(name, weights=np.str_("huge"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zoo.create_model(["dense_vae"]), "`name` must be a string"),
        (lambda: zoo.list_models(3), "`pattern` must be a string.*pattern=3"),
        (lambda: zoo.dense_vae(4, weights=3), "`weights` must be.*weights=3"),
        (lambda: zoo.dense_vae(4, seed=0.5), "`seed` must be.*seed=0.5"),
        (lambda: zoo.dense_vae(4, seed=True), "`seed` must be.*seed=True"),
    ],
)
def test_what_is_no_name_and_no_seed(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_a_seed_may_be_a_numpy_integer():
    one, other = (
        zoo.dense_vae(4, seed=seed, compile=False).get_weights()
        for seed in (3, np.int64(3))
    )
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "given",
    [
        {"optimizer": "adam"},
        {"learning_rate": 0.1},
        {"loss": "mean_squared_error"},
        {"metrics": []},
        {"jit_compile": False},
    ],
)
def test_what_an_uncompiled_model_has_no_use_for(given):
    (name,) = given
    with pytest.raises(ValueError, match=f"compile=False with {name}="):
        zoo.dense_vae(4, compile=False, **given)


def test_compiled_as_the_original():
    model = zoo.dense_vae(4)
    assert isinstance(model.optimizer, keras.optimizers.RMSprop)
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-3)
    assert isinstance(model.loss, BernoulliReconstruction)
    assert float(model.latent.beta) == 1
    assert bool(model.jit_compile) == (BACKEND in ("tensorflow", "jax"))


def test_training_arguments():
    model = zoo.dense_vae(
        4,
        optimizer="adam",
        learning_rate=0.5,
        loss="mean_squared_error",
        jit_compile=False,
        kl_weight=0.25,
        name="mine",
    )
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert float(model.optimizer.learning_rate) == 0.5
    assert model.loss == "mean_squared_error"
    assert model.jit_compile is False
    assert float(model.latent.beta) == 0.25
    assert model.name == "mine"


def test_uncompiled():
    assert not zoo.dense_vae(4, compile=False).compiled


def test_an_optimizer_of_ones_own():
    optimizer = keras.optimizers.SGD(0.3)
    model = zoo.dense_vae(4, optimizer=optimizer)
    assert model.optimizer is optimizer
    assert float(optimizer.learning_rate) == pytest.approx(0.3)
    with pytest.raises(ValueError, match="learning_rate=0.1"):
        zoo.dense_vae(4, optimizer=optimizer, learning_rate=0.1)


def test_a_name_is_registered_once():
    def dense_vae():
        raise AssertionError

    before = builder_of("dense_vae")
    with pytest.raises(ValueError, match="'dense_vae' is registered already"):
        register(Training("sgd", 1.0, BernoulliReconstruction))(dense_vae)
    assert builder_of("dense_vae") is before
