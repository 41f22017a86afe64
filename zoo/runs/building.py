"""The net of a run, before its first step."""

import copy
import warnings

import keras

from keras_capsvae import TabularAutoencoder
from zoo import datasets
from zoo.datasets import run_feeds
from zoo.datasets.labels import shortened
from zoo.pretrained.loading import class_layers
from zoo.pretrained.manifest import made_for
from zoo.pretrained.manifest import tags_of
from zoo.registry import builder_of
from zoo.registry import training_of
from zoo.runs.folder import class_names_of
from zoo.settings import Settings


def built(settings: Settings, is_new: bool) -> keras.Model:
    """The net of a run; a new one begins with the weights asked for."""
    arguments = dict(settings.arguments)
    given = {
        name: getattr(settings, name)
        for name in ("learning_rate", "weights", "freeze")
        if getattr(settings, name)
    }
    arguments |= given
    weights = arguments.pop("weights", None)
    if is_new and weights is not None:
        arguments["weights"] = weights
    else:
        arguments = made_for(settings.model, weights) | arguments
    arguments["seed"] = settings.seed
    model = _net_of(settings, arguments)
    if arguments.get("weights") is not None:
        _begin_anew_for_other_names(model, settings, arguments)
    return model


def adapt(model: keras.Model, settings: Settings) -> None:
    """Bring a model to the mean of its data, where it asks for that."""
    training = training_of(settings.model)
    is_random = not (settings.weights or settings.arguments.get("weights"))
    if training.adapts and is_random and not settings.streaming:
        model.adapt(run_feeds.arrays_of_run(model, settings).x_train)
    if isinstance(model, TabularAutoencoder) and settings.columns:
        numbers, categories = datasets.split_columns(dict(settings.columns))
        if not categories:  # of which a frame has one column, the model many
            model.column_names = tuple(numbers)


def _net_of(settings, arguments):
    # Keras takes the config of an optimizer to pieces while it reads it.
    return builder_of(settings.model)(**copy.deepcopy(arguments))


def _begin_anew_for_other_names(model, settings, arguments):
    """Begin the class layer anew where its weights know other classes.

    As many classes of other names fit the weights, which would take "ball"
    for what they have learned of another class. Names of another number have
    been told of while the weights were loaded.
    """
    weights, own = arguments["weights"], settings.class_names
    if str(weights) in tags_of(settings.model) or own is None:
        return
    known, layers = class_names_of(weights), class_layers(model)
    if not (known and layers) or known == own or len(known) != len(own):
        return
    others = {
        name: one
        for name, one in arguments.items()
        if name not in ("weights", "freeze")
    }
    sizes = made_for(settings.model, weights) | others
    fresh = _net_of(settings, sizes)
    for layer, new in zip(layers, class_layers(fresh), strict=True):
        layer.set_weights(new.get_weights())
    names = " and ".join(layer.name for layer in layers)
    warnings.warn(
        f"{weights} tells apart {shortened(known)}; the data hold "
        f"{shortened(own)}: all weights are loaded but those of {names}, which "
        "must be trained",
        stacklevel=2,
    )
