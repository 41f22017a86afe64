"""Shipped weights: found by tag, checked, loaded into a model."""

import functools
import hashlib
import os
import pathlib
import warnings
import zipfile

import h5py
import keras

from keras_capsvae import Latent
from keras_capsvae.layers.seeded import SeededLayer
from zoo.pretrained import manifest

UNREADABLE = (ValueError, OSError, KeyError, zipfile.BadZipFile)
# Layers that only keras-capsvae 0.1 had.
FIRST_VERSION = {"kl_loss", "importance_weighting", "capsule_decoder"}
NOT_INSISTED_ON = ("routings",)  # weights can be loaded whatever they are


def load(
    model: keras.Model,
    name: str,
    weights: str | os.PathLike,
    arguments: dict,
) -> None:
    """Load weights into a model that `name(**arguments)` built.

    Args:
        model: The model.
        name: Its name in the zoo.
        weights: A tag of the manifest, or the path of a `.weights.h5` or
            `.keras` file.
        arguments: The builder's arguments, to say which one differs.

    Raises:
        ValueError: If there is no such tag or file, the file is corrupt, or it
            was made with other arguments.
    """
    tags = manifest.tags_of(name)
    entry = tags.get(str(weights))
    if entry is None:
        path = pathlib.Path(weights)
        if not path.is_file():
            raise ValueError(
                f"`weights` must be None, a tag out of {sorted(tags)} or the "
                f"path of a file. Received: weights={str(weights)!r}"
            )
    else:
        path = manifest.FOLDER / entry["file"]
        _check_file(path, entry["sha256"])
        _check_arguments(name, weights, entry["arguments"], arguments)
    _load_trained(model, name, path)


def sha256(path: str | os.PathLike) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def _check_file(path, expected):
    if not path.is_file():
        raise ValueError(
            f"The shipped weights {path.name} are missing from {path.parent}. "
            "Reinstall the package."
        )
    received = sha256(path)
    if received != expected:
        raise ValueError(
            f"The shipped weights {path.name} are damaged: expected sha256 "
            f"{expected}. Received: {received}. Reinstall the package."
        )


def _check_arguments(name, tag, expected, arguments):
    different = {
        key: f"{key}={value!r} instead of {_plain(arguments[key])!r}"
        for key, value in expected.items()
        if _plain(arguments[key]) != value
    }
    if not different:
        return
    message = f"weights={tag!r} of {name} were trained with " + ", ".join(
        different.values()
    )
    if not different.keys() <= set(NOT_INSISTED_ON):
        raise ValueError(message)
    warnings.warn(message, stacklevel=4)


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def _load_trained(model, name, path):
    asked_for = [
        (variable, keras.ops.convert_to_numpy(variable))
        for layer in model.layers
        for variable in _variables_of_training(layer)
    ]
    try:
        model.load_weights(path)
    except UNREADABLE as error:
        if _is_of_first_version(path):
            raise ValueError(
                f"The weights in {path} were saved by keras-capsvae 0.1, whose "
                "layers had other places in a file: load them with 0.1"
            ) from error
        raise ValueError(
            f"The weights in {path} do not fit this {name}: built with other "
            f"arguments, or a damaged file. {error}"
        ) from error
    # The file also holds the seed and KL weight of the training that made it.
    for variable, value in asked_for:
        variable.assign(value)


def _is_of_first_version(path):
    """Whether a file holds layers that only keras-capsvae 0.1 had."""
    try:
        with h5py.File(path) as file:
            return not FIRST_VERSION.isdisjoint(file.get("layers", ()))
    except OSError:  # damaged, or of another kind
        return False


@functools.singledispatch
def _variables_of_training(layer):
    return []


@_variables_of_training.register
def _(layer: Latent):
    return [layer.beta, layer.seed_generator.state]


@_variables_of_training.register
def _(layer: SeededLayer):
    return [layer.seed_generator.state]
