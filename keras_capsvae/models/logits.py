"""The argument of a model's last activation, kept while the model is called."""

import contextlib

import keras

SHAPE_LAYERS = (keras.layers.Reshape, keras.layers.Flatten)


def output_layer(model):
    """The layer that gives the model's output, reshapes aside."""
    for layer in reversed(model.layers):
        if isinstance(layer, keras.Model):
            return output_layer(layer)
        if not isinstance(layer, SHAPE_LAYERS):
            return layer


def activation_name(layer):
    """The name of a layer's activation, or `None` if it has none."""
    activation = getattr(layer, "activation", None)
    return getattr(activation, "__name__", None)


@contextlib.contextmanager
def kept_logits(layer):
    """Yield a list that gathers what the layer's activation is called with.

    Keras gives probabilities alone, and ln p of a p rounded to 0 or 1 is lost;
    the layer stays the user's own Dense or Conv2D, its config and its output
    unchanged.
    """
    logits = []
    activation = layer.activation

    def keep(tensor):
        logits.append(tensor)
        return activation(tensor)

    layer.activation = keep
    try:
        yield logits
    finally:
        layer.activation = activation
