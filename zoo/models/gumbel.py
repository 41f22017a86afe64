"""The VAE with categories as latents of kexue.fm 6705."""

import keras
from keras import layers

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import GumbelSoftmaxLatent
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.validation.numbers import check_integer
from zoo.models.sizes import check_image_shape
from zoo.models.vae import conv_features
from zoo.models.vae import conv_pixels
from zoo.registry import register
from zoo.registry.training import Training

CATEGORICAL = Training("rmsprop", 1e-3, BernoulliReconstruction)
FILTERS = (32, 64)
HIDDEN = 32


@register(CATEGORICAL)
def gumbel_vae(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_latents: int = 32,
    num_categories: int = 10,
    *,
    temperature: float = 1.0,
    straight_through: bool = False,
    kl_weight: float = 1.0,
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "gumbel_vae",
) -> keras.Model:
    """Convolutional VAE whose latents are categories, compiled.

    Two 3×3 convolutions of stride 2 (32 and 64 filters, ReLU) → Dense 32 ReLU →
    logits of each latent; Dense 32 ReLU → Dense ReLU → two transposed
    convolutions of stride 2 (64 and 32, ReLU) → transposed convolution,
    sigmoid. Training draws from the Gumbel-softmax distribution, inference
    one-hot. `TemperatureAnnealing` lowers the temperature; `python -m zoo
    train` has it do so.

    Args:
        input_shape: Height, width and channels; both sides multiples of 4.
            Defaults to (28, 28, 1).
        num_latents: Latents. Defaults to 32.
        num_categories: Categories of each, at least 2. Defaults to 10.
        temperature: Temperature at the start. Defaults to 1.
        straight_through: Whether training draws one-hot too, with the gradient
            of relaxed draws. Defaults to `False`.
        kl_weight: Weight of the KL divergence (β). Defaults to 1.
        input_range: See `VariationalAutoencoder`. Defaults to (0, 1).
        name: Name of the model.

    Returns:
        A `VariationalAutoencoder` on `(batch, *input_shape)` in [0, 1].

    Raises:
        ValueError: If a size is below 1, `num_categories` below 2, the
            temperature not above 0, or a side no multiple of 4.

    Example:

    ```python
    model = zoo.gumbel_vae()
    anneal = TemperatureAnnealing()
    model.fit(images, batch_size=100, epochs=30, callbacks=[anneal])
    categories = model.encode(images)  # (n, 32) integers below 10
    pictures = model.decode(categories)
    digits = model.generate(16)
    ```

    Source: kexue.fm 6705; Jang, Gu and Poole, 2016.
    """
    num_latents = check_integer("num_latents", num_latents)
    num_categories = check_integer("num_categories", num_categories, 2)
    input_shape = check_image_shape(input_shape, multiple_of=4)
    sizes = (num_latents, num_categories)
    return VariationalAutoencoder(
        logits_encoder(input_shape, *sizes),
        category_decoder(input_shape, *sizes),
        GumbelSoftmaxLatent(
            temperature, straight_through=straight_through, kl_weight=kl_weight
        ),
        input_range=input_range,
        name=name,
    )


def logits_encoder(
    input_shape: tuple[int, ...], num_latents: int, num_categories: int
) -> keras.Model:
    """Images → logits of the categories of each latent."""
    image, x = conv_features(input_shape, FILTERS, HIDDEN)
    x = layers.Dense(num_latents * num_categories, name="logits")(x)
    logits = layers.Reshape((num_latents, num_categories))(x)
    return keras.Model(image, logits, name="encoder")


def category_decoder(
    input_shape: tuple[int, ...], num_latents: int, num_categories: int
) -> keras.Model:
    """One-hot or relaxed categories → images."""
    z = keras.Input((num_latents, num_categories), name="z")
    x = layers.Reshape((num_latents * num_categories,))(z)
    x = layers.Dense(HIDDEN, "relu", name="decoder_categories")(x)
    pixels = conv_pixels(x, input_shape, FILTERS[::-1])
    return keras.Model(z, pixels, name="decoder")
