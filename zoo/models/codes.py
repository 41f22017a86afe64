"""VAEs of images whose latents are maps of codes: kexue.fm 6760 and 9826."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_capsvae import CodeAutoencoder
from keras_capsvae import FiniteScalarQuantizer
from keras_capsvae import GaussianReconstruction
from keras_capsvae import VectorQuantizer
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_sizes
from zoo.models.sizes import CHANNELS
from zoo.models.sizes import check_image_shape
from zoo.registry import register
from zoo.registry.training import Training

CODES = Training("adam", 1e-3, GaussianReconstruction, {"variance": "learned"})
MOMENTUM = 0.9  # a folder of images is a few steps an epoch


@register(CODES)
def vq_vae(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_codes: int = 64,
    code_dim: int | None = None,
    *,
    filters: int = 64,
    residual_blocks: int = 1,
    halvings: int = 2,
    codebook: str | None = None,
    gradient: str = "straight_through",
    commitment: float = 0.25,
    k_means_start: bool = True,
    reset_below: float = 0.05,
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "vq_vae",
) -> keras.Model:
    """Vector-quantised variational autoencoder of images, compiled.

    4×4 convolutions of stride 2 with batch normalisation, residual blocks →
    a map of vectors, each replaced by the nearest code → residual blocks, 4×4
    transposed convolutions, sigmoid. Squared errors, of pixels whose variance
    is learned. `fit_prior` then trains the net that `generate` draws codes
    from. The post's net for 128×128×3 is `vq_vae((128, 128, 3), filters=128,
    residual_blocks=3)`.

    Args:
        input_shape: Height, width and channels; both sides multiples of
            2^halvings. Defaults to (28, 28, 1), whose codes are 7×7.
        num_codes: Codes, at least 2. Defaults to 64.
        code_dim: Dims of a code. Defaults to `None`: as many as filters.
        filters: Filters of all convolutions. Defaults to 64.
        residual_blocks: Of encoder and of decoder. Defaults to 1.
        halvings: How often the sides are halved. Defaults to 2.
        codebook, gradient, commitment, k_means_start, reset_below: See
            `VectorQuantizer`.
        input_range: See `VariationalAutoencoder`. Defaults to (0, 1).
        name: Name of the model.

    Returns:
        A `CodeAutoencoder` on `(batch, *input_shape)` in [0, 1].

    Raises:
        ValueError: If a size is below 1, `num_codes` below 2, a side cannot be
            halved so often, or an option of the quantiser is wrong.

    Example:

    ```python
    model = zoo.vq_vae((16, 16, 3))
    model.fit(images, batch_size=64, epochs=20)
    model.fit_prior(images, epochs=20)
    codes = model.encode(images)  # integers (n, 4, 4)
    pictures = model.generate(16)
    ```

    Source: kexue.fm 6760; van den Oord et al., "Neural Discrete Representation
    Learning", 2017.
    """
    if code_dim is None:
        code_dim = filters
    sizes = input_shape, code_dim, filters, residual_blocks, halvings
    nets = code_nets(*sizes)
    latent = VectorQuantizer(
        num_codes,
        code_dim,
        codebook=codebook,
        gradient=gradient,
        commitment=commitment,
        k_means_start=k_means_start,
        reset_below=reset_below,
    )
    return CodeAutoencoder(*nets, latent, input_range=input_range, name=name)


@register(CODES)
def fsq_vae(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    levels: Sequence[int] = (4, 4, 4),
    *,
    filters: int = 64,
    residual_blocks: int = 1,
    halvings: int = 2,
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "fsq_vae",
) -> keras.Model:
    """Variational autoencoder of images with finite scalar quantisation.

    As `vq_vae`, with a few bounded numbers for each token that are rounded: no
    codebook, and no loss beside the reconstruction's.

    Args:
        levels: Values that each number can take, at least 2. Defaults to
            (4, 4, 4): 64 codes.
        input_shape, filters, residual_blocks, halvings, input_range, name: As
            of `vq_vae`.

    Returns:
        A `CodeAutoencoder` on `(batch, *input_shape)` in [0, 1].

    Raises:
        ValueError: If a size is below 1, a level below 2, or a side cannot be
            halved so often.

    Example:

    ```python
    model = zoo.fsq_vae((16, 16, 3), levels=(8, 5, 5, 5))
    model.fit(images, batch_size=64, epochs=20)
    codes = model.encode(images)  # integers below 1000
    ```

    Source: kexue.fm 9826; Mentzer et al., "Finite Scalar Quantization", 2023.
    """
    latent = FiniteScalarQuantizer(levels)
    sizes = input_shape, len(latent.levels), filters, residual_blocks, halvings
    return CodeAutoencoder(
        *code_nets(*sizes), latent, input_range=input_range, name=name
    )


def code_nets(
    input_shape: tuple[int, ...],
    code_dim: int,
    filters: int,
    residual_blocks: int,
    halvings: int,
) -> tuple[keras.Model, keras.Model]:
    """Images → a map of vectors, and back."""
    filters, halvings, code_dim = check_sizes(
        filters=filters, halvings=halvings, code_dim=code_dim
    )
    residual_blocks = check_integer("residual_blocks", residual_blocks, 0)
    input_shape = check_image_shape(input_shape, multiple_of=2**halvings)
    height, width, channels = input_shape
    grid = (height // 2**halvings, width // 2**halvings, code_dim)

    image = x = keras.Input(input_shape, name="image")
    for place in range(1, halvings + 1):
        x = _halve(filters, f"encoder_conv_{place}")(x)
        x = _normalised(f"encoder_norm_{place}")(x)
        if place < halvings:
            x = layers.ReLU()(x)
    x = _residual(x, filters, residual_blocks, "encoder")
    if code_dim != filters:
        x = _pointwise(code_dim, "encoder_codes")(x)
    encoder = keras.Model(image, x, name="encoder")  # (batch, h', w', code_dim)

    z = x = keras.Input(grid, name="z")
    if code_dim != filters:
        x = _pointwise(filters, "decoder_codes")(x)
    x = _residual(x, filters, residual_blocks, "decoder")
    for place in range(1, halvings):
        x = _double(filters, f"decoder_conv_{place}")(x)
        x = layers.ReLU()(_normalised(f"decoder_norm_{place}")(x))
    pixels = _double(channels, "pixels", activation="sigmoid", dtype="float32")(
        x
    )  # (batch, h, w, channels)
    return encoder, keras.Model(z, pixels, name="decoder")


def _residual(x: Tensor, filters: int, blocks: int, part: str) -> Tensor:
    """ReLU, 3×3, normalisation, ReLU, 1×1, added; normalised in between."""
    for place in range(1, blocks + 1):
        name = f"{part}_block_{place}"
        h = _conv(filters, 3, 1, f"{name}_conv")(layers.ReLU()(x))
        h = layers.ReLU()(_normalised(f"{name}_norm")(h))
        x = layers.Add()([x, _pointwise(filters, f"{name}_added")(h)])
        if place < blocks:
            x = _normalised(f"{name}_after")(x)
    return x


def _conv(filters, size, strides, name):
    return layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        data_format=CHANNELS,
        name=name,
    )


def _halve(filters, name):
    return _conv(filters, 4, 2, name)


def _pointwise(filters, name):
    return _conv(filters, 1, 1, name)


def _double(filters, name, **options):
    return layers.Conv2DTranspose(
        filters,
        4,
        strides=2,
        padding="same",
        data_format=CHANNELS,
        name=name,
        **options,
    )


def _normalised(name):
    return layers.BatchNormalization(momentum=MOMENTUM, name=name)
