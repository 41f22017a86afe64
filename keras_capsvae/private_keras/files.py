"""Models in files and SavedModels."""

import functools
from typing import Any

import keras


def entries_of(store: Any) -> dict[str, Any]:
    """What a store of variables holds, by name: Keras' own has no `items`."""
    return {key: store[key] for key in set(store.keys())}


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
