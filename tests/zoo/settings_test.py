import dataclasses
import inspect
import json
import shlex

import click
import numpy as np
import pytest

from zoo import runs
from zoo.cli import main
from zoo.cli.training import train as train_command
from zoo.pretrained import manifest
from zoo.registry import builder_of
from zoo.runs.commands import command_of
from zoo.runs.folder import RunFolder
from zoo.runs.resuming import checked
from zoo.settings import ASKED_FOR
from zoo.settings import DEFAULTS
from zoo.settings import Settings

EVERY_OPTION = {
    "data": "digits",
    "epochs": 7,
    "batch_size": 12,
    "seed": 3,
    "learning_rate": 3e-4,
    "decay": "cosine",
    "kl_warm_up_steps": 2,
    "kl_curve": "sigmoid",
    "kl_cycles": 3,
    "capacity_warm_up": 5,
    "margin_epochs": 4,
    "shift": 1,
    "binarize": True,
    "patience": 5,
    "best": True,
    "steps_per_execution": 6,
    "weights": "mnist",
    "freeze": "encoder",
    "arguments": {"latent_dim": 3, "original_dim": 64},
}


def parsed(command):
    """The settings that a printed command gives, as click reads it."""
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "zoo", "train"]
    with train_command.make_context("train", words[4:]) as context:
        given = context.params
    given = {key: given[key] for key in ASKED_FOR}
    return Settings.of(context.params["name"], **given)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("dense_vae", {}),
        ("dense_vae", EVERY_OPTION),
        ("dense_vae", {"streaming": True, "data": "fashion_mnist"}),
        ("dense_vae", {"seed": np.int64(5), "batch_size": np.int32(8)}),
        ("dense_vae", {"arguments": {"weights": "3", "name": "a b='c'"}}),
        ("conditional_vae", {"data": "digits", "learning_rate": 1e-30}),
        ("conditional_vae", {"arguments": {"num_classes": 12}}),
        ("capsule_cnn", {"arguments": {"input_shape": [None, None, 1]}}),
        ("poem_vae", {"data": "tang"}),
        ("poem_vae", {"arguments": {"vocabulary": "山水月，。"}}),
        ("gated_cnn_classifier", {"arguments": {"unknown": "□"}}),
    ],
)
def test_the_recorded_command_gives_the_same_settings(name, options):
    settings = Settings.of(name, **options)
    assert parsed(command_of(settings)) == settings


def test_a_path_with_spaces_is_quoted(tmp_path):
    path = tmp_path / "my data's.npz"
    np.savez(path, x=np.zeros((20, 4, 4), "uint8"))
    settings = Settings.of("dense_vae", data=path)
    assert parsed(command_of(settings)) == settings


@pytest.mark.parametrize(
    "command",
    [
        command
        for tags in manifest.entries().values()
        for entry in tags.values()
        for command in entry["command"].split(" && ")
    ],
)
def test_the_commands_of_shipped_weights_still_are_commands(command):
    words = shlex.split(command)
    words = words[words.index("train") + 1 :]
    name = words[0]
    with train_command.make_context("train", words) as context:
        given = {key: context.params[key] for key in ASKED_FOR}
    given["arguments"].setdefault("num_classes", 10)  # those of MNIST
    parameters = inspect.signature(builder_of(name)).parameters
    if "num_classes" not in parameters:
        del given["arguments"]["num_classes"]
    if "vocabulary" in parameters:
        given["arguments"]["vocabulary"] = "山水"
        given["arguments"].setdefault("sentence_length", 10)
    assert Settings.of(name, **given).model == name


def test_another_backend_is_part_of_the_command():
    settings = dataclasses.replace(
        Settings.of("dense_vae"), keras_backend="jax"
    )
    assert command_of(settings).startswith("KERAS_BACKEND=jax python -m zoo")


