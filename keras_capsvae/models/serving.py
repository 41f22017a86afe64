"""Models as SavedModels with endpoints of their own."""

import dataclasses
import pathlib
from collections.abc import Callable
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import keras
from keras import ops

from keras_capsvae.latents.random_source import GraphRandom
from keras_capsvae.models.conditions import called
from keras_capsvae.private_keras import check_in_graph
from keras_capsvae.private_keras import named_export_archive

EXTRA = "assets.extra"
CODES = "codes"


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A function with names for what goes in and what comes out.

    Attributes:
        function: Takes tensors, returns one or a list.
        signature: `keras.InputSpec`s with names, as the function takes them.
        outputs: Names of what it returns.
    """

    function: Callable
    signature: list
    outputs: tuple[str, ...]


def of_model(model: keras.Model, *outputs: Any) -> Endpoint:
    """The `Endpoint` of a functional model, of any batch size."""
    specs = [
        keras.InputSpec(
            shape=(None, *tensor.shape[1:]),
            dtype=tensor.dtype,
            name=tensor.name,
        )
        for tensor in model.inputs
    ]
    signature = specs if len(specs) == 1 else [specs]
    return Endpoint(model.__call__, signature, outputs)


def write_saved_model(
    model: keras.Model,
    endpoints: dict[str, Endpoint],
    filepath: Any,
    verbose: bool = False,
    files: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write a SavedModel.

    An endpoint of several tensors takes them as a list and gives a list; its
    signature has them by name.

    Args:
        model: The model whose variables are saved.
        endpoints: Name → `Endpoint` on those variables.
        filepath: Folder to write.
        verbose: Whether to print the endpoints.
        files: File name → text, written into `assets.extra`, the place in a
            SavedModel for what TensorFlow itself does not read.

    Raises:
        RuntimeError: On another backend than TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "A SavedModel is written on the TensorFlow backend. Save the model "
            "to a .keras file, load that with KERAS_BACKEND=tensorflow and "
            f"export it there. Received: backend {keras.backend.backend()!r}"
        )
    archive = named_export_archive(
        {name: endpoint.outputs for name, endpoint in endpoints.items()}
    )
    for part in (model, *model.served_beside()):
        archive.track(part)
    for name, endpoint in endpoints.items():
        archive.add_endpoint(name, endpoint.function, endpoint.signature)
    archive.write_out(filepath, verbose=verbose)
    for name, text in files.items():
        path = pathlib.Path(filepath) / EXTRA / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def of_autoencoder(model: keras.Model) -> dict[str, Endpoint]:
    """`serve`, `encode`, `decode` and, if a label says enough, `generate`."""
    outputs = _names(model.decoder)
    endpoints = {
        "serve": of_model(model, *outputs),
        "encode": of_model(model.encoder, *model.latent.parameter_names),
        "decode": of_model(model.decoder, *outputs),
    }
    if model.latent.num_codes is not None:
        endpoints |= _of_codes(model, outputs)
    is_free = not model.conditions.are_generated_from
    has_prior = model.latent.has_prior or model.fitted_prior is not None
    has_prior = has_prior and model.has_known_size
    if has_prior and (is_free or model.num_classes is not None):
        endpoints["generate"] = draws(model, outputs)
    return endpoints


def _of_codes(model, outputs):
    """`encode` that gives integers, and `decode` that takes them."""
    latent = model.latent
    codes = keras.InputSpec(
        dtype="int32", shape=(None, *latent.code_shape), name=CODES
    )
    _, *given = keras.tree.flatten(of_model(model.decoder).signature)

    def encode(inputs):
        parameters = keras.tree.flatten(model.encoder(inputs))
        return latent.value(parameters)

    def decode(inputs):
        z, *given = keras.tree.flatten(inputs)
        return called(model.decoder, [latent.embedded(z), *given])

    encoder = of_model(model.encoder).signature
    decoder = [[codes, *given]] if given else [codes]
    return {
        "encode": Endpoint(encode, encoder, (CODES,)),
        "decode": Endpoint(decode, decoder, outputs),
    }


def _names(decoder):
    """Names of the decoder's outputs in files."""
    count = len(decoder.outputs)
    if count == 1:
        return ("reconstruction",)
    return tuple(f"reconstruction_{index}" for index in range(count))


def draws(model: keras.Model, outputs: Any) -> Endpoint:
    """The endpoint that decodes draws from the prior of an autoencoder.

    It takes an integer n and, where draws depend on a class, an integer label.
    """
    random = GraphRandom(model.latent.seed_generator)
    depends = model.conditions.are_generated_from
    classes = model.num_classes if depends else None

    def generate(n, label=None):
        given = None
        if classes is not None:
            label = check_in_graph(label, classes, "label")
            labels = ops.broadcast_to(label, (n,))
            given = [model.conditions.of_classes(labels)]
        z = model.latents_drawn(random, n, given)
        return called(model.decoder, model.decoder_inputs(z, given))

    names = ["n"] if classes is None else ["n", "label"]
    signature = [
        keras.InputSpec(shape=(), dtype="int32", name=name) for name in names
    ]
    return Endpoint(generate, signature, outputs)
