from typing import Any

import keras
from keras import ops

from keras_capsvae.layers.seeded import SeededLayer
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer


@keras.saving.register_keras_serializable(package="keras_capsvae")
class RandomWindow(SeededLayer):
    """A window of each image: a random one in training, else the middle one.

    Every image of a batch has a window of its own.

    Args:
        size: Side of the window in pixels.
        seed: Integer seed of the places. Defaults to `None`: a random one.

    Inputs: images `(batch, height, width, channels)`.

    Output: `(batch, size, size, channels)`.

    Raises:
        ValueError: If the input is no batch of images of known sides, or a
            side is smaller than the window.
        TypeError: If `size` is no integer.

    Example:

    >>> RandomWindow(32)(np.zeros((8, 48, 48, 2))).shape
    TensorShape([8, 32, 32, 2])

    Source: Hinton, Sabour and Frosst, 2018, section 5, for smallNORB.
    """

    def __init__(self, size: int, seed: int | None = None, **kwargs: Any):
        super().__init__(seed, **kwargs)
        self.size = check_integer("size", size)

    def build(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        _, height, width, _ = images.shape
        spare = (height - self.size, width - self.size)
        if not training:
            top, left = (pixels // 2 for pixels in spare)
            return images[:, top : top + self.size, left : left + self.size]
        rows, columns = (self._places(images, pixels) for pixels in spare)
        rows, columns = rows[:, :, None, None], columns[:, None, :, None]
        return _taken(_taken(images, rows, 1), columns, 2)

    def _places(self, images, spare):
        """Rows or columns of each image's window, `(batch, size)`."""
        first = keras.random.randint(
            ops.shape(images)[:1], 0, spare + 1, seed=self.seed_generator
        )
        return first[:, None] + ops.arange(self.size, dtype=first.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = tuple(input_shape)
        if len(shape) != 4 or None in shape[1:3] or min(shape[1:3]) < self.size:
            raise ValueError(
                f"Layer {self.name} expects images (batch, height, width, "
                f"channels) with known sides of at least {self.size}. "
                f"Received: input shape {shape}"
            )
        return (shape[0], self.size, self.size, shape[3])

    def get_config(self) -> Config:
        return {**super().get_config(), "size": self.size}


def _taken(images, places, axis):
    """`take_along_axis` with places of 1 in the axes that they leave alone."""
    shape = [ops.shape(images)[i] for i in range(4)]
    shape[axis] = places.shape[axis]
    return ops.take_along_axis(
        images, ops.broadcast_to(places, shape), axis=axis
    )
