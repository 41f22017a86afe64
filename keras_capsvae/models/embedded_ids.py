"""Which inputs of a model are ids, for they go into an embedding."""

from typing import Any

import keras

from keras_capsvae.private_keras import consumers


def count_of_ids(model: keras.Model, tensor: Any) -> int | None:
    """Rows of the smallest embedding that takes an input of the model.

    Looks into models inside the model. `None` if no embedding takes it.
    """
    counts = [_count(layer, place) for layer, place in consumers(model, tensor)]
    return min((one for one in counts if one is not None), default=None)


def _count(layer, place):
    if isinstance(layer, keras.layers.Embedding):
        return layer.input_dim
    inputs = getattr(layer, "inputs", None)
    return count_of_ids(layer, inputs[place]) if inputs else None
