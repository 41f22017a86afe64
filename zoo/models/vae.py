"""Variational autoencoders of kexue.fm 5253."""

import math
from typing import Any

import keras
from keras import layers

from keras_capsvae import BernoulliReconstruction
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_sizes
from zoo.models.autoencoders import Parts
from zoo.models.autoencoders import heads
from zoo.models.image_autoencoders import image_vae
from zoo.models.sizes import CHANNELS
from zoo.models.sizes import check_filters
from zoo.models.sizes import check_image_shape
from zoo.registry import register
from zoo.registry.training import Training

DENSE = Training("rmsprop", 1e-3, BernoulliReconstruction, xla=True)
CONVOLUTIONAL = Training("rmsprop", 1e-3, BernoulliReconstruction)
HIDDEN = 16  # of the post, whose latents are two
# A convolution halves the sides with these, a transposed one doubles them.
HALVED: dict[str, Any] = {
    "kernel_size": 3,
    "strides": 2,
    "padding": "same",
    "activation": "relu",
    "data_format": CHANNELS,
}


@register(DENSE)
@image_vae()
def dense_vae(
    original_dim: int = 784, latent_dim: int = 2, intermediate_dim: int = 256
) -> Parts:
    """Dense variational autoencoder, compiled.

    Dense ReLU → posterior heads → Dense ReLU → Dense sigmoid, trained on the
    Bernoulli ELBO.

    Args:
        original_dim: Values of a flat image. Defaults to 784.
        latent_dim: Latents. Defaults to 2.
        intermediate_dim: Units of both hidden layers. Defaults to 256.

    Returns:
        A `VariationalAutoencoder` on `(batch, original_dim)` in [0, 1].

    Raises:
        ValueError: If a size is below 1, or a gradient is given without
            samples.

    Example:

    ```python
    model = zoo.dense_vae()
    model.fit(images, batch_size=100, epochs=50)
    digits = model.generate(16)
    ```

    Source: kexue.fm 5253; Kingma and Welling, 2013.
    """
    sizes = check_sizes(
        original_dim=original_dim,
        latent_dim=latent_dim,
        intermediate_dim=intermediate_dim,
    )
    return Parts(dense_encoder(*sizes), dense_decoder(*sizes))


@register(CONVOLUTIONAL)
@image_vae()
def conv_vae(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    latent_dim: int = 2,
    *,
    filters: tuple[int, ...] = (32, 64),
    hidden: int | None = None,
) -> Parts:
    """Convolutional variational autoencoder, compiled.

    3×3 convolutions of stride 2 (32 and 64 filters, ReLU) → Dense 16 ReLU →
    posterior heads; Dense ReLU → transposed convolutions of stride 2 (64 and
    32, ReLU) → transposed convolution, sigmoid.

    Args:
        input_shape: Height, width and channels. Each convolution halves the
            sides: with two both are multiples of 4. Defaults to (28, 28, 1).
        latent_dim: Latents. Defaults to 2.
        filters: Filters of each convolution of the encoder, as many as it is
            deep; the decoder has them in the opposite order. Defaults to
            (32, 64).
        hidden: Units between convolutions and heads. Defaults to `None`: 16,
            or the latents where they are more.

    Returns:
        A `VariationalAutoencoder` on `(batch, *input_shape)` in [0, 1].

    Raises:
        ValueError: If a size is below 1, a gradient is given without samples,
            or a side is no multiple of 2 to the power of the depth: the
            decoder, which only doubles, could not give that size back.

    Example:

    ```python
    model = zoo.conv_vae((32, 32, 3), 64, filters=(32, 64, 128), hidden=256)
    model.fit(images, batch_size=100, epochs=30)
    pictures = model.reconstruct(images[:8])
    ```

    Source: kexue.fm 5253; Kingma and Welling, 2013.
    """
    latent_dim = check_integer("latent_dim", latent_dim)
    filters = check_filters(filters)
    hidden = max(HIDDEN, latent_dim) if hidden is None else hidden
    hidden = check_integer("hidden", hidden)
    input_shape = check_image_shape(input_shape, 2 ** len(filters))
    return Parts(
        conv_encoder(input_shape, latent_dim, filters, hidden),
        conv_decoder(input_shape, latent_dim, filters[::-1]),
    )


def dense_encoder(
    original_dim: int,
    latent_dim: int,
    intermediate_dim: int,
    num_classes: int | None = None,
) -> keras.Model:
    """Images, and labels if there are classes → posterior."""
    image = keras.Input((original_dim,), name="image")
    inputs, seen = with_label(image, num_classes)
    x = layers.Dense(intermediate_dim, "relu", name="encoder_hidden")(seen)
    return keras.Model(inputs, heads(x, latent_dim), name="encoder")


def dense_decoder(
    original_dim: int,
    latent_dim: int,
    intermediate_dim: int,
    num_classes: int | None = None,
) -> keras.Model:
    """Latents, and labels if there are classes → images."""
    z = keras.Input((latent_dim,), name="z")
    inputs, seen = with_label(z, num_classes)
    x = layers.Dense(intermediate_dim, "relu", name="decoder_hidden")(seen)
    pixels = layers.Dense(
        original_dim, "sigmoid", dtype="float32", name="pixels"
    )(x)
    return keras.Model(inputs, pixels, name="decoder")


def with_label(tensor: Tensor, num_classes: int | None) -> tuple[Any, Tensor]:
    """Inputs of a net that also takes a one-hot label, and both joined."""
    if num_classes is None:
        return tensor, tensor
    label = keras.Input((num_classes,), name="label")
    return [tensor, label], layers.Concatenate()([tensor, label])


def conv_encoder(
    input_shape: tuple[int, ...],
    latent_dim: int,
    filters: tuple[int, ...],
    hidden: int,
) -> keras.Model:
    image, x = conv_features(input_shape, filters, hidden)
    return keras.Model(image, heads(x, latent_dim), name="encoder")


def conv_features(
    input_shape: tuple[int, ...], filters: tuple[int, ...], hidden: int
) -> tuple[Tensor, Tensor]:
    """Images, and what is before the heads, `(batch, hidden)`."""
    image = x = keras.Input(input_shape, name="image")
    for place, count in enumerate(filters, start=1):
        x = layers.Conv2D(count, name=f"encoder_conv_{place}", **HALVED)(x)
    x = layers.Flatten(CHANNELS)(x)  # (batch, h/4 · w/4 · 64)
    return image, layers.Dense(hidden, "relu", name="encoder_hidden")(x)


def conv_decoder(
    input_shape: tuple[int, ...], latent_dim: int, filters: tuple[int, ...]
) -> keras.Model:
    z = keras.Input((latent_dim,), name="z")
    return keras.Model(z, conv_pixels(z, input_shape, filters), name="decoder")


def conv_pixels(
    z: Tensor, input_shape: tuple[int, ...], filters: tuple[int, ...]
) -> Tensor:
    """Flat features → images."""
    *sides, channels = input_shape
    grid = [side // 2 ** len(filters) for side in sides]
    units = math.prod(grid) * filters[0]
    x = layers.Dense(units, "relu", name="decoder_hidden")(z)
    x = layers.Reshape((*grid, filters[0]))(x)  # (batch, h/4, w/4, 64)
    for place, count in enumerate(filters, start=1):
        name = f"decoder_conv_{place}"
        x = layers.Conv2DTranspose(count, name=name, **HALVED)(x)
    return layers.Conv2DTranspose(
        channels,
        3,
        padding="same",
        activation="sigmoid",
        data_format=CHANNELS,
        dtype="float32",
        name="pixels",
    )(x)  # (batch, h, w, channels)
