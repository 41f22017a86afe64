"""The parts that a model is made of, checked."""

from typing import Any

import keras

from keras_capsvae.latents.base import Latent
from keras_capsvae.latents.gaussian import GaussianLatent
from keras_capsvae.models.structures import alone
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.shapes import shapes_agree


def check_functional(model: Any, name: str) -> None:
    """Raise unless a part is a model whose graph is known."""
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise TypeError(
            f"`{name}` must be a functional or a built Sequential model. "
            f"Received: {model!r} of type {type(model).__name__}"
        )
    is_sequential = isinstance(model, keras.Sequential)
    for structure in () if is_sequential else (model.input, model.output):
        if isinstance(structure, dict):
            raise ValueError(
                f"`{name}` must take and return tensors or lists of them, "
                "whose order is plain. Received: a dict with the keys "
                f"{list(structure)}"
            )


def distinct(model: keras.Model, other: keras.Model) -> keras.Model:
    """The model, over the same layers under another name if both share one.

    Keras takes no two layers of one name into a graph.
    """
    if model.name != other.name:
        return model
    outputs = alone(model.outputs)
    return keras.Model(model.inputs, outputs, name=f"{model.name}_first")


def check_encoder(encoder: keras.Model, latent: Latent) -> None:
    """Raise unless an encoder returns each parameter of the posterior."""
    names = latent.parameter_names
    if not names or len(encoder.outputs) == len(names):
        return
    received = [tuple(output.shape) for output in encoder.outputs]
    dims = received[0][-1] or 0
    size = dims // len(names) if len(received) == 1 else dims
    advice = ""
    if len(received) > len(names):
        advice = ". Several latents are one: concatenate their means, and so on"
    heads = ", ".join([f"Dense({size or 'latent_dim'})(h)"] * len(names))
    raise ValueError(
        f"`encoder` must return a list [{', '.join(names)}], as "
        f"keras.Model(x, [{heads}]) does. Received: "
        f"{len(received)} output(s) of shape {', '.join(map(str, received))}"
        f"{advice}"
    )


def check_decoder(decoder: keras.Model, z: Tensor, x: Tensor) -> None:
    """Raise unless a decoder takes z and returns what can be held against x."""
    if not shapes_agree(decoder.inputs[0].shape, z.shape):
        raise ValueError(
            f"`decoder` must take the latents, {tuple(z.shape)}. "
            f"Received: inputs of shape {tuple(decoder.inputs[0].shape)}"
        )
    received = decoder.outputs[0].shape
    with_classes = len(received) == len(x.shape) + 1
    if not shapes_agree(received[:-1] if with_classes else received, x.shape):
        raise ValueError(
            "`decoder` must return the shape of the encoder's first input, "
            f"{tuple(x.shape)}. Received: output of shape {tuple(received)}"
        )


def latent_of(
    latent: Latent | None,
    kl_weight: float,
    estimator: str,
    free_bits: float,
    seed: int | None,
) -> Latent:
    """The given latent, or the Gaussian one that the arguments describe."""
    if latent is None:
        return GaussianLatent(
            kl_weight=kl_weight,
            estimator=estimator,
            free_bits=free_bits,
            seed=seed,
        )
    if not isinstance(latent, Latent):
        raise TypeError(
            "`latent` must be a Latent, e.g. GaussianLatent(). Received: "
            f"{latent!r} of type {type(latent).__name__}"
        )
    if (kl_weight, estimator, free_bits, seed) != (1.0, "analytic", 0.0, None):
        raise ValueError(
            "`kl_weight`, `estimator`, `free_bits` and `seed` must be given to "
            f"the latent, {type(latent).__name__}(...), if there is one. "
            f"Received: kl_weight={kl_weight}, estimator={estimator!r}, "
            f"free_bits={free_bits}, seed={seed}"
        )
    return latent
