import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.losses.log_scale import LogScale
from keras_capsvae.losses.log_scale import required
from keras_capsvae.losses.reconstruction import ReconstructionLoss
from keras_capsvae.losses.reconstruction import check_same_shape
from keras_capsvae.numerics import bounded_log_var
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer


@keras.saving.register_keras_serializable(package="keras_capsvae")
class DiscretisedLogisticReconstruction(ReconstructionLoss):
    """−ln of the probability of 8-bit values under logistic distributions.

    A value x = k / 255 has what the logistic distribution around μ with scale s
    puts between the midpoints to its neighbours, `σ((x + h − μ)/s) −
    σ((x − h − μ)/s)` with h = 1/510; the first and the last value have all
    below and above. The 256 probabilities sum to 1, so that the nats of
    different models compare; `bits_per_dim` turns them into bits.

    Args:
        scale: s of a decoder that gives μ alone: a number above 0, or
            `"learned"`, trained and saved with the model, at first 0.1. A
            decoder of two outputs gives `[μ, ln s]`. Defaults to `None`:
            learned, or the decoder's.
        per_channel: Whether a learned s is one for each channel, the last
            axis. Defaults to `False`: one for all.
        levels: Values that x takes, evenly spaced from 0 to 1. Defaults to 256.
        name: Name of the loss. Defaults to
            `"discretised_logistic_reconstruction"`.

    Attributes:
        learned_scale: s as it was learned, a NumPy array.

    Call arguments: x in [0, 1], rounded to the nearest of the values, and its
        reconstruction μ, or the list `[μ, ln s]`, all `(batch, ...)` of one
        shape. Returns the mean over the batch in nats, float32.

    Raises:
        ValueError: If the scale is not above 0 or another word, or given beside
            a decoded one, levels are below 2, or the shapes differ.

    Example:

    >>> loss = DiscretisedLogisticReconstruction(scale=0.1)
    >>> x = np.full((1, 3), 51 / 255)
    >>> nats = float(loss(x, x))
    >>> round(nats, 3), round(float(bits_per_dim(nats, 3)), 3)
    (13.875, 6.672)

    Source: Kingma et al., "Improving Variational Inference with Inverse
    Autoregressive Flow", 2016; Salimans et al., "PixelCNN++", 2017.
    """

    target_range = (0.0, 1.0)
    num_outputs = (1, 2)

    def __init__(
        self,
        scale: float | str | None = None,
        per_channel: bool = False,
        levels: int = 256,
        name: str = "discretised_logistic_reconstruction",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.scale = _scale(scale)
        self.per_channel = per_channel
        self.levels = check_integer("levels", levels, 2)
        if not isinstance(self.scale, float):
            self.trained = LogScale(per_channel, 0.1, name="log_scale")
        elif per_channel:
            raise ValueError(
                "`per_channel` must come with a learned scale. "
                f"Received: scale={scale!r}"
            )

    @property
    def learned_scale(self) -> np.ndarray:
        """s as it was learned."""
        if isinstance(self.scale, float):
            raise AttributeError(
                f"A given scale is not learned. Received: scale={self.scale}"
            )
        return required(self.trained, "scale").exponential()

    def values(
        self, x: Tensor, reconstruction: Tensor | list[Tensor]
    ) -> Tensor:
        mean, log_scale = self._mean_and_log_scale(reconstruction)
        x, mean = ops.convert_to_tensor(x), ops.convert_to_tensor(mean)
        check_same_shape(x, mean)
        level = ops.round(x * (self.levels - 1))
        level = ops.clip(level, 0, self.levels - 1)
        narrow = ops.exp(-bounded_log_var(log_scale))
        upper = ((level + 0.5) / (self.levels - 1) - mean) * narrow
        lower = ((level - 0.5) / (self.levels - 1) - mean) * narrow
        # ln [σ(b) − σ(a)] = ln σ(b) + ln σ(−a) + ln(1 − exp(a − b))
        has_upper, has_lower = level < self.levels - 1, level > 0
        between = ops.log(-ops.expm1(-narrow / (self.levels - 1)))
        inside = ops.logical_and(has_upper, has_lower)
        return (
            ops.where(has_upper, ops.softplus(-upper), 0.0)
            + ops.where(has_lower, ops.softplus(lower), 0.0)
            - ops.where(inside, between, 0.0)
        )

    def _mean_and_log_scale(self, reconstruction):
        if isinstance(reconstruction, (list, tuple)):
            if self.scale is not None:
                raise ValueError(
                    "`scale` must be None, its default, where the decoder "
                    f"gives the log-scale. Received: scale={self.scale!r}"
                )
            mean, log_scale = reconstruction
            check_same_shape(log_scale, mean)
            return mean, log_scale
        if isinstance(self.scale, float):
            return reconstruction, math.log(self.scale)
        return reconstruction, required(self.trained, "scale")(reconstruction)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "scale": self.scale,
            "per_channel": self.per_channel,
            "levels": self.levels,
        }


def _scale(scale):
    """A number above 0, `"learned"` or `None`."""
    if scale is None or scale == "learned":
        return scale
    if isinstance(scale, str) or not scale > 0:
        raise ValueError(
            "`scale` must be above 0, 'learned' or None. "
            f"Received: scale={scale!r}"
        )
    return float(scale)


def bits_per_dim(nats: Any, dims: int) -> Any:
    """Nats of an example as bits of each of its values, `nats / (D ln 2)`.

    Args:
        nats: A number or array, such as the history's `negative_elbo`.
        dims: Values D of an example: 32 · 32 · 3 of a small colour image.

    Raises:
        ValueError: If `dims` is below 1.

    Example:

    >>> round(float(bits_per_dim(12288 * np.log(2), 3072)), 3)
    4.0
    """
    return np.asarray(nats) / (check_integer("dims", dims) * math.log(2))
