"""Variational autoencoders of kexue.fm 5253."""

from typing import Any

import keras
from keras import layers

from keras_capsvae import BernoulliReconstruction
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_sizes
from zoo.models.image_autoencoders import Parts
from zoo.models.image_autoencoders import heads
from zoo.models.image_autoencoders import image_vae
from zoo.models.sizes import CHANNELS
from zoo.models.sizes import check_image_shape
from zoo.registry import register
from zoo.registry.training import Training

DENSE = Training("rmsprop", 1e-3, BernoulliReconstruction, xla=True)
CONVOLUTIONAL = Training("rmsprop", 1e-3, BernoulliReconstruction)


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
    input_shape: tuple[int, int, int] = (28, 28, 1), latent_dim: int = 2
) -> Parts:
    """Convolutional variational autoencoder, compiled.

    Two 3×3 convolutions of stride 2 (32 and 64 filters, ReLU) → Dense 16 ReLU →
    posterior heads; Dense ReLU → two transposed convolutions of stride 2 (64
    and 32, ReLU) → transposed convolution, sigmoid.

    Args:
        input_shape: Height, width and channels; both sides multiples of 4.
            Defaults to (28, 28, 1).
        latent_dim: Latents. Defaults to 2.

    Returns:
        A `VariationalAutoencoder` on `(batch, *input_shape)` in [0, 1].

    Raises:
        ValueError: If a size is below 1, a gradient is given without samples,
            or a side is no multiple of 4: the decoder, which doubles twice,
            could not give that size back.

    Example:

    ```python
    model = zoo.conv_vae((32, 32, 3), latent_dim=64)
    model.fit(images, batch_size=100, epochs=30)
    pictures = model.reconstruct(images[:8])
    ```

    Source: kexue.fm 5253; Kingma and Welling, 2013.
    """
    latent_dim = check_integer("latent_dim", latent_dim)
    input_shape = check_image_shape(input_shape, multiple_of=4)
    return Parts(
        conv_encoder(input_shape, latent_dim),
        conv_decoder(input_shape, latent_dim),
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


def conv_encoder(input_shape: tuple[int, ...], latent_dim: int) -> keras.Model:
    image = keras.Input(input_shape, name="image")
    x = _halve(32, "encoder_conv_1")(image)  # (batch, h/2, w/2, 32)
    x = _halve(64, "encoder_conv_2")(x)  # (batch, h/4, w/4, 64)
    x = layers.Flatten(CHANNELS)(x)
    x = layers.Dense(16, "relu", name="encoder_hidden")(x)
    return keras.Model(image, heads(x, latent_dim), name="encoder")


def conv_decoder(input_shape: tuple[int, ...], latent_dim: int) -> keras.Model:
    height, width, channels = input_shape
    grid = (height // 4, width // 4, 64)
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(
        grid[0] * grid[1] * grid[2], "relu", name="decoder_hidden"
    )(z)
    x = layers.Reshape(grid)(x)
    x = _double(64, "decoder_conv_1")(x)  # (batch, h/2, w/2, 64)
    x = _double(32, "decoder_conv_2")(x)  # (batch, h, w, 32)
    pixels = layers.Conv2DTranspose(
        channels,
        3,
        padding="same",
        activation="sigmoid",
        data_format=CHANNELS,
        dtype="float32",
        name="pixels",
    )(x)  # (batch, h, w, channels)
    return keras.Model(z, pixels, name="decoder")


def _halve(filters, name):
    return layers.Conv2D(
        filters,
        3,
        strides=2,
        padding="same",
        activation="relu",
        data_format=CHANNELS,
        name=name,
    )


def _double(filters, name):
    return layers.Conv2DTranspose(
        filters,
        3,
        strides=2,
        padding="same",
        activation="relu",
        data_format=CHANNELS,
        name=name,
    )
