import dataclasses
import math
from typing import Any

import keras
from keras import ops

from keras_capsvae.initializers import NoisyIdentity
from keras_capsvae.numerics import widened
from keras_capsvae.routing.blocks import blocks_of_parents
from keras_capsvae.routing.em.fitting import assignments_and_activations
from keras_capsvae.routing.em.fitting import fit_gaussians
from keras_capsvae.routing.em.settings import EPSILON
from keras_capsvae.routing.em.settings import EMSettings
from keras_capsvae.routing.em.settings import check_em_arguments
from keras_capsvae.routing.em.votes import pose_votes
from keras_capsvae.typing import Config
from keras_capsvae.typing import Identifier
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer

BLOCK_VALUES = 82_944  # of an example: 20 MB at a batch of 64


@dataclasses.dataclass(frozen=True)
class Children:
    """The capsules below, in groups that share their parents.

    Attributes:
        poses: Tensor `(groups, positions, n, p, p)`; the children of a group
            are (positions · n), and W is shared over positions.
        activations: Tensor `(groups, positions · n)`.
        rule: How children share themselves out among parents.
        mass_scale: Factor of the cost.
        grid: Places of the parents of an example, each of a group. Defaults to
            one place.
        offsets: Array `(positions · n, p²)` added to the votes. Defaults to
            `None`.
    """

    poses: object
    activations: object
    rule: object
    mass_scale: float
    grid: tuple = ()
    offsets: object = None


