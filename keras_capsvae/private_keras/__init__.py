"""What lies beyond the public API of Keras, in one place.

That is private Keras, and what a backend offers that Keras does not pass on.
Each function says what Keras does not offer in public; a test of each fails
when Keras changes underneath it. Models also call and override a few methods of
their own parents that begin with an underscore, where they stand.
"""

from keras.src.models import functional

from keras_capsvae.private_keras.backends import argmin
from keras_capsvae.private_keras.backends import check_in_graph
from keras_capsvae.private_keras.backends import compiled_by_jax
from keras_capsvae.private_keras.backends import computes_on_gpu
from keras_capsvae.private_keras.backends import computes_on_jax_cpu
from keras_capsvae.private_keras.backends import looked_dataset
from keras_capsvae.private_keras.backends import on_one_thread
from keras_capsvae.private_keras.executions import can_loop
from keras_capsvae.private_keras.executions import looped
from keras_capsvae.private_keras.files import entries_of
from keras_capsvae.private_keras.files import named_export_archive
from keras_capsvae.private_keras.files import of_every_backend
from keras_capsvae.private_keras.files import variables_to_restore
from keras_capsvae.private_keras.layers import PerExampleMeans
from keras_capsvae.private_keras.layers import batches_taken
from keras_capsvae.private_keras.layers import consumers
from keras_capsvae.private_keras.layers import hold_layer
from keras_capsvae.private_keras.layers import keep_frozen
from keras_capsvae.private_keras.layers import producer
from keras_capsvae.private_keras.replicas import ReplicaSeedGenerator
from keras_capsvae.private_keras.replicas import can_use_xla
from keras_capsvae.private_keras.replicas import check_xla
from keras_capsvae.private_keras.replicas import one_replica_a_row
from keras_capsvae.private_keras.replicas import shares_of_a_batch
from keras_capsvae.private_keras.replicas import sum_over_replicas

__all__ = [
    # The class of functional models: to derive from where two parents share it,
    # which Keras cannot put into place by itself, and to know its `call` by.
    "Functional",
    "PerExampleMeans",
    "ReplicaSeedGenerator",
    "argmin",
    "batches_taken",
    "can_loop",
    "can_use_xla",
    "check_in_graph",
    "check_xla",
    "compiled_by_jax",
    "computes_on_gpu",
    "computes_on_jax_cpu",
    "consumers",
    "entries_of",
    "hold_layer",
    "keep_frozen",
    "looked_dataset",
    "looped",
    "named_export_archive",
    "of_every_backend",
    "on_one_thread",
    "one_replica_a_row",
    "producer",
    "shares_of_a_batch",
    "sum_over_replicas",
    "variables_to_restore",
]

Functional = functional.Functional
