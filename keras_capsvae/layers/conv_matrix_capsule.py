from typing import Any

import keras
from keras import ops

from keras_capsvae.layers.em_capsules import Children
from keras_capsvae.layers.em_capsules import EMCapsules
from keras_capsvae.layers.em_capsules import check_capsules
from keras_capsvae.routing.em.sharing import AllWindows
from keras_capsvae.routing.em.windows import Windows
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.validation.numbers import check_integer


@keras.saving.register_keras_serializable(package="keras_capsvae")
class ConvMatrixCapsuleEM(EMCapsules):
    """Convolutional matrix capsules: parents of a window of children.

    At each position of the output, `num_capsules` parents see a window of
    `kernel_size` of the map below and receive a vote `V_ij = P_i W_ij` from
    each of its children; W is shared over the positions, without padding. A
    child that lies in several windows shares itself out among the parents of
    all of them, of every type and every position.

    Args:
        num_capsules: Parents at each position.
        kernel_size: Side of the window, or a pair. Defaults to 3.
        strides: Its stride, or a pair. Defaults to 1.
        mass_scale: Factor of the cost, see `em_routing`. Defaults to `None`:
            parents / (children · final_lambda), counted over the whole map.
            The mean mass of a parent is the mean activation times children /
            parents, which differs between layers; so divided, one λ suits them
            all. Divided by λ too, the cost weighs the same whatever λ is: with
            16 pose dims, votes that are narrower by a nat in each dim raise the
            logit of the activation by about 2 in the third iteration. What λ
            sets is the weight of β_a: at 0.01 an optimizer that moves β_a by as
            much as other weights hardly changes an activation, at 1 it does.
        routings, final_lambda, epsilon, rematerialize, kernel_initializer,
            beta_a_initializer, beta_u_initializer, kernel_regularizer,
            kernel_constraint: See `MatrixCapsuleEM`.

    Inputs: list `[poses, activations]`, `(batch, height, width, n, p, p)` and
        `(batch, height, width, n)`. Activations are probabilities and are
        clipped to [0, 1].

    Output: list of `(batch, rows, columns, num_capsules, p, p)` and
        `(batch, rows, columns, num_capsules)` in the compute dtype, with
        `rows = (height − kernel) // stride + 1`. Computed in float32 whatever
        the dtype policy is.

    Weights: `kernel`, `(*kernel_size, n, num_capsules, p, p)`; `beta_a` and
        `beta_u`, `(num_capsules,)`, shared over the positions.

    Raises:
        ValueError: If a size is below 1 or a number not above 0, poses are not
            square, poses and activations disagree, or the map is smaller than
            the window.
        TypeError: If a size is no integer.

    Example:

    >>> layer = ConvMatrixCapsuleEM(16, kernel_size=3, strides=2)
    >>> poses, activations = layer(
    ...     [np.ones((1, 14, 14, 8, 4, 4)), np.ones((1, 14, 14, 8))]
    ... )
    >>> poses.shape, activations.shape
    (TensorShape([1, 6, 6, 16, 4, 4]), TensorShape([1, 6, 6, 16]))

    Source: kexue.fm 5155; Hinton, Sabour and Frosst, 2018; Gritzman, 2019.
    """

    def __init__(
        self,
        num_capsules: int,
        kernel_size: int | tuple[int, int] = 3,
        strides: int | tuple[int, int] = 1,
        *,
        mass_scale: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(num_capsules, mass_scale=mass_scale, **kwargs)
        self.kernel_size = kernel_size
        self.strides = strides
        self._window = _pair(kernel_size, "kernel_size")
        self._stride = _pair(strides, "strides")

    def build(self, input_shape: list[Shape]) -> None:
        height, width, n, p, _ = self._checked(input_shape)
        self._add_weights(*self._window, n, pose_size=p)

    def _checked(self, input_shape):
        shape = check_capsules(self, input_shape, spatial=True)
        if shape[0] < self._window[0] or shape[1] < self._window[1]:
            raise ValueError(
                f"Layer {self.name} expects maps of at least "
                f"{self._window[0]} × {self._window[1]}, its window. "
                f"Received: {shape[0]} × {shape[1]}"
            )
        return shape

    def windows(self, height: int, width: int) -> Windows:
        """The `Windows` of the layer on a map of this size."""
        return Windows(height, width, self._window, self._stride)

    def _children(self, poses, activations):
        height, width, n, p, _ = poses.shape[1:]
        windows = self.windows(height, width)
        count, slots = windows.cells.shape
        cells = height * width
        poses = windows.gather(ops.reshape(poses, (-1, cells, n * p * p)))
        activations = windows.gather(ops.reshape(activations, (-1, cells, n)))
        parents, children = count * self.num_capsules, windows.covered * n
        return Children(
            ops.reshape(poses, (-1, 1, slots * n, p, p)),
            ops.reshape(activations, (-1, slots * n)),
            AllWindows(windows),
            self._geometry_scale(parents, children),
            grid=(windows.rows, windows.columns),
        )

    def compute_output_shape(self, input_shape: list[Shape]) -> list[Shape]:
        height, width, n, p, _ = self._checked(input_shape)
        rows = (height - self._window[0]) // self._stride[0] + 1
        columns = (width - self._window[1]) // self._stride[1] + 1
        shape = (input_shape[0][0], rows, columns, self.num_capsules)
        return [(*shape, p, p), shape]

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }


def _pair(size, name):
    pair = size if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) != 2:
        raise ValueError(
            f"`{name}` must be an integer or a pair. Received: {name}={size!r}"
        )
    down, across = pair
    return check_integer(name, down), check_integer(name, across)
