import functools

import keras

from keras_capsvae import PrimaryCapsules
from keras_capsvae import RandomWindow
from zoo.plots.checks import expect


class ReceptiveFields:
    """Where the positions of a feature map lie on the image, along one side.

    Position p sees pixels around `centre + p · step`.
    """

    def __init__(self, pixels: int):
        self.positions, self.centre, self.step = pixels, 0.0, 1

    def through(
        self, kernel: int, stride: int, padding: str, dilation: int
    ) -> None:
        """The map after one more convolution or pooling."""
        reach = (kernel - 1) * dilation
        before = self.positions
        if padding == "same":
            self.positions = -(-before // stride)
            padded = (self.positions - 1) * stride + reach + 1 - before
            first = max(padded, 0) // 2
        else:
            self.positions = (before - reach - 1) // stride + 1
            first = 0
        self.centre += (reach / 2 - first) * self.step
        self.step *= stride

    def cut(self, size: int) -> None:
        """The middle of the map."""
        self.centre += (self.positions - size) // 2 * self.step
        self.positions = size

    def keep(self, count: int) -> None:
        """The first positions of the map."""
        self.positions = count

    @property
    def edges(self) -> tuple[float, float]:
        """Where the cells of the first and the last position end."""
        first = self.centre - self.step / 2
        return first, first + self.positions * self.step


def fields_below(
    model: keras.Model, layer: keras.layers.Layer, image_shape: tuple[int, ...]
) -> tuple[ReceptiveFields, ...]:
    """The fields along height and width of the map that `layer` reads.

    `layer` reads capsules (batch, n, d), the positions of a feature map row by
    row, with the same number of capsules at each.
    """
    sides, shape = fields_and_shape(model, layer, image_shape)
    positions = sides[0].positions * sides[1].positions
    expect_chain(len(shape) == 3 and shape[1] % positions == 0, layer)
    return sides


def fields_and_shape(
    model: keras.Model, layer: keras.layers.Layer, image_shape: tuple[int, ...]
) -> tuple[tuple[ReceptiveFields, ...], tuple[int, ...]]:
    """The fields of what `layer` reads, and the shape of that."""
    shape = (1, *image_shape)
    sides = tuple(ReceptiveFields(side) for side in image_shape[:2])
    for below in layers_between(model, layer):
        if len(shape) == 4:
            follow(below, sides)
        shape = below.compute_output_shape(shape)
        positions = tuple(side.positions for side in sides)
        kept = len(shape) == 3 or tuple(shape[1:3]) == positions
        expect_chain(kept, below)
    return sides, shape


def layers_between(model: keras.Model, layer: keras.layers.Layer) -> list:
    """The layers from the input of the model to below `layer`."""
    chain = []
    tensor = layer.input
    while tensor is not model.inputs[0]:
        owners = [one for one in model.layers if one.output is tensor]
        expect_chain(len(owners) == 1, owners[0] if owners else layer)
        chain.insert(0, owners[0])
        tensor = owners[0].input
    return chain


@functools.singledispatch
def follow(layer: keras.layers.Layer, sides: tuple) -> None:
    """Carry the fields of both sides through a layer that moves positions."""


@follow.register(keras.layers.Conv2D)
@follow.register(keras.layers.DepthwiseConv2D)
@follow.register(keras.layers.SeparableConv2D)
def _convolution(layer, sides):
    _slide(layer, sides, layer.kernel_size, layer.dilation_rate)


@follow.register(keras.layers.MaxPooling2D)
@follow.register(keras.layers.AveragePooling2D)
def _pooling(layer, sides):
    _slide(layer, sides, layer.pool_size, (1, 1))


@follow.register
def _primary(layer: PrimaryCapsules, sides):
    follow(layer.convolution, sides)


@follow.register
def _middle(layer: RandomWindow, sides):
    for side in sides:
        side.cut(layer.size)


def _slide(layer, sides, kernel, dilation):
    for side, *sizes in zip(sides, kernel, layer.strides, dilation):
        side.through(sizes[0], sizes[1], layer.padding, sizes[2])


def expect_chain(kept: bool, layer: keras.layers.Layer) -> None:
    expect(
        kept,
        "The layers below the capsules must be a chain of convolutions, "
        "poolings and layers that leave positions alone, and one reshape to "
        "capsules at every position",
        layer=layer.name,
    )
