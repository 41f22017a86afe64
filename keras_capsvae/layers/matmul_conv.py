import math

import keras
from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.private_keras import compiled_by_jax
from keras_capsvae.private_keras import computes_on_jax_cpu
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor

LARGE_KERNEL = 64  # cells
MANY_FILTERS = 128
DEPTH = 512  # of a product, which narrow inputs reach with several rows


class MatmulConv2D(keras.layers.Conv2D):
    """A `Conv2D` that JAX also computes fast on a CPU where kernels are large.

    On a CPU, XLA takes up to 28 times as long for the gradients of a large
    strided convolution as for matrix products that give the same. There this
    layer computes the products of each kernel row with the patches of the image
    under it, and sums them. It does so for kernels of at least 64 cells with at
    least 128 filters, without dilation or groups; smaller ones gain nothing.
    Everything else, and all other backends and devices, have the convolution of
    Keras. Weights, arguments and shapes are those of `Conv2D`.

    It is for use within layers: weights files of models call a layer by its
    class, and would tell one from a `Conv2D`.

    Milliseconds of CPU time of values and gradients, two cores, float32:

    | batch, image, kernel → filters | Keras | products |
    |---|---:|---:|
    | 32, 20 × 20 × 256, 9 × 9 stride 2 → 256 | 21479 | 769 |
    | 32, 20 × 20 × 256, 9 × 9 → 256 | 6941 | 2596 |
    | 128, 28 × 28 × 1, 9 × 9 → 256 (of the kernel alone) | 312 | 114 |
    | 64, 20 × 20 × 32, 9 × 9 stride 2 → 128 | 564 | 160 |
    | 16, 20 × 20 × 32, 9 × 9 → 64 | 81 | 118 |
    | 16, 20 × 20 × 128, 7 × 7 stride 2 → 128 | 77 | 103 |
    | 64, 32 × 32 × 32, 5 × 5 stride 2 → 64 | 91 | 158 |

    Example:

    >>> layer = MatmulConv2D(256, 9, strides=2)
    >>> layer(np.ones((1, 20, 20, 8))).shape
    TensorShape([1, 6, 6, 256])
    """

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        if not (self._is_large() and computes_on_jax_cpu()):
            return super().convolution_op(inputs, kernel)
        is_first = self.data_format == "channels_first"
        images = ops.transpose(inputs, (0, 2, 3, 1)) if is_first else inputs
        outputs = compiled_by_jax(convolve, 2, 3)(
            images, ops.convert_to_tensor(kernel), self.strides, self.padding
        )
        return ops.transpose(outputs, (0, 3, 1, 2)) if is_first else outputs

    def _is_large(self):
        return (
            math.prod(self.kernel_size) >= LARGE_KERNEL
            and self.filters >= MANY_FILTERS
            and self.groups == 1
            and set(self.dilation_rate) == {1}
        )


def convolve(
    images: Tensor, kernel: Tensor, strides: tuple[int, int], padding: str
) -> Tensor:
    """A convolution as a sum of matrix products, one a few kernel rows.

    Args:
        images: Tensor `(batch, height, width, channels)` of known shape.
        kernel: Tensor `(rows, columns, channels, filters)`.
        strides: Down and across.
        padding: `"valid"` or `"same"`.

    Returns:
        Tensor `(batch, new height, new width, filters)`, summed in float32 at
        least.
    """
    rows, columns, channels, filters = kernel.shape
    if padding == "same":
        images = _padded(images, (rows, columns), strides)
    height, width = (
        max(0, (side - size) // stride + 1)
        for side, size, stride in zip(
            images.shape[1:3], (rows, columns), strides
        )
    )
    total = 0.0
    step = max(1, DEPTH // (columns * channels))
    for start in range(0, rows, step):
        part = kernel[start : start + step]
        patches = ops.concatenate(
            [
                images[
                    :,
                    start + row :: strides[0],
                    column :: strides[1],
                ][:, :height, :width]
                for row in range(part.shape[0])
                for column in range(columns)
            ],
            -1,
        )
        products = ops.matmul(patches, ops.reshape(part, (-1, filters)))
        total = total + at_least_float32(products)
    return ops.cast(total, images.dtype)


def _padded(images: Tensor, kernel_size: Shape, strides: Shape) -> Tensor:
    """Zeros around, one more below and on the right where they are odd."""
    margins = [(0, 0)]
    for side, size, stride in zip(images.shape[1:3], kernel_size, strides):
        missing = max(0, (-(-side // stride) - 1) * stride + size - side)
        margins.append((missing // 2, missing - missing // 2))
    return ops.pad(images, [*margins, (0, 0)])
