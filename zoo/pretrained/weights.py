"""Shipped weights: found by tag, checked, loaded into a model."""

import hashlib
import os
import pathlib
import warnings

import keras

from zoo.pretrained import manifest
from zoo.pretrained.loading import class_layers
from zoo.pretrained.loading import load_all_that_fits

NOT_INSISTED_ON = ("routings",)  # weights can be loaded whatever they are


def load(
    model: keras.Model,
    name: str,
    weights: str | os.PathLike,
    arguments: dict,
) -> None:
    """Load weights into a model that `name(**arguments)` built.

    Where a classifier has other classes than the net that the weights are for,
    its class layer is left as it was built, with a warning that names it.

    Args:
        model: The model.
        name: Its name in the zoo.
        weights: A tag of the manifest, or the path of a `.weights.h5` or
            `.keras` file or of a run folder.
        arguments: The builder's arguments, to say which one differs.

    Raises:
        ValueError: If there is no such tag or file, the file is corrupt, or it
            was made with other arguments.
    """
    entry = manifest.tags_of(name).get(str(weights))
    made_for = manifest.made_for(name, weights)
    different = _different(model, made_for, arguments)
    path = manifest.file_of(name, weights)
    if entry is not None:
        _check_file(path, entry["sha256"])
        _check_arguments(name, weights, different)
    reason = ", ".join(different.values()) or "other arguments"
    load_all_that_fits(model, path, name, reason)


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


def _different(model, expected, arguments):
    """Name → how an argument of the net differs from what weights are for."""
    different = {
        key: f"{key}={value!r:.60} instead of {_plain(arguments[key])!r:.60}"
        for key, value in expected.items()
        if key in arguments and not _agree(_plain(arguments[key]), value)
    }
    if class_layers(model):
        different.pop("num_classes", None)  # Loading tells of it.
    return different


def _check_arguments(name, tag, different):
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


def _agree(value, expected):
    """Whether they are equal, where `None` in a list stands for any size."""
    if not isinstance(expected, list) or not isinstance(value, list):
        return value == expected
    return len(value) == len(expected) and all(
        wanted in (None, one) for one, wanted in zip(value, expected)
    )
