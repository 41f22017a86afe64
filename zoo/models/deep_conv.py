"""The deep convolutional VAE of colour images of kexue.fm."""

import math

import keras
from keras import layers

from keras_capsvae import GaussianReconstruction
from keras_capsvae.validation.numbers import check_integer
from zoo.models.autoencoders import Parts
from zoo.models.autoencoders import heads
from zoo.models.image_autoencoders import image_vae
from zoo.models.sizes import CHANNELS
from zoo.models.sizes import check_image_shape
from zoo.registry import register
from zoo.registry.training import Training

# Variance 1 of images in [−1, 1], as in the original, is 1/4 in [0, 1].
DEEP = Training("adam", 1e-3, GaussianReconstruction, {"variance": 0.25})
FILTERS = (32, 64, 128, 256, 512)
SHRUNK = 2 ** len(FILTERS)  # times, the sides of an image
MOMENTUM = 0.9  # a folder of images is a few steps an epoch


@register(DEEP)
@image_vae()
def deep_conv_vae(
    input_shape: tuple[int, int, int] = (64, 64, 3), latent_dim: int = 128
) -> Parts:
    """Deep convolutional variational autoencoder of photos, compiled.

    Five 5×5 convolutions of stride 2 (32, 64, 128, 256, 512 filters, each with
    batch normalisation and LeakyReLU) → average over the image → posterior
    heads; Dense → four transposed convolutions of stride 2 (256, 128, 64, 32,
    batch normalisation and ReLU) → transposed convolution, sigmoid. Squared
    errors, of pixels with variance 1/4; `loss="learned_variance"` learns it,
    for sharper images.

    Args:
        input_shape: Height, width and channels; both sides multiples of 32.
            Defaults to (64, 64, 3).
        latent_dim: Latents. Defaults to 128.

    Returns:
        A `VariationalAutoencoder` on `(batch, *input_shape)` in [0, 1].

    Raises:
        ValueError: If a size is below 1 or a side no multiple of 32.

    Example:

    ```python
    model = zoo.deep_conv_vae()
    model.fit(images, batch_size=64, epochs=50)
    pictures = model.generate(16)
    ```

    Source: bojone/vae, the net for CelebA; Radford et al., 2015.
    """
    latent_dim = check_integer("latent_dim", latent_dim)
    input_shape = check_image_shape(input_shape, multiple_of=SHRUNK)
    return Parts(
        deep_encoder(input_shape, latent_dim),
        deep_decoder(input_shape, latent_dim),
    )


def deep_encoder(input_shape: tuple[int, ...], latent_dim: int) -> keras.Model:
    image = x = keras.Input(input_shape, name="image")
    for place, filters in enumerate(FILTERS, start=1):
        x = _strided(layers.Conv2D, filters, f"encoder_conv_{place}")(x)
        x = _normalised(f"encoder_norm_{place}")(x)
        x = layers.LeakyReLU(0.2)(x)
    x = layers.GlobalAveragePooling2D(CHANNELS)(x)  # (batch, 512)
    return keras.Model(image, heads(x, latent_dim), name="encoder")


def deep_decoder(input_shape: tuple[int, ...], latent_dim: int) -> keras.Model:
    height, width, channels = input_shape
    grid = (height // SHRUNK, width // SHRUNK, FILTERS[-1])
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(math.prod(grid), name="decoder_hidden")(z)
    x = layers.Reshape(grid)(x)
    for place, filters in enumerate(FILTERS[-2::-1], start=1):
        x = _strided(layers.Conv2DTranspose, filters, f"decoder_conv_{place}")(
            x
        )
        x = _normalised(f"decoder_norm_{place}")(x)
        x = layers.ReLU()(x)  # (batch, h/2, w/2, 32) at the end
    pixels = _strided(
        layers.Conv2DTranspose,
        channels,
        "pixels",
        activation="sigmoid",
        dtype="float32",
    )(x)  # (batch, h, w, channels)
    return keras.Model(z, pixels, name="decoder")


def _strided(kind, filters, name, **options):
    return kind(
        filters,
        5,
        strides=2,
        padding="same",
        data_format=CHANNELS,
        name=name,
        **options,
    )


def _normalised(name):
    return layers.BatchNormalization(momentum=MOMENTUM, name=name)
