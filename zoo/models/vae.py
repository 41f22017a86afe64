"""Variational autoencoders of kexue.fm 5253."""

from typing import Any

import keras
from keras import layers

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import ClassMeans
from keras_capsvae import GaussianLatent
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_sizes
from zoo.models.sizes import CHANNELS
from zoo.models.sizes import check_image_shape
from zoo.registry import register
from zoo.registry.training import Training

DENSE = Training("rmsprop", 1e-3, BernoulliReconstruction, xla=True)
CONVOLUTIONAL = Training("rmsprop", 1e-3, BernoulliReconstruction)


def image_autoencoder(
    encoder: keras.Model,
    decoder: keras.Model,
    prior: keras.layers.Layer | None = None,
    num_samples: int | None = None,
    gradient: str = "plain",
    kl_weight: float = 1.0,
    **options: Any,
) -> keras.Model:
    """Trained on the ELBO, or on the bound of `num_samples`."""
    latent = GaussianLatent(prior, kl_weight=kl_weight)
    if num_samples is None:
        if gradient != "plain":
            raise ValueError(
                "`gradient` is that of the bound of several samples, and must "
                "be 'plain' without `num_samples`. "
                f"Received: gradient={gradient!r} with num_samples=None"
            )
        return VariationalAutoencoder(encoder, decoder, latent, **options)
    return ImportanceWeightedAutoencoder(
        encoder,
        decoder,
        latent,
        num_samples=num_samples,
        gradient=gradient,
        **options,
    )


def heads(features: Tensor, latent_dim: int) -> list[Tensor]:
    """Mean and log-variance of the posterior, (batch, latent_dim) each."""
    z_mean = layers.Dense(latent_dim, name="z_mean")(features)
    z_log_var = layers.Dense(latent_dim, name="z_log_var")(features)
    return [z_mean, z_log_var]


def dense_encoder(
    original_dim: int, latent_dim: int, intermediate_dim: int
) -> keras.Model:
    image = keras.Input((original_dim,), name="image")
    hidden = layers.Dense(intermediate_dim, "relu", name="encoder_hidden")(
        image
    )
    return keras.Model(image, heads(hidden, latent_dim), name="encoder")


def dense_decoder(
    original_dim: int, latent_dim: int, intermediate_dim: int
) -> keras.Model:
    z = keras.Input((latent_dim,), name="z")
    hidden = layers.Dense(intermediate_dim, "relu", name="decoder_hidden")(z)
    pixels = layers.Dense(
        original_dim, "sigmoid", dtype="float32", name="pixels"
    )(hidden)
    return keras.Model(z, pixels, name="decoder")


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


