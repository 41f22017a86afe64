"""What is imported from beyond the public API of Keras, in one place.

Each function says what Keras does not offer in public; a test of each fails
when Keras changes underneath it. Models also override a few methods of Keras
that begin with an underscore, where they stand.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.src.models import functional
from keras.src.trainers.compile_utils import MetricsList

from keras_capsvae.typing import Tensor

__all__ = [
    # The class of functional models: to derive from where two parents share it,
    # which Keras cannot put into place by itself, and to know its `call` by.
    "Functional",
    "PerExampleMeans",
    "ReplicaSeedGenerator",
    "argmin",
    "can_use_xla",
    "check_in_graph",
    "check_xla",
    "compiled_by_jax",
    "computes_on_jax_cpu",
    "consumers",
    "hold_layer",
    "keep_frozen",
    "looked_dataset",
    "named_export_archive",
    "of_every_backend",
    "one_replica_a_row",
    "producer",
    "replica_id",
    "sum_over_replicas",
    "variables_to_restore",
]

Functional = functional.Functional


class ReplicaSeedGenerator(keras.random.SeedGenerator):
    """A `SeedGenerator` from which each replica draws numbers of its own.

    Keras keeps one state for all replicas of a `tf.distribute` strategy, so
    that all would draw the same. The first replica draws what a model without
    replicas draws.
    """

    def next(self, ordered: bool = True) -> Tensor:
        seed = super().next(ordered)
        replica = replica_id()
        if replica is None:
            return seed
        shift = ops.stack([replica * 1_000_003, 0])
        return seed + ops.cast(shift, seed.dtype)


def replica_id() -> Tensor | None:
    """Index of the replica that this code runs in; `None` outside of any.

    Keras has no name for it.
    """
    context = _replica_context()
    return None if context is None else context.replica_id_in_sync_group


def sum_over_replicas(tensor: Tensor) -> Tensor:
    """The sum of what each replica holds, the tensor itself outside of any.

    Keras sums gradients alone.
    """
    context = _replica_context()
    if context is None:
        return tensor
    import tensorflow as tf

    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensor)


def one_replica_a_row(tensor: Tensor) -> Tensor:
    """One tensor for all replicas, whose row k is that of replica k mod R."""
    context = _replica_context()
    if context is None:
        return tensor
    owners = np.arange(tensor.shape[0]) % context.num_replicas_in_sync
    is_own = ops.equal(owners, context.replica_id_in_sync_group)
    is_own = ops.reshape(is_own, (-1, *[1] * (len(tensor.shape) - 1)))
    return sum_over_replicas(ops.where(is_own, tensor, 0.0))


def _replica_context():
    """That of one among several replicas, `None` elsewhere."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    return context


def argmin(tensor: Tensor) -> Tensor:
    """Index of the lowest value of the last axis, int32.

    On TensorFlow Keras' own first tells −0 from 0, in passes over the whole
    tensor and with an operation that LiteRT lacks.
    """
    if keras.backend.backend() != "tensorflow":
        return ops.cast(ops.argmin(tensor, axis=-1), "int32")
    import tensorflow as tf

    return tf.argmin(tensor, axis=-1, output_type="int32")


class PerExampleMeans(MetricsList):
    """Means over the examples that `EarlyStopping` knows should fall.

    Keras infers the direction of a monitored value from the metrics inside a
    `MetricsList` alone, and from an attribute that it does not document.
    """

    def __init__(self, *names: Tensor) -> None:
        super().__init__([keras.metrics.Mean(name) for name in names])
        for metric in self.metrics:
            metric._direction = "down"

    def update_state(self, **values: Any) -> Tensor:
        for metric in self.metrics:
            metric.update_state(values[metric.name])

    def result(self) -> Tensor:
        return self.get_result()


def hold_layer(model: keras.Model, name: str, layer: Any) -> None:
    """Have a model train and save a layer, or `None`, that its graph lacks."""
    model._tracker.unlock()
    model._tracker.untrack(getattr(model, name, None))
    setattr(model, name, layer)
    model._tracker.lock()


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


def check_in_graph(value: Tensor, count: int, name: str) -> Tensor:
    """An integer tensor that a TensorFlow graph checks to be below `count`.

    `keras.ops` has no assertion, and one-hot of a wrong class is all zeros.
    """
    import tensorflow as tf

    message = f"`{name}` must lie in [0, {count - 1}]"
    checks = [
        tf.debugging.assert_non_negative(value, message),
        tf.debugging.assert_less(value, count, message),
    ]
    with tf.control_dependencies([one for one in checks if one is not None]):
        return tf.identity(value)


