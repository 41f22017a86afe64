import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.losses.log_scale import LogScale
from keras_capsvae.losses.log_scale import required
from keras_capsvae.losses.reconstruction import ReconstructionLoss
from keras_capsvae.losses.reconstruction import check_same_shape
from keras_capsvae.numerics import LOG_2_PI
from keras_capsvae.numerics import bounded_log_var
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_capsvae")
class GaussianReconstruction(ReconstructionLoss):
    """Negative log-density of a Gaussian, its variance known or learned.

    `½ Σ [(x − μ)² exp(−l) + l] + ½ D ln 2π` over the D dims of an example, l
    being ln σ², or the second output of a decoder that gives `[μ, ln σ²]`.

    Args:
        variance: σ² of a decoder that gives μ alone: a number above 0;
            `"learned"`, trained and saved with the model, at first 1;
            `"optimal"`, the mean squared error of the batch, at which the batch
            costs `½ D ln(2π σ²) + ½ D` an example. Defaults to 1.
        per_channel: Whether a learned σ² is one for each channel, the last
            axis. Defaults to `False`: one for all.
        name: Name of the loss. Defaults to `"gaussian_reconstruction"`.

    Attributes:
        learned_variance: σ² as it was learned, a NumPy array.

    Call arguments: x and its reconstruction μ, or the list `[μ, ln σ²]`, all
        `(batch, ...)` of one shape. Returns the mean over the batch in nats,
        float32. A learned variance needs a `VariationalAutoencoder`, which
        trains it.

    Raises:
        ValueError: If the variance is not above 0 or another word, or given
            beside a decoded one, or the shapes differ; if a learned one has no
            model that trains it, or `per_channel` comes without.

    Example:

    >>> x = np.zeros((1, 2))
    >>> float(GaussianReconstruction()(x, x))
    1.8378770351409912
    >>> float(GaussianReconstruction()(x, [x, x + 1]))
    2.8378770351409912

    Source: kexue.fm 5343; Rybkin, Daniilidis and Levine, "Simple and Effective
    VAE Training with Calibrated Decoders", 2021.
    """

    num_outputs = (1, 2)

    def __init__(
        self,
        variance: float | str = 1.0,
        per_channel: bool = False,
        name: str = "gaussian_reconstruction",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.variance = _variance(variance)
        self.per_channel = per_channel
        self.is_of_batch = self.variance == "optimal"
        if self.variance == "learned":
            self.trained = LogScale(per_channel, name="log_variance")
        elif per_channel:
            raise ValueError(
                "`per_channel` must come with variance='learned'. "
                f"Received: variance={variance!r}"
            )

    @property
    def learned_variance(self) -> np.ndarray:
        """σ² as it was learned."""
        if self.variance != "learned":
            raise AttributeError(
                "A variance is learned with variance='learned'. "
                f"Received: variance={self.variance!r}"
            )
        return required(self.trained, "variance").exponential()

    def values(
        self, x: Tensor, reconstruction: Tensor | list[Tensor]
    ) -> Tensor:
        mean, log_var = self._mean_and_log_var(reconstruction)
        check_same_shape(x, mean)
        square = ops.square(x - mean)
        if log_var is None:
            log_var = self._log_var(square)
        log_var = bounded_log_var(log_var)
        return 0.5 * (square * ops.exp(-log_var) + log_var + LOG_2_PI)

    def _mean_and_log_var(self, reconstruction):
        """What the decoder gives, `None` for the log-variance of one output."""
        if not isinstance(reconstruction, (list, tuple)):
            return reconstruction, None
        if self.variance != 1:
            raise ValueError(
                "`variance` must be 1, its default, where the decoder gives "
                f"the log-variance. Received: variance={self.variance!r}"
            )
        mean, log_var = reconstruction
        check_same_shape(log_var, mean)
        return mean, log_var

    def _log_var(self, square):
        """ln σ², of which the decoder says nothing."""
        if not isinstance(self.variance, str):
            return math.log(self.variance)
        if self.variance == "learned":
            return required(self.trained, "variance")(square)
        # The gradient through it is zero where it is optimal.
        return ops.stop_gradient(ops.log(ops.mean(square)))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "variance": self.variance,
            "per_channel": self.per_channel,
        }


def _variance(variance):
    """A number above 0 or one of the two words."""
    if isinstance(variance, str):
        if variance in ("learned", "optimal"):
            return variance
    elif variance > 0:
        return float(variance)
    raise ValueError(
        "`variance` must be above 0, 'learned' or 'optimal'. "
        f"Received: variance={variance!r}"
    )
