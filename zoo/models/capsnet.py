"""Vector capsule networks of kexue.fm 4819 and 5112 and of Sabour 2017."""

import math

import keras
from keras import layers

from keras_capsvae import CapsuleLayer
from keras_capsvae import CapsuleNetwork
from keras_capsvae import Classifier
from keras_capsvae import LabelAccuracy
from keras_capsvae import MarginLoss
from keras_capsvae import PrimaryCapsules
from keras_capsvae.validation.numbers import check_integer
from zoo.models import capsnet_sizes
from zoo.models.sizes import CHANNELS
from zoo.models.sizes import check_image_shape
from zoo.registry import register
from zoo.registry.training import Training

SU = Training(
    "adam",
    1e-3,
    MarginLoss,
    loss_options={"negative_weight": 0.25},
    metrics=(LabelAccuracy,),
)
SABOUR = Training("adam", 1e-3, MarginLoss, metrics=(LabelAccuracy,))
SMALLEST_CNN = 14  # below, nothing is left after the four convolutions


def convolutions(image: keras.KerasTensor) -> keras.KerasTensor:
    """The features of both of Su's nets: a quarter of the positions."""
    x = _convolution(64, 3, "conv_1")(image)  # (batch, h − 2, w − 2, 64)
    x = _convolution(64, 3, "conv_2")(x)
    x = layers.AveragePooling2D(2, data_format=CHANNELS, name="halve")(x)
    x = _convolution(128, 3, "conv_3")(x)
    return _convolution(128, 3, "conv_4")(x)  # (batch, h/2 − 6, w/2 − 6, 128)


def _convolution(filters, size, name, strides=1):
    return layers.Conv2D(
        filters,
        size,
        strides,
        activation="relu",
        data_format=CHANNELS,
        name=name,
    )


def capsule_decoder(
    num_classes: int,
    dim_capsules: int,
    input_shape: tuple[int, ...],
    units: tuple[int, ...] | None = (512, 1024),
) -> keras.Model | None:
    """Masked capsules → image; `None` where there are no units."""
    if units is None:
        return None
    values = math.prod(input_shape)
    hidden = [
        layers.Dense(count, "relu", name=f"decoder_{i}")
        for i, count in enumerate(units, start=1)
    ]
    return keras.Sequential(
        [
            keras.Input((num_classes * dim_capsules,), name="masked"),
            *hidden,
            layers.Dense(values, "sigmoid", dtype="float32", name="pixels"),
            layers.Reshape(input_shape, dtype="float32", name="image"),
        ],
        name="decoder",
    )


@register(SU)
def capsule_cnn(
    input_shape: tuple[int | None, int | None, int] = (None, None, 1),
    num_classes: int = 10,
    *,
    routings: int | None = None,
    routing: str = "kmeans",
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "capsule_cnn",
) -> keras.Model:
    """Convolutions and capsules for images of any size, compiled.

    Conv 64, Conv 64 → average pooling → Conv 128, Conv 128 (all 3×3, ReLU) →
    capsules of 16 dims with shared weights, one for each class → lengths.

    Args:
        input_shape: Height, width and channels; `None` for sides that vary.
            Defaults to (None, None, 1).
        num_classes: Classes. Defaults to 10.
        routings: Routing iterations. Defaults to `None`: the routing's own
            number, 3 here.
        routing: See `CapsuleLayer`. Defaults to `"kmeans"`.
        input_range: See `CapsuleNetwork`. Defaults to (0, 1).
        name: Name of the model.

    Returns:
        A `CapsuleNetwork`, images in [0, 1] → scores `(batch, num_classes)`.

    Raises:
        ValueError: If a size is below 1, a side below 14 or the routing
            unknown.

    Example:

    ```python
    model = zoo.capsule_cnn()
    model.fit(images, labels, batch_size=128, epochs=10)
    scores = model.predict(images_of_another_size)
    ```

    Source: kexue.fm 4819 and 5112.
    """
    num_classes = check_integer("num_classes", num_classes)
    input_shape = check_image_shape(
        input_shape, at_least=SMALLEST_CNN, variable=True
    )
    image = keras.Input(input_shape, name="image")
    features = convolutions(image)  # (batch, h, w, 128)
    parts = layers.Reshape((-1, 128), name="parts")(features)
    digits = CapsuleLayer(
        num_classes, 16, routings, routing=routing, name="capsules"
    )(parts)  # (batch, num_classes, 16)
    return CapsuleNetwork(
        keras.Model(image, digits), input_range=input_range, name=name
    )