def looked_dataset(data: Any, look: Callable[[Any], Any]) -> Any:
    """A `tf.data.Dataset` of the same batches, each looked at when drawn.

    Keras maps functions over no data sets, and iterating over one in Python
    takes it out of TensorFlow's graph.

    Args:
        data: The data set.
        look: Takes a batch in NumPy, and may raise.
    """
    import tensorflow as tf

    spec = data.element_spec

    def looked(*batch):
        structure = batch if isinstance(spec, tuple) else batch[0]
        parts = tf.nest.flatten(structure, expand_composites=True)
        packed = functools.partial(
            tf.nest.pack_sequence_as, structure, expand_composites=True
        )

        def look_at(*arrays):
            look(packed(arrays))
            return True

        seen = tf.numpy_function(look_at, parts, tf.bool)
        with tf.control_dependencies([seen]):
            return packed([tf.identity(part) for part in parts])

    return data.map(looked)


def named_export_archive(
    outputs: dict[str, tuple[str, ...]],
) -> keras.export.ExportArchive:
    """An `ExportArchive` whose signatures name what they give.

    Keras takes the names out of what an endpoint returns, so that one would
    have to return a dict; here its caller gets tensors.

    Args:
        outputs: Endpoint → names of its outputs.
    """
    archive = keras.export.ExportArchive()
    unnamed = archive._get_concrete_fn

    @functools.cache
    def named(endpoint):
        import tensorflow as tf

        function = unnamed(endpoint)

        @tf.function(input_signature=function.input_signature, autograph=False)
        def with_names(*arguments):
            tensors = keras.tree.flatten(function(*arguments))
            return dict(zip(outputs[endpoint], tensors, strict=True))

        return with_names

    archive._get_concrete_fn = named
    return archive


def computes_on_jax_cpu() -> bool:
    """Whether the backend is JAX and its default device a CPU.

    Keras names no devices by which to choose between formulas.
    """
    if keras.backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() == "cpu"


@functools.cache
def compiled_by_jax(function: Callable, *static: int) -> Callable:
    """A function of JAX's arrays, compiled as a whole also outside of models.

    Keras compiles models alone; JAX by itself compiles operation by operation.

    Args:
        function: The function.
        *static: Positions of arguments that are no arrays.
    """
    import jax

    return jax.jit(function, static_argnums=static)


def can_use_xla(model: keras.Model | None = None) -> bool:
    """Whether TensorFlow's XLA can compile a training step.

    `False` on other backends, and where a `tf.distribute` strategy has several
    replicas on CPU devices: TensorFlow has no kernel there that sums their
    gradients in a compiled step, which fails when it is first run.

    Args:
        model: The model whose strategy counts. Defaults to `None`: that of the
            scope in which this is called.
    """
    return keras.backend.backend() == "tensorflow" and not _has_cpu_replicas(
        model
    )


def check_xla(model: keras.Model, jit_compile: bool | str | None) -> None:
    """Raise if a model is to be compiled with XLA where its replicas cannot.

    Raises:
        ValueError: If so.
    """
    is_forced = jit_compile is True and keras.backend.backend() == "tensorflow"
    if is_forced and not can_use_xla(model):
        raise ValueError(
            "`jit_compile` must be False, 'auto' or, in a builder, None under "
            "a tf.distribute strategy of several CPU devices, whose steps XLA "
            f"cannot compile. Received: jit_compile={jit_compile}"
        )


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


def of_every_backend(config: Any) -> Any:
    """A config, or one inside of others, in which optimizers are Keras' own.

    On PyTorch Keras writes the class of that backend into files, which trains
    on no other.
    """
    if isinstance(config, (list, tuple)):
        return [of_every_backend(one) for one in config]
    if not isinstance(config, dict):
        return config
    config = {key: of_every_backend(value) for key, value in config.items()}
    module = str(config.get("module"))
    if module.startswith("keras.src.backend.") and ".optimizers." in module:
        config |= {"module": "keras.optimizers", "registered_name": None}
    return config


def variables_to_restore(model: keras.Model, save_type: str) -> dict:
    """TensorFlow's variables of a model, as children for a SavedModel.

    In `tf.saved_model.save(model)` the variable that a function reads is a copy
    other than the one that Keras restores. TensorFlow's own loader does not
    mind; a session, as in the converter to LiteRT, finds it uninitialised and
    gives numbers out of nowhere. As children of the model the variables that
    are read are restored too.

    Args:
        model: The model.
        save_type: As in `_trackable_children`: `"checkpoint"` needs nothing.
    """
    if save_type != "savedmodel":
        return {}
    return {
        f"variable_to_restore_{place}": variable.value
        for place, variable in enumerate(model.variables)
    }


def _has_cpu_replicas(model):
    import tensorflow as tf

    strategy = (
        tf.distribute.get_strategy()
        if model is None
        else model.distribute_strategy
    )
    return strategy.num_replicas_in_sync > 1 and any(
        ":CPU:" in device for device in strategy.extended.worker_devices
    )
