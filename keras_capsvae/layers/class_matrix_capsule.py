from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.layers.em_capsules import Children
from keras_capsvae.layers.em_capsules import EMCapsules
from keras_capsvae.layers.em_capsules import check_capsules
from keras_capsvae.routing.em.sharing import AllParents
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape


@keras.saving.register_keras_serializable(package="keras_capsvae")
class ClassMatrixCapsuleEM(EMCapsules):
    """Class capsules: the capsules of a whole map vote for each class.

    A child votes `V_ij = P_i W_ij` with W shared over the positions. So that
    the votes still tell where the child lies, the scaled row and column of its
    receptive field's centre, `(k + 0.5) / size`, are added to the first two
    entries of the vote's right-hand column, the row to the first.

    Args:
        num_classes: Classes, the parents.
        mass_scale: Factor of the cost, see `em_routing`. Defaults to `None`:
            classes / (children · final_lambda), for the reasons given in
            `ConvMatrixCapsuleEM`.
        routings, final_lambda, epsilon, rematerialize, kernel_initializer,
            beta_a_initializer, beta_u_initializer, kernel_regularizer,
            kernel_constraint: See `MatrixCapsuleEM`.

    Inputs: list `[poses, activations]`, `(batch, height, width, n, p, p)` with
        p of at least 2 and `(batch, height, width, n)`. Activations are
        probabilities and are clipped to [0, 1].

    Output: list of `(batch, num_classes, p, p)` and `(batch, num_classes)` in
        the compute dtype. Computed in float32 whatever the dtype policy is.

    Weights: `kernel`, `(n, num_classes, p, p)`; `beta_a` and `beta_u`,
        `(num_classes,)`.

    Raises:
        ValueError: If a size is below 1 or a number not above 0, poses are not
            square or 1 × 1, or poses and activations disagree.
        TypeError: If a size is no integer.

    Example:

    >>> layer = ClassMatrixCapsuleEM(10)
    >>> poses, activations = layer(
    ...     [np.ones((1, 4, 4, 16, 4, 4)), np.ones((1, 4, 4, 16))]
    ... )
    >>> poses.shape, activations.shape
    (TensorShape([1, 10, 4, 4]), TensorShape([1, 10]))

    Source: kexue.fm 5155; Hinton, Sabour and Frosst, 2018, section 4.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        mass_scale: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(num_classes, mass_scale=mass_scale, **kwargs)
        self.num_classes = num_classes

    def build(self, input_shape: list[Shape]) -> None:
        _, _, n, p, _ = self._checked(input_shape)
        self._add_weights(n, pose_size=p)

    def _checked(self, input_shape):
        shape = check_capsules(self, input_shape, spatial=True)
        if shape[-1] < 2:
            raise ValueError(
                f"Layer {self.name} adds coordinates to two entries of a vote "
                "and expects poses of at least 2 × 2. "
                f"Received: input shapes {[tuple(s) for s in input_shape]}"
            )
        return shape

    def _children(self, poses, activations):
        height, width, n, p, _ = poses.shape[1:]
        positions = height * width
        return Children(
            ops.reshape(poses, (-1, positions, n, p, p)),
            ops.reshape(activations, (-1, positions * n)),
            AllParents(),
            self._geometry_scale(self.num_classes, positions * n),
            offsets=coordinates(height, width, n, p),
        )

    def compute_output_shape(self, input_shape: list[Shape]) -> list[Shape]:
        *_, p = self._checked(input_shape)
        shape = (input_shape[0][0], self.num_classes)
        return [(*shape, p, p), shape]

    def get_config(self) -> Config:
        config = super().get_config()
        config["num_classes"] = config.pop("num_capsules")
        return config


def coordinates(height: int, width: int, n: int, p: int) -> np.ndarray:
    """What is added to the votes, `(height · width · n, p²)`."""
    offsets = np.zeros((height, width, n, p, p), "float32")
    offsets[..., 0, -1] = ((np.arange(height) + 0.5) / height)[:, None, None]
    offsets[..., 1, -1] = ((np.arange(width) + 0.5) / width)[:, None]
    return offsets.reshape(-1, p * p)
