"""Capsule layers to time beside ours: the same weights, other computations."""

import math

from keras import ops

from keras_capsvae import CapsuleLayer
from keras_capsvae.activations import unit


class RematerializedCapsules(CapsuleLayer):
    """Ours, which computes votes and routing again in the backward pass."""

    def __init__(self, *args, **options):
        super().__init__(*args, **{**options, "rematerialize": True})


class MeanOfVotes(CapsuleLayer):
    """The votes of ours and no routing: squash(mean_i û_ij)."""

    def call(self, inputs):
        blocks = self._vote_blocks(inputs, self.kernel, self.bias)
        means = [ops.mean(votes, axis=2) for votes in blocks]
        return self._activate(ops.concatenate(means, axis=1))


class MeanOfInputs(CapsuleLayer):
    """The output of `MeanOfVotes` by one matrix product, without votes."""

    def call(self, inputs):
        _, n_in, d_in = inputs.shape
        if self.share_weights:
            together = ops.mean(inputs, axis=1)
        else:
            together = ops.reshape(inputs, (-1, n_in * d_in)) / n_in
        kernel = ops.reshape(
            self.kernel, (together.shape[-1], math.prod(self.kernel.shape[-2:]))
        )
        capsules = (self.num_capsules, self.dim_capsules)
        return self._activate(
            ops.reshape(ops.matmul(together, kernel), (-1, *capsules))
        )


class TilingCapsules(CapsuleLayer):
    """What ours computes, as most ports of the paper write it.

    The inputs are tiled over the output capsules, the kernel is broadcast over
    the batch, and every weighted sum and agreement multiplies by broadcasting
    and then sums: temporaries of the size of the votes.
    """

    def call(self, inputs):
        tiled = ops.tile(
            inputs[:, :, None, None], (1, 1, self.num_capsules, 1, 1)
        )  # (batch, inputs, outputs, 1, d_in)
        kernel = ops.swapaxes(self.kernel, -3, -2)
        votes = ops.matmul(tiled, kernel)[:, :, :, 0]
        point = unit if self.routing == "kmeans" else self._activate
        logits = ops.zeros_like(votes[..., :1])  # (batch, inputs, outputs, 1)
        for iteration in range(self.routings):
            couplings = ops.softmax(logits, axis=2)
            centres = ops.sum(couplings * votes, axis=1, keepdims=True)
            if iteration < self.routings - 1:
                agreement = ops.sum(
                    votes * point(centres), axis=-1, keepdims=True
                )
                accumulate = self.routing == "dynamic"
                logits = logits + agreement if accumulate else agreement
        return self._activate(centres[:, 0])
