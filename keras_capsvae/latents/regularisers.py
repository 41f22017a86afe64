"""What latents cost besides the divergence of the ELBO."""

import math
from typing import Any

import keras
from keras import ops

from keras_capsvae.latents.priors import Prior
from keras_capsvae.typing import Tensor


class Regulariser(keras.layers.Layer):
    """A term of the penalty of a `GaussianLatent`, taken over the batch.

    A subclass implements `terms`, named in `term_names`, which the history
    reports, and `penalty`, what they add to β · divergence.
    """

    term_names: tuple[str, ...] = ()

    def terms(
        self,
        prior: Prior,
        random: Any,
        z: Tensor,
        z_mean: Tensor,
        z_log_var: Tensor,
        condition: Any = None,
    ) -> dict[str, Tensor]:
        """Each term, `(batch,)`, whose mean is that of the batch.

        Args:
            prior: The latent's.
            random: Where draws come from, such as `GraphRandom`.
            z, z_mean, z_log_var: Samples and posterior, `(batch, ...)` each.
            condition: What the prior depends on, if on anything.
        """
        raise NotImplementedError

    def penalty(self, terms: dict[str, Tensor]) -> Tensor:
        """What the terms add to the penalty, `(batch,)`."""
        raise NotImplementedError

    def trains_on(self, count: int | None) -> None:
        """Called before training, with the examples if they are counted."""


def flat(tensor: Tensor) -> Tensor:
    """`(batch, ...)` as `(batch, dims)`."""
    return ops.reshape(tensor, (-1, math.prod(tensor.shape[1:])))
