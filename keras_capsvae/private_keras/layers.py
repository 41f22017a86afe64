"""Layers within models: what feeds them, what they hold and train."""

from typing import Any

import keras
from keras.src.trainers.compile_utils import MetricsList

from keras_capsvae.typing import Tensor


def producer(tensor: Any) -> tuple[keras.Operation, list[Any]]:
    """The operation that gives a symbolic tensor, and its symbolic inputs.

    A layer knows the inputs of its first call alone, whichever it was.
    """
    operation, node, _ = tensor._keras_history
    return operation, operation._inbound_nodes[node].input_tensors


def consumers(
    model: keras.Model, tensor: Any
) -> list[tuple[keras.layers.Layer, int]]:
    """The layers of a model that take a symbolic tensor, and in which place.

    A layer knows the inputs of its first call alone.
    """
    return [
        (layer, place)
        for layer in model.layers
        for node in layer._inbound_nodes
        for place, taken in enumerate(node.input_tensors)
        if taken is tensor
    ]


def batches_taken(optimizer: keras.optimizers.Optimizer) -> tuple[int, int]:
    """Batches that an optimizer was given, and how many make up a step.

    `iterations` counts whole steps: of gradients that are accumulated it leaves
    out the batches since the last one.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    each = optimizer.gradient_accumulation_steps or 1
    # A variable of replicas is none that `int` takes.
    return int(keras.ops.convert_to_numpy(optimizer._iterations)), each


def hold_layer(model: keras.Model, name: str, layer: Any) -> None:
    """Have a model train and save a layer, or `None`, that its graph lacks."""
    model._tracker.unlock()
    model._tracker.untrack(getattr(model, name, None))
    setattr(model, name, layer)
    model._tracker.lock()


def keep_frozen(model: keras.Model) -> None:
    """Let the weights of each frozen layer of a reloaded model be frozen too.

    Keras makes the layers within a layer anew without telling them that it is
    not trained, and its models go by the weights. To set what is set already
    does nothing on TensorFlow.
    """
    for layer in model._flatten_layers(include_self=False):
        if not layer.trainable:
            for inner in layer._flatten_layers(include_self=False):
                inner.trainable = False
            for weight in layer.weights:
                weight.trainable = False


class PerExampleMeans(MetricsList):
    """Means over the examples that `EarlyStopping` knows should fall.

    Keras infers the direction of a monitored value from the metrics inside a
    `MetricsList` alone, and from an attribute that it does not document.
    """

    def __init__(self, *names: str) -> None:
        super().__init__([keras.metrics.Mean(name) for name in names])
        for metric in self.metrics:
            metric._direction = "down"

    def update_state(self, *outputs: Any, **values: Any) -> None:
        """Take what the loss found; targets and outputs tell nothing more.

        A loop over `model.metrics` gives those to every metric.
        """
        for metric in self.metrics if values else ():
            metric.update_state(values[metric.name])

    def result(self) -> Tensor:
        return self.get_result()
