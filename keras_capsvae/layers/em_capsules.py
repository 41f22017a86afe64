import math

import keras
from keras import ops

from keras_capsvae.numerics import widened
from keras_capsvae.routing.em import check_em_arguments
from keras_capsvae.routing.gaussians import EMSettings
from keras_capsvae.routing.gaussians import fit_gaussians
from keras_capsvae.sizes import check_sizes

# Votes of an example that are held in one array: 20 MB at a batch of 64, where
# from 32 MB on the C library takes each array from the system anew.
BLOCK_VALUES = 82_944
GEOMETRY_CONSTANT = 100.0


class EMCapsules(keras.layers.Layer):
    """What the layers that route matrix capsules by EM have in common.

    Everything runs in float32 at least: weights are not autocast, inputs are
    cast up and outputs are cast down to the compute dtype.
    """

    def __init__(
        self,
        num_capsules,
        routings,
        final_lambda,
        epsilon,
        mass_scale,
        rematerialize,
        kernel_initializer,
        beta_a_initializer,
        beta_u_initializer,
        kernel_regularizer,
        kernel_constraint,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_sizes(num_capsules=num_capsules)
        scale = 1.0 if mass_scale is None else mass_scale
        check_em_arguments(routings, final_lambda, epsilon, scale)
        self.num_capsules = num_capsules
        self.routings = routings
        self.final_lambda = final_lambda
        self.epsilon = epsilon
        self.mass_scale = mass_scale
        self.rematerialize = rematerialize
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
            initializer=self._initial_kernel,
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

    def _initial_kernel(self, shape, dtype=None):
        # The fans of a kernel are those of one pose's p × p transforms.
        *transforms, p, q = shape
        count = math.prod(transforms)
        matrix = self.kernel_initializer((p, count * q), dtype)
        kernel = ops.reshape(matrix, (p, count, q))
        return ops.reshape(ops.swapaxes(kernel, 0, 1), shape)

    def _route(
        self, poses, activations, rule, mass_scale, windows=1, offsets=None
    ):
        """Poses and activations of the parents of each group.

        Args:
            poses: Tensor `(groups, positions, n, p, p)`; the children of a
                group are (positions · n), and W is shared over positions.
            activations: Tensor `(groups, positions · n)`.
            rule: How children share themselves out among parents.
            mass_scale: Factor of the cost.
            windows: Groups of an example.
            offsets: Array `(positions · n, p²)` added to the votes.
        """
        _, positions, n, p, _ = poses.shape
        values = windows * positions * n * p * p  # for one parent
        parents = max(1, BLOCK_VALUES // values)
        settings = EMSettings(
            self.routings, self.final_lambda, self.epsilon, mass_scale
        )

        def compute(poses, activations, kernel, beta_a, beta_u):
            blocks = pose_votes(poses, kernel, parents)
            if offsets is not None:
                shift = ops.convert_to_tensor(offsets, poses.dtype)
                blocks = [block + shift for block in blocks]
            return fit_gaussians(
                blocks, activations, beta_a, beta_u, rule, settings
            )

        if self.rematerialize:
            compute = keras.remat(compute)
        kernel = ops.reshape(self.kernel, (-1, self.num_capsules, p, p))
        means, active = compute(
            poses,
            ops.clip(activations, 0.0, 1.0),
            kernel,
            # Reshaped from variables, which a custom gradient must not see.
            ops.reshape(self.beta_a, (-1,)),
            ops.reshape(self.beta_u, (-1,)),
        )
        groups = ops.shape(means)[0]
        poses = ops.reshape(means, (groups, self.num_capsules, p, p))
        dtype = self.compute_dtype
        return ops.cast(poses, dtype), ops.cast(active, dtype)

    def get_config(self):
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


def pose_votes(poses, kernel, size):
    """V_ij = P_i W_ij, grouped by parent.

    A pose is taken for a vector of p² entries, by which W becomes a p² × p²
    matrix, block-diagonal: p times the multiplications, but products and
    transpositions of rows p times as long, which take less time.

    Args:
        poses: Tensor `(groups, positions, n, p, p)`.
        kernel: Tensor `(n, parents, p, p)`, shared over positions.
        size: Parents of a block.

    Returns:
        List of blocks `(parents of the block, groups, positions · n, p²)`.
    """
    groups, positions, n, p, _ = ops.shape(poses)
    dims = p * p
    rows = ops.reshape(poses, (groups * positions, n, dims))
    rows = ops.swapaxes(rows, 0, 1)
    identity = ops.eye(p, dtype=kernel.dtype)[:, None, None, :, None]
    blocks = []
    for start in range(0, kernel.shape[1], size):
        part = ops.swapaxes(kernel[:, start : start + size], 1, 2)
        count = part.shape[2]
        columns = identity * part[:, None, :, :, None]  # (n, p, p, count, p, p)
        columns = ops.reshape(columns, (n, dims, count * dims))
        votes = ops.matmul(rows, columns)
        votes = ops.reshape(votes, (n, groups, positions, count, dims))
        votes = ops.transpose(votes, (3, 1, 2, 0, 4))
        shape = (count, groups, positions * n, dims)
        blocks.append(ops.reshape(votes, shape))
    return blocks


def check_capsules(layer, input_shape, spatial):
    """Raise unless the shapes are those of poses and of their activations.

    Returns:
        The shapes of the poses without the batch.
    """
    expected = "(batch, height, width, n" if spatial else "(batch, n"
    shapes = [tuple(shape) for shape in input_shape]
    fits = (
        len(shapes) == 2
        and len(shapes[0]) == (6 if spatial else 4)
        and shapes[0][1:-2] == shapes[1][1:]
        and shapes[0][-1] == shapes[0][-2]
        and None not in shapes[0][1:]
    )
    if not fits:
        raise ValueError(
            f"Layer {layer.name} expects [poses, activations] of known shapes "
            f"{expected}, p, p) and {expected}). "
            f"Received: input shapes {shapes}"
        )
    return shapes[0][1:]


def cast_up(inputs):
    """Poses and activations in one dtype, float32 at least."""
    poses, activations = (widened(tensor) for tensor in inputs)
    return poses, ops.cast(activations, poses.dtype)
