"""All that is not public, or not Keras: each use with its reason."""

import keras


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
