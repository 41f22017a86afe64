from typing import Any

import keras
from keras import ops

from keras_capsvae.losses.reconstruction import ReconstructionLoss
from keras_capsvae.losses.reconstruction import check_same_shape
from keras_capsvae.numerics import LOG_2_PI
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.typing import Tensor

LEAST = 1e-30  # of a probability, far above what float32 rounds to 0


@keras.saving.register_keras_serializable(package="keras_capsvae")
class TableReconstruction(ReconstructionLoss):
    """Negative log-likelihood of the rows of a table, summed over the columns.

    `½ Σ [(x − μ)² / σ² + ln σ² + ln 2π] − Σ x ln p`: Gaussian for the columns
    that have a variance, which come first, and the cross-entropy of the
    probabilities p for the one-hot columns behind them. A `TabularAutoencoder`
    trains the variances.

    Args:
        name: Name of the loss. Defaults to `"table_reconstruction"`.

    Call arguments: x `(batch, columns)` and the list `[rows, log_variance]` of
        its reconstruction, `(batch, columns)`, and ln σ², `(columns of
        numbers,)`. Returns the mean over the batch in nats, float32.

    Raises:
        ValueError: If the shapes differ.

    Example:

    >>> x = np.array([[30.0, 0.0, 1.0]])
    >>> rows = np.array([[30.0, 0.5, 0.5]])
    >>> float(TableReconstruction()(x, [rows, np.zeros(1)]))
    1.612085700035095

    Source: Xu et al., "Modeling Tabular Data using Conditional GAN", 2019,
    whose TVAE has such columns.
    """

    num_outputs = (1,)

    def __init__(
        self, name: str = "table_reconstruction", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)

    def values(self, x: Tensor, reconstruction: list[Tensor]) -> Tensor:
        rows, log_variance = map(at_least_float32, reconstruction)
        check_same_shape(x, rows)
        x = ops.cast(x, rows.dtype)
        numbers = log_variance.shape[-1]
        # Deviations first: squares of large units are beyond float32.
        deviation = (x - rows)[:, :numbers] * ops.exp(-0.5 * log_variance)
        gaussian = 0.5 * (ops.square(deviation) + log_variance + LOG_2_PI)
        probabilities = ops.maximum(rows[:, numbers:], LEAST)
        entropy = -x[:, numbers:] * ops.log(probabilities)
        return ops.concatenate([gaussian, entropy], axis=-1)
