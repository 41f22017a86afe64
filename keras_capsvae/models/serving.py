"""Models as SavedModels with endpoints of their own."""

import keras
from keras import ops


def write_saved_model(model, endpoints, filepath, verbose=False):
    """Write a SavedModel.

    Args:
        model: The model whose variables are saved.
        endpoints: Name → functional model on those variables, or `(function,
            signature)`.
        filepath: Folder to write.
        verbose: Whether to print the endpoints.

    Raises:
        RuntimeError: On another backend than TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "A SavedModel is written on the TensorFlow backend. Save the model "
            "to a .keras file, load that with KERAS_BACKEND=tensorflow and "
            f"export it there. Received: backend {keras.backend.backend()!r}"
        )
    archive = keras.export.ExportArchive()
    archive.track(model)
    for name, endpoint in endpoints.items():
        if isinstance(endpoint, keras.Model):
            endpoint = (endpoint.__call__, _signature(endpoint))
        archive.add_endpoint(name, *endpoint)
    archive.write_out(filepath, verbose=verbose)


def autoencoder_endpoints(model):
    """`serve`, `encode`, `decode` and `generate` of an autoencoder."""
    integer = keras.InputSpec(shape=(), dtype="int32")
    if model.prior is None:
        generate = (_draw_from(model), [integer])
    else:
        generate = (_draw_from_class_of(model), [integer, integer])
    return {
        "serve": model,
        "encode": model.encoder,
        "decode": model.decoder,
        "generate": generate,
    }


def _signature(model):
    specs = [
        keras.InputSpec(shape=(None, *tensor.shape[1:]), dtype=tensor.dtype)
        for tensor in model.inputs
    ]
    return specs if len(specs) == 1 else [specs]


def _draw_from(model):
    def generate(n):
        return model.decoder(_noise(model, n))

    return generate


def _draw_from_class_of(model):
    num_classes = model.prior.inputs[0].shape[-1]

    def generate(n, label):
        one_hot = ops.one_hot(ops.reshape(label, (1,)), num_classes)
        return model.decoder(_noise(model, n) + model.prior(one_hot))

    return generate


def _noise(model, n):
    seed = model.get_layer("sampling").seed_generator
    return keras.random.normal((n, model.latent_dim), seed=seed)
