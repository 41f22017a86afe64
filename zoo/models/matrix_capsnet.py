"""Matrix capsules with EM routing, of kexue.fm 5155 and Hinton 2018."""

import keras
from keras import layers

from keras_capsvae import ClassMatrixCapsuleEM
from keras_capsvae import ConvMatrixCapsuleEM
from keras_capsvae import LabelAccuracy
from keras_capsvae import MatrixCapsuleNetwork
from keras_capsvae import PrimaryMatrixCapsules
from keras_capsvae import RandomWindow
from keras_capsvae import SpreadLoss
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_sizes
from zoo.models.sizes import CHANNELS
from zoo.models.sizes import check_image_shape
from zoo.registry import register
from zoo.registry.training import Training

HINTON = Training("adam", 3e-3, SpreadLoss, metrics=(LabelAccuracy,))
# A parent without votes is active by 0.27 after 2 iterations, 0.19 after 3.
BETA_A = -10.0
SMALLEST = 17  # a 5 × 5 and a 3 × 3 window of stride 2, then one of stride 1


@register(HINTON)
def matrix_capsnet(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    capsules: tuple[int, int, int, int] = (64, 8, 16, 16),
    *,
    routings: int = 2,
    batch_normalization: bool = True,
    rematerialize: bool = False,
    window: int | None = None,
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "matrix_capsnet",
) -> keras.Model:
    """Matrix capsules with EM routing, compiled.

    Conv A 5×5 stride 2, normalised, ReLU → primary capsules B → convolutional
    capsules C, 3×3 stride 2 → convolutional capsules D, 3×3 → class capsules.

    The defaults are the net whose weights are shipped, which learns several
    times faster than the paper's: that has `routings=3` and
    `batch_normalization=False`. In both λ is 1 and β_a begins at −10, unlike in
    the paper, see docs/matrix_capsules.md. The authors let the learning rate
    fall by 0.96 every 20,000 steps, which a
    `keras.optimizers.schedules.ExponentialDecay` as `learning_rate` does, and
    the margin of the loss rise, which `SpreadMargin` does.

    Args:
        input_shape: Height, width and channels; sides of at least 17. Defaults
            to (28, 28, 1).
        num_classes: Classes. Defaults to 10.
        capsules: Filters A and capsule types B, C, D. Defaults to
            (64, 8, 16, 16); the paper's largest net has 32 of each.
        routings: Iterations of EM. Defaults to 2; the paper has 3. A net works
            well only with the number it was trained with, which a weights file
            of your own does not hold: give it again.
        batch_normalization: Whether to normalise the convolution's output
            before its ReLU. Defaults to `True`; the paper does not.
        rematerialize: Whether to compute votes and routing twice, for memory.
            Defaults to `False`.
        window: Side of the window of each image that the net sees, a random one
            in training and the middle one after it; the paper takes 32 out of
            48 for smallNORB. Defaults to `None`: the whole image.
        input_range: See `MatrixCapsuleNetwork`. Defaults to (0, 1).
        name: Name of the model.

    Returns:
        A `MatrixCapsuleNetwork`, images in [0, 1] → scores
        `(batch, num_classes)`.

    Raises:
        ValueError: If a size is below 1, a side below 17 or below `window`, or
            `capsules` are not four.

    Example:

    ```python
    model = zoo.matrix_capsnet()
    margin = SpreadMargin(steps=10 * len(images) // 64)
    model.fit(images, labels, batch_size=64, epochs=10, callbacks=[margin])
    poses = model.capsules(images[:8])  # (8, 10, 4, 4)
    ```

    Source: kexue.fm 5155; Hinton, Sabour and Frosst, 2018.
    """
    num_classes = check_integer("num_classes", num_classes)
    input_shape = check_image_shape(input_shape, at_least=SMALLEST)
    if window is not None:
        _check_window(window, input_shape)
    filters, *types = _checked(capsules)
    options = {
        "routings": routings,
        "rematerialize": rematerialize,
        "final_lambda": 1.0,  # so that β_a is trained at the pace of the rest
        "beta_a_initializer": keras.initializers.Constant(BETA_A),
    }
    image = x = keras.Input(input_shape, name="image")
    if window is not None:
        x = RandomWindow(window, name="window")(x)
    x = layers.Conv2D(
        filters, 5, strides=2, data_format=CHANNELS, name="conv_1"
    )(x)
    if batch_normalization:
        x = layers.BatchNormalization(name="normalization")(x)
    x = layers.ReLU(name="relu")(x)  # (batch, h, w, A)
    parts = PrimaryMatrixCapsules(types[0], name="primary")(x)
    parts = ConvMatrixCapsuleEM(
        types[1], 3, strides=2, name="conv_capsules_1", **options
    )(parts)  # (batch, rows, columns, C, 4, 4)
    parts = ConvMatrixCapsuleEM(types[2], 3, name="conv_capsules_2", **options)(
        parts
    )  # (batch, rows − 2, columns − 2, D, 4, 4)
    classes = ClassMatrixCapsuleEM(
        num_classes, dtype="float32", name="class_capsules", **options
    )(parts)  # poses and activations, (batch, num_classes, …)
    return MatrixCapsuleNetwork(
        keras.Model(image, classes), input_range=input_range, name=name
    )


def _check_window(window, input_shape):
    check_integer("window", window, SMALLEST)
    if window > min(input_shape[:2]):
        raise ValueError(
            "`window` must fit into the image. Received: window="
            f"{window}, input_shape={tuple(input_shape)}"
        )


def _checked(capsules):
    if not isinstance(capsules, (tuple, list)) or len(capsules) != 4:
        raise ValueError(
            "`capsules` must be the four sizes (A, B, C, D). "
            f"Received: capsules={capsules!r}"
        )
    return check_sizes(
        **{f"capsules[{i}]": size for i, size in enumerate(capsules)}
    )
