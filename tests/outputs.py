"""What kinds of models compute, for tests that ask it of every model."""

import functools

import keras

import zoo  # noqa: F401  (classes are registered, for a fresh process)
from keras_capsvae import CapsuleNetwork
from keras_capsvae import CodeAutoencoder
from keras_capsvae import MatrixCapsuleNetwork
from keras_capsvae import VariationalAutoencoder


def as_x(inputs):
    """A list of arrays as a model takes it, a single one bare."""
    return inputs if len(inputs) > 1 else inputs[0]


def outputs_of(model, inputs):
    """All that a model computes of these inputs, as a flat list."""
    outputs = [model(as_x(inputs)), *_beside(model, inputs)]
    return keras.tree.flatten(outputs)


@functools.singledispatch
def _beside(model, inputs):
    """What a kind of model gives beside its output."""
    return []


@_beside.register
def _(model: MatrixCapsuleNetwork, inputs):
    return [model.capsules(inputs[0])]


@_beside.register
def _(model: CapsuleNetwork, inputs):
    capsules = [model.capsules(inputs[0])]
    if model.decoder is None:
        return capsules
    return [*capsules, model.reconstruct(inputs[0])]


@_beside.register
def _(model: VariationalAutoencoder, inputs):
    given = model.conditions.for_decoder(inputs[1:])
    z = model.encode(as_x(inputs))
    decoded = model.decode(z, condition=given or None)
    label = None if model.num_classes is None else 0
    drawn = model.draw_latents(3, label=label, seed=0)
    return [*model.posterior(as_x(inputs)), drawn, decoded]


@_beside.register
def _(model: CodeAutoencoder, inputs):
    codes = model.encode(as_x(inputs))
    drawn = model.draw_latents(3, seed=0, uniform=model.fitted_prior is None)
    return [codes, drawn, model.decode(codes)]


@functools.singledispatch
def served_of(model, served, inputs):
    """Pairs of what endpoints give and what the model itself gives.

    Args:
        model: The model.
        served: Its SavedModel.
        inputs: List of arrays.
    """
    return [(served.serve(as_x(inputs)), model.predict(as_x(inputs)))]


@served_of.register
def _(model: MatrixCapsuleNetwork, served, inputs):
    return [
        (served.serve(inputs[0]), model.predict(inputs[0])),
        (served.capsules(inputs[0]), model.capsules(inputs[0])),
    ]


@served_of.register
def _(model: CapsuleNetwork, served, inputs):
    x = inputs[0]
    pairs = [
        (served.serve(x), model.predict(x)),
        (served.capsules(x), model.capsules(x)),
    ]
    if model.decoder is None:
        return pairs
    return [*pairs, (served.reconstruct(x), model.reconstruct(x))]


@served_of.register
def _(model: VariationalAutoencoder, served, inputs):
    of_encoder = [inputs[0], *model.conditions.for_encoder(inputs[1:])]
    of_decoder = model.conditions.for_decoder(inputs[1:])
    z = model.encode(as_x(inputs))
    decoded = model.decode(z, condition=of_decoder or None)
    encoded = keras.tree.flatten(served.encode(as_x(of_encoder)))
    expected = model.posterior(as_x(inputs))
    if model.latent.num_codes is not None:
        expected = [z]
    return [
        *zip(encoded, expected, strict=True),
        (served.decode(as_x([z, *of_decoder])), decoded),
    ]


@served_of.register
def _(model: CodeAutoencoder, served, inputs):
    codes = model.encode(as_x(inputs))
    return [
        (served.encode(as_x(inputs)), codes),
        (served.decode(codes), model.decode(codes)),
    ]


@functools.singledispatch
def drawn_by(model, served, inputs):
    """What endpoints draw at random for as many examples, to be finite."""
    return []


@drawn_by.register
def _(model: VariationalAutoencoder, served, inputs):
    label = [] if model.num_classes is None else [1]
    return [served.serve(as_x(inputs)), served.generate(len(inputs[0]), *label)]


@drawn_by.register
def _(model: CodeAutoencoder, served, inputs):
    return [served.serve(as_x(inputs))]