@register(DENSE)
def dense_vae(
    original_dim: int = 784,
    latent_dim: int = 2,
    intermediate_dim: int = 256,
    *,
    kl_weight: float = 1.0,
    num_samples: int | None = None,
    gradient: str = "plain",
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "dense_vae",
) -> keras.Model:
    """Dense variational autoencoder, compiled.

    Dense ReLU → posterior heads → Dense ReLU → Dense sigmoid, trained on the
    Bernoulli ELBO.

    Args:
        original_dim: Values of a flat image. Defaults to 784.
        latent_dim: Latents. Defaults to 2.
        intermediate_dim: Units of both hidden layers. Defaults to 256.
        kl_weight: Weight of the KL divergence (β). Defaults to 1.
        num_samples: Posterior samples of an importance-weighted bound.
            Defaults to `None`: the ELBO, with its KL divergence in closed form.
        gradient: `"plain"`, `"stl"` or `"dreg"` of that bound, see
            `ImportanceWeightedAutoencoder`. The latter two need `num_samples`.
            Defaults to `"plain"`.
        input_range: See `VariationalAutoencoder`. Defaults to (0, 1).
        name: Name of the model.

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
    original_dim, latent_dim, intermediate_dim = check_sizes(
        original_dim=original_dim,
        latent_dim=latent_dim,
        intermediate_dim=intermediate_dim,
    )
    return image_autoencoder(
        dense_encoder(original_dim, latent_dim, intermediate_dim),
        dense_decoder(original_dim, latent_dim, intermediate_dim),
        num_samples=num_samples,
        gradient=gradient,
        kl_weight=kl_weight,
        input_range=input_range,
        name=name,
    )


@register(CONVOLUTIONAL)
def conv_vae(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    latent_dim: int = 2,
    *,
    kl_weight: float = 1.0,
    num_samples: int | None = None,
    gradient: str = "plain",
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "conv_vae",
) -> keras.Model:
    """Convolutional variational autoencoder, compiled.

    Two 3×3 convolutions of stride 2 (32 and 64 filters, ReLU) → Dense 16 ReLU →
    posterior heads; Dense ReLU → two transposed convolutions of stride 2 (64
    and 32, ReLU) → transposed convolution, sigmoid.

    Args:
        input_shape: Height, width and channels; both sides multiples of 4.
            Defaults to (28, 28, 1).
        latent_dim: Latents. Defaults to 2.
        kl_weight: Weight of the KL divergence (β). Defaults to 1.
        num_samples: Posterior samples of an importance-weighted bound.
            Defaults to `None`: the ELBO, with its KL divergence in closed form.
        gradient: `"plain"`, `"stl"` or `"dreg"` of that bound, see
            `ImportanceWeightedAutoencoder`. The latter two need `num_samples`.
            Defaults to `"plain"`.
        input_range: See `VariationalAutoencoder`. Defaults to (0, 1).
        name: Name of the model.

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
    return image_autoencoder(
        conv_encoder(input_shape, latent_dim),
        conv_decoder(input_shape, latent_dim),
        num_samples=num_samples,
        gradient=gradient,
        kl_weight=kl_weight,
        input_range=input_range,
        name=name,
    )


@register(DENSE)
def conditional_vae(
    original_dim: int = 784,
    num_classes: int = 10,
    latent_dim: int = 2,
    intermediate_dim: int = 256,
    *,
    kl_weight: float = 1.0,
    num_samples: int | None = None,
    gradient: str = "plain",
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "conditional_vae",
) -> keras.Model:
    """Conditional dense variational autoencoder, compiled.

    As `dense_vae`, with the KL divergence to N(μ_y, 1), where the mean μ_y of
    class y is trained with the rest: `½ Σ ((μ − μ_y)² + exp(l) − l − 1)`.

    Args:
        original_dim: Values of a flat image. Defaults to 784.
        num_classes: Classes. Defaults to 10.
        latent_dim: Latents. Defaults to 2.
        intermediate_dim: Units of both hidden layers. Defaults to 256.
        kl_weight: Weight of the KL divergence (β). Defaults to 1.
        num_samples: Posterior samples of an importance-weighted bound.
            Defaults to `None`: the ELBO, with its KL divergence in closed form.
        gradient: `"plain"`, `"stl"` or `"dreg"` of that bound, see
            `ImportanceWeightedAutoencoder`. The latter two need `num_samples`.
            Defaults to `"plain"`.
        input_range: See `VariationalAutoencoder`. Defaults to (0, 1).
        name: Name of the model.

    Returns:
        A `VariationalAutoencoder` on `[images, one-hot labels]`.

    Raises:
        ValueError: If a size is below 1, or a gradient is given without
            samples.

    Example:

    ```python
    model = zoo.conditional_vae()
    one_hot = keras.utils.to_categorical(labels, 10)
    model.fit([images, one_hot], batch_size=100, epochs=100)
    sevens = model.generate(16, label=7)
    ```

    Source: kexue.fm 5253.
    """
    original_dim, num_classes, latent_dim, intermediate_dim = check_sizes(
        original_dim=original_dim,
        num_classes=num_classes,
        latent_dim=latent_dim,
        intermediate_dim=intermediate_dim,
    )
    return image_autoencoder(
        dense_encoder(original_dim, latent_dim, intermediate_dim),
        dense_decoder(original_dim, latent_dim, intermediate_dim),
        prior=ClassMeans(num_classes),
        num_samples=num_samples,
        gradient=gradient,
        kl_weight=kl_weight,
        input_range=input_range,
        name=name,
    )