def test_every_option_is_a_click_option_an_argument_and_documented():
    parameters = {one.name: one for one in train_command.params}
    signature = inspect.signature(runs.train).parameters
    for name, option in ASKED_FOR.items():
        assert parameters[name].opts == [option.flag]
        assert parameters[name].help.startswith(option.help)
        assert signature[name].default == DEFAULTS[name]
        assert f"{name}: {option.help}" in " ".join(
            inspect.getdoc(runs.train).split()
        )
    assert isinstance(main.commands["train"], click.Command)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "`epochs` must be at least 1"),
        ({"epochs": 1.5}, "`epochs` must be an integer"),
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"seed": -1}, "`seed` must be at least 0"),
        ({"shift": -1}, "`shift` must be at least 0"),
        ({"kl_warm_up": -2}, "`kl_warm_up` must be at least 0"),
        ({"kl_warm_up": 2, "kl_warm_up_steps": 9}, "give one of them"),
        ({"kl_curve": "sigmoid"}, "`kl_curve` .* must go with"),
        ({"kl_cycles": 3}, "`kl_cycles` .* must go with"),
        ({"margin_epochs": "x"}, "`margin_epochs` must be an integer"),
        ({"learning_rate": 0}, "`learning_rate` must be positive"),
        ({"learning_rate": np.nan}, "must be positive and finite"),
        ({"learning_rate": True}, "must be a number"),
        ({"decay": "linear"}, "`decay` must be one of"),
        ({"binarize": 2}, "`binarize` must be True or False"),
        ({"steps_per_execution": 0}, "must be at least 1"),
        ({"arguments": [1]}, "`arguments` must be a dict"),
        ({"arguments": {"optimizer": object()}}, "what JSON can hold"),
        ({"arguments": {"seed": 1}}, "a `seed` of its own"),
        ({"shift": 1, "streaming": True}, "in memory"),
        ({"layers": 3}, "takes the options"),
        (
            {"learning_rate": 0.1, "arguments": {"learning_rate": 0.2}},
            "must be given once",
        ),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_written(
    options, message, tmp_path
):
    with pytest.raises((ValueError, TypeError), match=message):
        runs.train("dense_vae", out=tmp_path / "a" / "run", **options)
    assert not list(tmp_path.iterdir())


def test_a_schedule_of_ones_own_excludes_another():
    rate = {"class_name": "CosineDecay", "config": {"decay_steps": 9}}
    optimizer = {"class_name": "Adam", "config": {"learning_rate": rate}}
    for more in ({"decay": "cosine"}, {"learning_rate": 0.1}):
        with pytest.raises(ValueError, match="a decay of its own"):
            Settings.of("dense_vae", arguments={"optimizer": optimizer}, **more)


def test_pytorch_takes_one_step_a_call():
    with pytest.raises(ValueError, match="must be 1 on PyTorch"):
        Settings("dense_vae", "torch", steps_per_execution=2)


def test_a_config_of_version_0_1_0_is_read(tmp_path):
    old = {
        "model": "dense_vae",
        "arguments": {"latent_dim": 2},
        "data": "digits",
        "batch_size": 100,
        "seed": 1,
        "streaming": False,
        "shift": 0,
        "keras_backend": "tensorflow",
        "kl_warm_up": 0,
        "margin_epochs": 0,
        "binarize": False,
    }
    folder = RunFolder(tmp_path)
    folder.config.write_text(json.dumps(old))
    read = folder.settings()
    assert {key: getattr(read, key) for key in old} == old
    now = Settings.of(
        "dense_vae",
        data="digits",
        epochs=3,
        seed=1,
        arguments={"latent_dim": 2},
    )
    if now.keras_backend == "tensorflow":
        gone_on = checked(now, read)
        assert gone_on.arguments == {"latent_dim": 2}  # and not of 8 × 8
        assert gone_on.image_shape is None and gone_on.epochs == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[]", "an object was expected"),
        (b"null", "an object was expected"),
        (b"3", "an object was expected"),
        (b"", "Expecting value"),
        (b'{"model": "dense', "Unterminated"),
        (b"\xff\xfe\x00", "utf-8"),
        (b"{}", "model"),
        (b'{"model": "dense_vae", "keras_backend": null}', "keras_backend"),
        (
            b'{"model": "m", "keras_backend": "jax", "seed": "x"}',
            "seed",
        ),
        (b'{"model": "m", "from_the_future": 1}', "another version"),
        (b"[" * 100_000, "damaged"),
    ],
)
def test_a_damaged_config_is_named(text, message, tmp_path):
    (tmp_path / runs.CONFIG).write_bytes(text)
    for read in (runs.config_of, runs.finish):
        with pytest.raises(ValueError, match=message) as error:
            read(tmp_path)
        assert str(tmp_path / runs.CONFIG) in str(error.value)
