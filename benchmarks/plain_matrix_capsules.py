"""Matrix capsules as published versions compute them, for comparison.

W tiled over batch and positions, (V − μ)² by broadcasting in every iteration,
shares normalised in an array of (child position × parent position), gradients
by autodiff. Weights, formulas and results are those of the layers that they
take the place of.
"""

import numpy as np
from keras import ops

from keras_capsvae import ClassMatrixCapsuleEM
from keras_capsvae import ConvMatrixCapsuleEM
from keras_capsvae.layers.class_matrix_capsule import coordinates

MISSING = -1e30


class PlainConv(ConvMatrixCapsuleEM):
    def call(self, inputs):
        poses, active = inputs
        _, height, width, n, p, _ = poses.shape
        windows = self.windows(height, width)
        places, slots = windows.cells.shape
        poses = windows.gather(
            ops.reshape(poses, (-1, height * width, n * p * p))
        )
        active = windows.gather(ops.reshape(active, (-1, height * width, n)))
        poses = ops.reshape(poses, (-1, places, slots * n, 1, p, p))
        kernel = ops.reshape(self.kernel, (1, 1, slots * n, -1, p, p))
        parents, children = places * self.num_capsules, windows.covered * n
        means, active = plain_em(
            self,
            votes(poses, kernel, self.num_capsules),
            ops.reshape(active, (-1, places, slots * n)),
            lambda scores: dense_shares(scores, windows, n),
            self._geometry_scale(parents, children),
        )
        grid = (-1, windows.rows, windows.columns, self.num_capsules)
        return [ops.reshape(means, (*grid, p, p)), ops.reshape(active, grid)]


class PlainClass(ClassMatrixCapsuleEM):
    def call(self, inputs):
        poses, active = inputs
        _, height, width, n, p, _ = poses.shape
        children = height * width * n
        kernel = ops.tile(self.kernel[None], (height * width, 1, 1, 1, 1))
        kernel = ops.reshape(kernel, (1, 1, children, -1, p, p))
        poses = ops.reshape(poses, (-1, 1, children, 1, p, p))
        offsets = coordinates(height, width, n, p)[None, None, :, None]
        means, active = plain_em(
            self,
            votes(poses, kernel, self.num_capsules) + offsets,
            ops.reshape(active, (-1, 1, children)),
            ops.softmax,
            self._geometry_scale(self.num_capsules, children),
        )
        grid = (-1, self.num_capsules)
        return [ops.reshape(means, (*grid, p, p)), ops.reshape(active, grid)]


def votes(poses, kernel, parents):
    """`(batch, places, children, parents, p²)`."""
    batch, places = ops.shape(poses)[:2]
    p = poses.shape[-1]
    poses = ops.tile(poses, (1, 1, 1, parents, 1, 1))
    kernel = ops.tile(kernel, (batch, places, 1, 1, 1, 1))
    product = ops.matmul(poses, kernel)
    return ops.reshape(product, (-1, places, *poses.shape[2:4], p * p))


def plain_em(layer, votes, active, normalised, mass_scale):
    shares = normalised(ops.zeros_like(votes[..., 0]))
    for iteration in range(layer.routings):
        weights = (shares * active[..., None])[..., None]
        mass = ops.sum(weights, 2, keepdims=True) + layer.epsilon
        means = ops.sum(weights * votes, 2, keepdims=True) / mass
        deviations = ops.square(votes - means)
        variance = ops.sum(weights * deviations, 2, keepdims=True) / mass
        variance += layer.epsilon
        entropy = layer.beta_u + 0.5 * ops.moveaxis(ops.log(variance), -1, 0)
        cost = ops.sum(entropy, 0) * mass[..., 0] * mass_scale
        inverse_temperature = layer.final_lambda * (1 - 0.95 ** (iteration + 1))
        logits = inverse_temperature * (layer.beta_a - cost)
        if iteration + 1 < layer.routings:
            scores = -0.5 * ops.sum(
                ops.log(variance) + deviations / variance, -1
            )
            shares = normalised(ops.log_sigmoid(logits) + scores)
    return means[:, :, 0], ops.sigmoid(logits)[:, :, 0]


def dense_shares(scores, windows, types):
    """Softmax of a child over the parents of all windows that it lies in."""
    places, slots = windows.cells.shape
    parents = scores.shape[-1]
    cells = windows.cells.max() + 1
    # Where a cell stands in a window; behind the last place, if nowhere.
    place_of = np.full((cells, places), places * slots)
    for place in range(places):
        at = place * slots + np.arange(slots)
        place_of[windows.cells[place], place] = at
    flat = ops.reshape(scores, (-1, places * slots, types * parents))
    padding = [(0, 0), (0, 1), (0, 0)]
    padded = ops.pad(flat, padding, constant_values=MISSING)
    dense = ops.take(padded, place_of.ravel(), axis=1)
    dense = ops.reshape(dense, (-1, cells, places, types, parents))
    dense = ops.transpose(dense, (0, 1, 3, 2, 4))  # parents of all windows last
    shape = (-1, cells, types, places * parents)
    dense = ops.softmax(ops.reshape(dense, shape))
    dense = ops.reshape(dense, (-1, cells, types, places, parents))
    dense = ops.transpose(dense, (0, 1, 3, 2, 4))
    dense = ops.reshape(dense, (-1, cells * places, types * parents))
    seen = windows.cells * places + np.arange(places)[:, None]
    shares = ops.take(dense, seen.ravel(), axis=1)
    return ops.reshape(shares, (-1, places, slots * types, parents))
