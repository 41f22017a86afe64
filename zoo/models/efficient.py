"""Efficient-CapsNet of Mazzia, Salvetti and Chiaberge, and its control."""

import math
import warnings

import keras
from keras import layers

from keras_capsvae import CapsuleLayer
from keras_capsvae import CapsuleNetwork
from keras_capsvae import Classifier
from keras_capsvae import LabelAccuracy
from keras_capsvae import MarginLoss
from keras_capsvae import exponential_squash
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_number
from zoo.models.capsnet import capsule_decoder
from zoo.models.capsnet_sizes import MANY
from zoo.models.capsnet_sizes import check_units
from zoo.models.capsnet_sizes import decoder_parameters
from zoo.models.sizes import CHANNELS
from zoo.models.sizes import check_image_shape
from zoo.registry import register
from zoo.registry.training import Training

MAZZIA = Training("adam", 5e-4, MarginLoss, metrics=(LabelAccuracy,))
SMALLEST = 11  # below, nothing is left after the four convolutions
FEATURES = 128
PRIMARY_DIMS = 8  # 16 primary capsules


def features_of(image: keras.KerasTensor) -> keras.KerasTensor:
    """What both nets share: 128 maps, each weighed to one number.

    The depthwise kernel is as large as the maps, 9×9 for images of 28×28, so
    that there are as many numbers for images of any size.
    """
    x = _normalised_convolution(32, 5, 1, "1")(image)  # (batch, h − 4, w − 4)
    x = _normalised_convolution(64, 3, 1, "2")(x)
    x = _normalised_convolution(64, 3, 1, "3")(x)
    x = _normalised_convolution(FEATURES, 3, 2, "4")(x)  # (batch, h/2 − 5, …)
    return layers.DepthwiseConv2D(
        x.shape[1:3], data_format=CHANNELS, name="depthwise"
    )(x)  # (batch, 1, 1, 128)


def _normalised_convolution(filters, size, strides, number):
    convolution = layers.Conv2D(
        filters,
        size,
        strides,
        activation="relu",
        kernel_initializer="he_normal",
        data_format=CHANNELS,
        name=f"conv_{number}",
    )
    normalisation = layers.BatchNormalization(name=f"normalization_{number}")
    return lambda x: normalisation(convolution(x))


@register(MAZZIA)
def efficient_capsnet(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    *,
    mse_weight: float = 0.392,
    decoder_units: tuple[int, ...] | None = (512, 1024),
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "efficient_capsnet",
) -> keras.Model:
    """A capsule network of few weights, without iterations, compiled.

    Conv 32 5×5 → Conv 64 3×3 → Conv 64 3×3 → Conv 128 3×3, stride 2 (all ReLU,
    then batch normalisation) → a depthwise convolution over the whole map → 16
    primary capsules of 8 dims → capsules of 16 dims, one for each class, fully
    connected, by self-attention → lengths. Both kinds are squashed to
    `1 − exp(−‖s‖)`. The decoder is that of `capsnet`.

    161,824 weights classify images of 28 × 28; the decoder, which training
    alone needs, has 1,411,344 more. It grows with the image: give larger ones
    smaller `decoder_units`, or none.

    The paper lets the learning rate fall by 0.97 an epoch, to no less than
    5e-5, at batch 16 over 150 epochs.

    Args:
        input_shape: Height, width and channels; sides of at least 11. Defaults
            to (28, 28, 1).
        num_classes: Classes. Defaults to 10.
        mse_weight: Weight of the mean squared error of the reconstruction, over
            the values of an image. Defaults to 0.392, for 28 × 28 values
            0.0005 of their sum, `capsnet`'s `reconstruction_weight`.
        decoder_units: Units of the decoder's hidden layers; `None` for a net
            without a decoder. Defaults to (512, 1024).
        input_range: See `CapsuleNetwork`. Defaults to (0, 1).
        name: Name of the model.

    Returns:
        A `CapsuleNetwork`, images in [0, 1] → scores `(batch, num_classes)`.

    Raises:
        ValueError: If a size is below 1, a side below 11 or the weight
            negative.

    Example:

    ```python
    model = zoo.efficient_capsnet()
    model.fit(images, labels, batch_size=128, epochs=20)
    pictures = model.reconstruct(images[:8])
    poses = model.capsules(images[:8])  # (8, 10, 16)
    ```

    Source: Mazzia, Salvetti and Chiaberge, "Efficient-CapsNet: capsule network
    with self-attention routing", 2021.
    """
    num_classes = check_integer("num_classes", num_classes)
    check_number("mse_weight", mse_weight)
    input_shape = check_image_shape(input_shape, at_least=SMALLEST)
    decoder_units = check_units(decoder_units)
    _warn_of_large_decoder(num_classes, input_shape, decoder_units)
    image = keras.Input(input_shape, name="image")
    parts = layers.Reshape((-1, PRIMARY_DIMS), name="parts")(features_of(image))
    primary = layers.Activation(exponential_squash, name="primary")(parts)
    digits = CapsuleLayer(
        num_classes,
        16,
        share_weights=False,
        routing="self_attention",
        activation="exponential_squash",
        name="capsules",
    )(primary)  # (batch, num_classes, 16)
    return CapsuleNetwork(
        keras.Model(image, digits),
        capsule_decoder(num_classes, 16, input_shape, decoder_units),
        reconstruction_weight=mse_weight / math.prod(input_shape),
        input_range=input_range,
        name=name,
    )


def _warn_of_large_decoder(num_classes, input_shape, units):
    count = decoder_parameters(num_classes, input_shape, units)
    if count > MANY:
        shape = " × ".join(map(str, input_shape))
        warnings.warn(
            f"The decoder of efficient_capsnet for images of {shape} has "
            f"{count:,} parameters: decoder_units=None leaves it out",
            stacklevel=4,
        )


@register(MAZZIA)
def efficient_cnn(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    *,
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "efficient_cnn",
) -> keras.Model:
    """The control of `efficient_capsnet` without capsules, compiled.

    The same convolutions to 128 numbers, ReLU → Dense 230 ReLU → Dense sigmoid:
    173,164 weights, those of the paper's control, a tenth more than the capsule
    net classifies with.

    Args:
        input_shape: Height, width and channels; sides of at least 11. Defaults
            to (28, 28, 1).
        num_classes: Classes. Defaults to 10.
        input_range: See `CapsuleNetwork`. Defaults to (0, 1).
        name: Name of the model.

    Returns:
        A `Classifier`, images in [0, 1] → scores `(batch, num_classes)`.

    Raises:
        ValueError: If a size is below 1 or a side below 11.

    Example:

    ```python
    model = zoo.efficient_cnn()
    model.fit(images, labels, batch_size=128, epochs=20)
    ```

    Source: Mazzia, Salvetti and Chiaberge, "Efficient-CapsNet: capsule network
    with self-attention routing", 2021.
    """
    num_classes = check_integer("num_classes", num_classes)
    input_shape = check_image_shape(input_shape, at_least=SMALLEST)
    image = keras.Input(input_shape, name="image")
    x = layers.Reshape((FEATURES,), name="features")(features_of(image))
    x = layers.ReLU(name="relu")(x)
    x = layers.Dense(230, "relu", name="hidden")(x)
    scores = layers.Dense(
        num_classes, "sigmoid", dtype="float32", name="scores"
    )(x)  # (batch, num_classes)
    return Classifier(image, scores, input_range=input_range, name=name)
