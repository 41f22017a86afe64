"""Parts of a model that keep their weights while the rest is trained."""

import functools

import keras

from keras_capsvae import CapsuleNetwork
from keras_capsvae import Classifier
from keras_capsvae import VariationalAutoencoder


@functools.singledispatch
def parts_of(model: keras.Model) -> dict[str, list[keras.layers.Layer]]:
    """Name → layers, of each part of a kind of model that can be frozen."""
    return {}


@parts_of.register(Classifier)
def _of_classifier(model):
    of_classes = {id(layer) for layer in model.class_layers}
    layers = _single_layers(model)
    return {"features": [one for one in layers if id(one) not in of_classes]}


@parts_of.register(CapsuleNetwork)
def _of_capsules(model):
    parts = _of_classifier(model)
    if model.decoder is not None:
        parts["decoder"] = [model.decoder]
    return parts


@parts_of.register(VariationalAutoencoder)
def _of_autoencoder(model):
    return {
        "encoder": [model.encoder],
        "latent": [model.latent],
        "decoder": [model.decoder],
    }


def freeze_parts(model: keras.Model, names: str) -> None:
    """Keep parts of a model as they are; to be compiled afterwards.

    Args:
        model: The model.
        names: Names of parts, with commas between them.

    Raises:
        TypeError: If the names are no string.
        ValueError: If the model has no such part, or nothing is left to train.
    """
    if not isinstance(names, str):
        raise TypeError(
            "`freeze` must be a string, names of parts with commas between "
            f"them. Received: freeze={names!r:.40} of type "
            f"{type(names).__name__}"
        )
    parts = parts_of(model)
    asked = [name.strip() for name in names.split(",")]
    if not set(asked) <= set(parts):
        raise ValueError(
            f"`freeze` must name parts of {model.name}, out of {list(parts)}. "
            f"Received: freeze={names!r}"
        )
    for layer in (layer for name in asked for layer in parts[name]):
        layer.trainable = False
    if not model.trainable_variables:
        raise ValueError(
            f"`freeze` must leave something of {model.name} to be trained. "
            f"Received: freeze={names!r}"
        )


def _single_layers(model):
    """The layers of a model, those of the models among them one by one."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _single_layers(layer)
        else:
            yield layer
