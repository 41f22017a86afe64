"""Replicas of a `tf.distribute` strategy, of which Keras says little."""

import keras
import numpy as np
from keras import ops

from keras_capsvae.typing import Tensor


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


def shares_of_a_batch() -> int:
    """Among how many devices a distribution of JAX divides each batch."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return 1
    mesh = distribution.device_mesh
    return mesh.shape[mesh.axis_names.index(distribution.batch_dim_name)]


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


def _replica_context():
    """That of one among several replicas, `None` elsewhere."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    return context


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
