"""The layers with weights that lie nearest to the ends of a graph."""

import keras

from keras_capsvae.private_keras import Functional
from keras_capsvae.private_keras import producer
from keras_capsvae.typing import Tensor

WITH_GRAPH = (Functional, keras.Sequential)


def last_with_weights(tensors: list[Tensor]) -> list[keras.layers.Layer]:
    """The layers with weights that lie nearest to some outputs of a graph."""
    found = {}
    for tensor in tensors:
        operation, inputs = producer(tensor)
        if not _has_weights(operation):
            layers = last_with_weights(inputs)
        elif isinstance(operation, WITH_GRAPH):
            layers = last_with_weights(operation.outputs)
        else:
            layers = [operation]
        found |= {id(layer): layer for layer in layers}
    return list(found.values())


def below_last_with_weights(tensors: list[Tensor]) -> list[Tensor]:
    """What those layers take, as outputs of the same graph."""
    found = {}
    for tensor in tensors:
        operation, inputs = producer(tensor)
        if not _has_weights(operation):
            inputs = below_last_with_weights(inputs)
        elif isinstance(operation, WITH_GRAPH):
            inside = below_last_with_weights(operation.outputs)
            inputs = keras.tree.flatten(
                keras.Model(operation.inputs, inside)(inputs)
            )
        # A mask goes along with what it masks.
        found |= {id(one): one for one in inputs if one.dtype != "bool"}
    return list(found.values())


def first_with_weights(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers with weights of a model that no other stands before."""
    above = {}  # id of a tensor → the first layers on the way to it

    def first(tensor):
        if id(tensor) not in above:
            operation, inputs = producer(tensor)
            found = [layer for one in inputs for layer in first(one)]
            if not found and isinstance(operation, WITH_GRAPH):
                found = first_with_weights(operation)
            elif not found and _has_weights(operation):
                found = [operation]
            above[id(tensor)] = found
        return above[id(tensor)]

    found = [layer for tensor in model.outputs for layer in first(tensor)]
    return list({id(layer): layer for layer in found}.values())


def _has_weights(operation):
    is_layer = isinstance(operation, keras.layers.Layer)
    return is_layer and bool(operation.weights)
