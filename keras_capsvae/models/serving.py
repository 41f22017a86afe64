"""A variational autoencoder as a SavedModel."""

import keras
from keras import ops


def write_saved_model(model, filepath, verbose=False):
    """Write the endpoints `serve`, `encode`, `decode` and `generate`."""
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "A SavedModel is written on the TensorFlow backend. Save the model "
            "to a .keras file, load that with KERAS_BACKEND=tensorflow and "
            f"export it there. Received: backend {keras.backend.backend()!r}"
        )
    archive = keras.export.ExportArchive()
    archive.track(model)
    for name, part in {
        "serve": model,
        "encode": model.encoder,
        "decode": model.decoder,
    }.items():
        archive.add_endpoint(name, part.__call__, _signature(part))
    integer = keras.InputSpec(shape=(), dtype="int32")
    if model.prior is None:
        archive.add_endpoint("generate", _draw_from(model), [integer])
    else:
        archive.add_endpoint(
            "generate", _draw_from_class_of(model), [integer, integer]
        )
    archive.write_out(filepath, verbose=verbose)


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
