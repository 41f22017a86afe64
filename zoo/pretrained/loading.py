"""Weights of a file into a model that they fit, or all but one layer of it."""

import contextlib
import functools
import pathlib
import tempfile
import warnings
import zipfile

import h5py
import keras

from keras_capsvae import Classifier
from keras_capsvae import Latent
from keras_capsvae.layers.seeded import SeededLayer

UNREADABLE = (ValueError, OSError, KeyError, zipfile.BadZipFile)
WEIGHTS_IN_MODEL = "model.weights.h5"  # of a `.keras` file
# Layers that only keras-capsvae 0.1 had.
FIRST_VERSION = {"kl_loss", "importance_weighting", "capsule_decoder"}


@functools.singledispatch
def class_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a model that weights for other classes do not fit."""
    return []


@class_layers.register
def _(model: Classifier):
    return model.class_layers


def load_all_that_fits(
    model: keras.Model, path: pathlib.Path, name: str, reason: str
) -> None:
    """Load a file of weights, all but the class layer if that does not fit.

    What says how a model is trained (β, a capacity, seeds) stays as it is.

    Args:
        model: The model.
        path: Path of a `.weights.h5` or `.keras` file.
        name: Name of the model in the zoo.
        reason: What its weights were built with, if they do not fit.

    Raises:
        ValueError: If they do not.
    """
    asked_for = _values(
        variable
        for layer in model.layers
        for variable in _variables_of_training(layer)
    )
    of_classes = class_layers(model)
    untrained = _values(
        variable for layer in of_classes for variable in layer.variables
    )
    try:
        _load_quietly(model, path)
    except UNREADABLE as error:
        if not (of_classes and _load_all_but(of_classes, model, path)):
            raise _unfitting(name, path, reason, error) from error
        _assign(untrained)
        names = " and ".join(layer.name for layer in of_classes)
        warnings.warn(
            f"{path.name} holds weights for other classes than the "
            f"{model.num_classes} of {model.name}: all are loaded but those of "
            f"{names}, which must be trained",
            stacklevel=4,
        )
    # The file also holds the seed and KL weight of the training that made it.
    _assign(asked_for)


def load_of_loss(model: keras.Model, path: pathlib.Path) -> None:
    """Load what a loss has learned, if both the model and the file have it.

    To be called once the model is compiled.
    """
    held = getattr(model, "trained_by_loss", None)
    if held is None:
        return
    others = [*model.layers, model.optimizer]
    with warnings.catch_warnings(), _weights_file(path) as file:
        warnings.simplefilter("ignore")  # that others have learned none
        model.load_weights(file, skip_mismatch=True, objects_to_skip=others)


def _load_all_but(layers, model, path):
    """Whether the weights of all other layers fit, and then are loaded."""
    try:
        with _weights_file(path) as file:
            _load_quietly(model, file, objects_to_skip=layers)
    except UNREADABLE:
        return False
    return True


@contextlib.contextmanager
def _weights_file(path):
    """The file of weights; of a `.keras` file that inside of it."""
    with tempfile.TemporaryDirectory() as folder:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                path = archive.extract(WEIGHTS_IN_MODEL, folder)
        yield path


def _load_quietly(model, path, **options):
    """Without the warnings of Keras on what it then fails of."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.load_weights(path, **options)
    for one in () if options else told:
        warnings.warn_explicit(
            one.message, one.category, one.filename, one.lineno
        )


def _unfitting(name, path, reason, error):
    if _is_of_first_version(path):
        return ValueError(
            f"The weights in {path} were saved by keras-capsvae 0.1, whose "
            "layers had other places in a file: load them with 0.1"
        )
    return ValueError(
        f"The weights in {path} do not fit this {name}: built with {reason}, "
        f"or a damaged file. {error}"
    )


def _values(variables):
    """Pairs of variables and what they hold."""
    return [
        (variable, keras.ops.convert_to_numpy(variable).copy())
        for variable in variables
    ]


def _assign(values):
    for variable, value in values:
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
    return [*layer.scheduled, layer.seed_generator.state]


@_variables_of_training.register
def _(layer: SeededLayer):
    return [layer.seed_generator.state]