class EMCapsules(keras.layers.Layer):
    """What the layers that route matrix capsules by EM have in common.

    A subclass says in `_children(poses, activations)` who votes for whom.
    Everything runs in float32 at least: weights are not autocast, inputs are
    cast up and outputs are cast down to the compute dtype.
    """

    def __init__(
        self,
        num_capsules: int,
        routings: int = 3,
        final_lambda: float = 0.01,
        epsilon: float = EPSILON,
        mass_scale: float | None = 1.0,
        rematerialize: bool = False,
        kernel_initializer: Identifier = None,
        beta_a_initializer: Identifier = "zeros",
        beta_u_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        scale = 1.0 if mass_scale is None else mass_scale
        check_em_arguments(routings, final_lambda, epsilon, scale)
        self.num_capsules = check_integer("num_capsules", num_capsules)
        self.routings = check_integer("routings", routings)
        self.final_lambda = final_lambda
        self.epsilon = epsilon
        self.mass_scale = mass_scale
        self.rematerialize = rematerialize
        if kernel_initializer is None:
            kernel_initializer = NoisyIdentity()
        initializer = keras.initializers.get
        self.kernel_initializer = initializer(kernel_initializer)
        self.beta_a_initializer = initializer(beta_a_initializer)
        self.beta_u_initializer = initializer(beta_u_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)

    def _add_weights(self, *children, pose_size):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*children, self.num_capsules, pose_size, pose_size),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            autocast=False,
        )
        self.beta_a, self.beta_u = (
            self.add_weight(
                name=name,
                shape=(self.num_capsules,),
                initializer=initializer,
                autocast=False,
            )
            for name, initializer in (
                ("beta_a", self.beta_a_initializer),
                ("beta_u", self.beta_u_initializer),
            )
        )

    def call(self, inputs: list[Tensor]) -> list[Tensor]:
        children = self._children(*cast_up(inputs))

        def fit(poses, activations, *weights):
            return fit_gaussians(
                *self._task(children, poses, activations, *weights)
            )

        if self.rematerialize:
            fit = keras.remat(fit)
        means, active = fit(*self._tensors(children))
        p = children.poses.shape[-1]
        grid = (-1, *children.grid, self.num_capsules)
        dtype = self.compute_dtype
        return [
            ops.cast(ops.reshape(means, (*grid, p, p)), dtype),
            ops.cast(ops.reshape(active, grid), dtype),
        ]

    def assignments(self, inputs: list[Tensor]) -> tuple[Tensor, Tensor]:
        """How EM shares out the children among the parents.

        Args:
            inputs: As the layer takes them.

        Returns:
            R of the last iteration, `(batch, *grid, children, num_capsules)`,
            and the activations in each iteration, `(routings, batch, *grid,
            num_capsules)`. The grid is that of the parents' positions, the
            children those that a position sees, by place, then by type.
        """
        children = self._children(*cast_up(inputs))
        task = self._task(children, *self._tensors(children))
        assignments, active = assignments_and_activations(*task)
        count = assignments.shape[1]
        grid = (*children.grid, count, self.num_capsules)
        assignments = ops.reshape(assignments, (-1, *grid))
        steps = (self.routings, -1, *children.grid, self.num_capsules)
        return assignments, ops.reshape(active, steps)

    def _geometry_scale(self, parents, children):
        """`mass_scale`, or what makes λ · cost alike in any geometry."""
        if self.mass_scale is not None:
            return self.mass_scale
        return parents / (children * self.final_lambda)

    def _tensors(self, children):
        p = children.poses.shape[-1]
        return (
            children.poses,
            ops.clip(children.activations, 0.0, 1.0),
            # Reshaped from variables, which a custom gradient must not see.
            widened(ops.reshape(self.kernel, (-1, self.num_capsules, p, p))),
            widened(ops.reshape(self.beta_a, (-1,))),
            widened(ops.reshape(self.beta_u, (-1,))),
        )

    def _task(self, children, poses, activations, kernel, beta_a, beta_u):
        """The arguments of `fit_gaussians`."""
        _, positions, n, p, _ = poses.shape
        places = math.prod(children.grid)
        values = places * positions * n * p * p  # for one parent
        parts = blocks_of_parents(self.num_capsules, values, BLOCK_VALUES)
        blocks = pose_votes(poses, kernel, parts)
        if children.offsets is not None:
            shift = ops.convert_to_tensor(children.offsets, poses.dtype)
            blocks = [block + shift for block in blocks]
        settings = EMSettings(
            self.routings, self.final_lambda, self.epsilon, children.mass_scale
        )
        return blocks, activations, beta_a, beta_u, children.rule, settings

    def get_config(self) -> Config:
        keys = (
            "num_capsules",
            "routings",
            "final_lambda",
            "epsilon",
            "mass_scale",
            "rematerialize",
        )
        initializers = ("kernel", "beta_a", "beta_u")
        return {
            **super().get_config(),
            **{key: getattr(self, key) for key in keys},
            **{
                f"{name}_initializer": keras.initializers.serialize(
                    getattr(self, f"{name}_initializer")
                )
                for name in initializers
            },
            "kernel_regularizer": keras.regularizers.serialize(
                self.kernel_regularizer
            ),
            "kernel_constraint": keras.constraints.serialize(
                self.kernel_constraint
            ),
        }


def check_capsules(
    layer: keras.layers.Layer, input_shape: list[Shape], spatial: bool
) -> Shape:
    """Raise unless the shapes are those of poses and of their activations.

    Returns:
        The shapes of the poses without the batch.
    """
    expected = "(batch, height, width, n" if spatial else "(batch, n"
    shapes = [
        tuple(shape) if isinstance(shape, (tuple, list)) else shape
        for shape in input_shape
    ]
    fits = (
        len(shapes) == 2
        and all(isinstance(shape, tuple) for shape in shapes)
        and len(shapes[0]) == (6 if spatial else 4)
        and shapes[0][1:-2] == shapes[1][1:]
        and shapes[0][-1] == shapes[0][-2]
        and None not in shapes[0][1:]
        and 0 not in shapes[0][1:]
    )
    if not fits:
        raise ValueError(
            f"Layer {layer.name} expects [poses, activations] of known shapes "
            f"{expected}, p, p) and {expected}). "
            f"Received: input shapes {shapes}"
        )
    return shapes[0][1:]


def cast_up(inputs: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Poses and activations in one dtype, float32 at least."""
    poses, activations = (widened(tensor) for tensor in inputs)
    return poses, ops.cast(activations, poses.dtype)