@register(SU)
def pooling_cnn(
    input_shape: tuple[int | None, int | None, int] = (None, None, 1),
    num_classes: int = 10,
    *,
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "pooling_cnn",
) -> keras.Model:
    """The control of `capsule_cnn` without capsules, compiled.

    The convolutions of `capsule_cnn` → global average pooling → Dense 128 ReLU
    → Dense sigmoid.

    Args:
        input_shape: Height, width and channels; `None` for sides that vary.
            Defaults to (None, None, 1).
        num_classes: Classes. Defaults to 10.
        input_range: See `CapsuleNetwork`. Defaults to (0, 1).
        name: Name of the model.

    Returns:
        A `Classifier`, images in [0, 1] → scores `(batch, num_classes)`.

    Raises:
        ValueError: If a size is below 1 or a side below 14.

    Example:

    ```python
    model = zoo.pooling_cnn()
    model.fit(images, labels, batch_size=128, epochs=10)
    ```

    Source: kexue.fm 5112.
    """
    num_classes = check_integer("num_classes", num_classes)
    input_shape = check_image_shape(
        input_shape, at_least=SMALLEST_CNN, variable=True
    )
    image = keras.Input(input_shape, name="image")
    features = convolutions(image)  # (batch, h, w, 128)
    x = layers.GlobalAveragePooling2D(CHANNELS, name="average")(features)
    x = layers.Dense(128, "relu", name="hidden")(x)
    scores = layers.Dense(
        num_classes, "sigmoid", dtype="float32", name="scores"
    )(x)  # (batch, num_classes)
    return Classifier(image, scores, input_range=input_range, name=name)


@register(SABOUR)
def capsnet(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    *,
    routings: int | None = None,
    routing: str = "dynamic",
    filters: int = 256,
    num_channels: int = 32,
    strides: tuple[int, int] = (1, 2),
    decoder_units: tuple[int, ...] | None = (512, 1024),
    reconstruction_weight: float = 0.0005,
    rematerialize: bool = False,
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "capsnet",
) -> keras.Model:
    """The capsule network of Sabour, Frosst and Hinton, compiled.

    Conv 256 9×9 ReLU → primary capsules, 32 channels of 8 dims, 9×9, stride 2
    → capsules of 16 dims, one for each class, fully connected → lengths. A
    decoder (Dense 512, Dense 1024, ReLU; Dense sigmoid) reconstructs the image,
    from the capsule of the label in training, from the longest in
    `reconstruct`.

    The class capsules and the decoder grow with the image: for sides of 64 to
    224 pixels give larger `strides`, and `decoder_units=None` above 96.

    Args:
        input_shape: Height, width and channels; sides of at least 17. Defaults
            to (28, 28, 1).
        num_classes: Classes. Defaults to 10.
        routings: Routing iterations. Defaults to `None`: the routing's own
            number, 3 here.
        routing: See `CapsuleLayer`. Defaults to `"dynamic"`.
        filters: Of the convolution. Defaults to 256.
        num_channels: Primary capsules at a position. Defaults to 32.
        strides: Those of the convolution and of the primary capsules. Defaults
            to (1, 2).
        decoder_units: Units of the decoder's hidden layers; `None` for a net
            without a decoder. Defaults to (512, 1024).
        reconstruction_weight: Weight of the squared error of the
            reconstruction, summed over the image. Defaults to 0.0005, the
            paper's for 784 values; 0.392 / values weighs others like them.
        rematerialize: Whether to compute votes and routing twice, for memory.
            Defaults to `False`.
        input_range: See `CapsuleNetwork`. Defaults to (0, 1).
        name: Name of the model.

    Returns:
        A `CapsuleNetwork`, images in [0, 1] → scores `(batch, num_classes)`.

    Raises:
        ValueError: If a size is below 1, a side below 17 (or 9 + 8 times the
            first stride), the routing unknown, or the class capsules larger
            than this machine's memory.

    Warns:
        UserWarning: If the net has more than 50 million parameters; it names
            arguments that make fewer.

    Example:

    ```python
    model = zoo.capsnet()
    model.fit(images, labels, batch_size=128, epochs=50)
    pictures = model.reconstruct(images[:8])
    poses = model.capsules(images[:8])  # (8, 10, 16)
    photos = zoo.capsnet((96, 96, 3), 5, strides=(2, 2))  # 41 million weights
    ```

    Source: Sabour, Frosst and Hinton, 2017; kexue.fm 4819.
    """
    sizes = capsnet_sizes.checked(
        input_shape, num_classes, filters, num_channels, strides, decoder_units
    )
    image = keras.Input(sizes.input_shape, name="image")
    x = _convolution(
        sizes.filters, capsnet_sizes.KERNEL, "conv_1", sizes.strides[0]
    )(image)
    primary = PrimaryCapsules(
        sizes.num_channels,
        8,
        kernel_size=capsnet_sizes.KERNEL,
        strides=sizes.strides[1],
        squash_constant=1.0,
        name="primary",
    )(x)  # (batch, positions · num_channels, 8)
    digits = CapsuleLayer(
        sizes.num_classes,
        16,
        routings,
        share_weights=False,
        routing=routing,
        squash_constant=1.0,
        rematerialize=rematerialize,
        name="capsules",
    )(primary)  # (batch, num_classes, 16)
    return CapsuleNetwork(
        keras.Model(image, digits),
        capsule_decoder(
            sizes.num_classes, 16, sizes.input_shape, sizes.decoder_units
        ),
        reconstruction_weight=reconstruction_weight,
        input_range=input_range,
        name=name,
    )
