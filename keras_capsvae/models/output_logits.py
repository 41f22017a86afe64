"""The logits of a decoder, where its graph shows them.

A decoder gives probabilities, and ln p of a p that was rounded to 0 or 1 is
lost. Where its last layer computes `activation(logits)`, shapes aside, the
same graph is built once more so that it gives both.
"""

from typing import Any

import keras

from keras_capsvae.models.structures import alone
from keras_capsvae.private_keras import Functional
from keras_capsvae.private_keras import producer

ACTIVATED = (
    keras.layers.Activation,
    keras.layers.Conv1D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3D,
    keras.layers.Conv3DTranspose,
    keras.layers.Dense,
    keras.layers.EinsumDense,
)
OF_THE_LAST_AXIS = (keras.layers.Activation, keras.layers.Dense)
SHAPING = (
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Cropping3D,
    keras.layers.Flatten,
    keras.layers.Permute,
    keras.layers.Reshape,
)


def output_layer(model: keras.Model) -> Any:
    """The layer that gives the model's only output, shapes aside.

    `None` if that is no single layer, or the model has a `call` of its own.
    """
    found = _output_chain(model)
    return found and found[-1][1]


def activation_name(layer: keras.layers.Layer) -> str | None:
    """Name of the activation whose argument a layer computes, or `None`."""
    if _runs(layer, (keras.layers.Softmax,)):
        return "softmax" if layer.axis == -1 else None
    if not _runs(layer, ACTIVATED) or layer.activity_regularizer is not None:
        return None
    return getattr(layer.activation, "__name__", None)


def with_logits(decoder: keras.Model) -> tuple[Any, str | None]:
    """A model of the decoder's layers that gives `[outputs, logits]`.

    Returns:
        The model and the name of the activation between the two; `(None,
        None)` where the graph does not show it.
    """
    chain = _output_chain(decoder) or []
    name = activation_name(chain[-1][1]) if chain else None
    if name not in ("sigmoid", "softmax"):
        return None, None
    features = decoder.inputs
    shaping = []
    for model, _, tensors, tail in chain:
        below = keras.Model(model.inputs, tensors)
        features = below(alone(features))
        features = keras.tree.flatten(features)
        shaping = [*tail, *shaping]
    last = chain[-1][1]
    outputs, logits = ActivationAndArgument(last)(features[0])
    for layer in shaping:
        outputs, logits = layer(outputs), layer(logits)
    # Not a name that Keras makes up, which a part out of a file may have.
    own = f"{decoder.name}_with_logits"
    return keras.Model(decoder.inputs, [outputs, logits], name=own), name


class ActivationAndArgument(keras.layers.Layer):
    """Calls a layer and gives its output and the argument of its activation.

    The layer itself stays as it is: what is called without its activation is
    another object over the same weights, made anew for every call.
    """

    def __init__(self, layer: keras.layers.Layer, **kwargs: Any) -> None:
        super().__init__(dtype=layer.compute_dtype, **kwargs)
        self.layer = layer
        self.built = True

    def call(self, inputs: Any) -> Any:
        if isinstance(self.layer, keras.layers.Softmax):
            return self.layer(inputs), inputs
        linear = object.__new__(type(self.layer))
        linear.__dict__.update(self.layer.__dict__)
        linear.__dict__["activation"] = keras.activations.linear
        logits = linear(inputs)
        return self.layer.activation(logits), logits

    def compute_output_spec(self, inputs: Any) -> Any:
        outputs = self.layer.compute_output_spec(inputs)
        return outputs, keras.KerasTensor(outputs.shape, outputs.dtype)


def _output_chain(model):
    """From the model down to the one that holds the last layer.

    Each as (model, its last layer or model, symbolic inputs of that, shaping
    layers after it); `None` where there is no such chain.
    """
    if len(model.outputs) > 1 or not _runs(
        model, (Functional, keras.Sequential)
    ):
        return None
    layer, tensors = producer(model.outputs[0])
    tail = []
    while _runs(layer, SHAPING):
        tail.insert(0, layer)
        layer, tensors = producer(tensors[0])
    layer = _same_on_the_whole(layer, tensors)
    link = (model, layer, tensors, tail)
    if not isinstance(layer, keras.Model):
        return [link]
    inner = _output_chain(layer)
    return inner and [link, *inner]


def _same_on_the_whole(layer, tensors):
    """The layer that computes the same on the whole input, if there is one.

    That of a `TimeDistributed` one which acts on the last axis alone, and of
    an operation such as `ops.sigmoid`.
    """
    is_repeated = _runs(layer, (keras.layers.TimeDistributed,))
    if is_repeated and _runs(layer.layer, OF_THE_LAST_AXIS):
        return layer.layer
    if isinstance(layer, keras.layers.Layer):
        return layer
    name = type(layer).__name__.lower()
    is_last = getattr(layer, "axis", -1) in (-1, len(tensors[0].shape) - 1)
    if name in ("sigmoid", "softmax") and is_last:
        return keras.layers.Activation(name, dtype=tensors[0].dtype)
    return layer


def _runs(layer, classes):
    """Whether a layer is one of these and has no `call` of its own."""
    return any(
        isinstance(layer, one) and type(layer).call is one.call
        for one in classes
    )
