import math

import keras

from keras_capsvae.callbacks.steps import StepCallback
from keras_capsvae.losses import SpreadLoss
from keras_capsvae.typing import Config
from keras_capsvae.validation.numbers import check_integer


class SpreadMargin(StepCallback):
    """Raises the margin of a `SpreadLoss` from 0.2 to 0.99 while training.

    In step s (the optimizer's count, so that a resumed training goes on where
    it stopped) `m = 0.2 + 0.79 · sigmoid(min(10, 14 · s / steps − 4))`, at the
    default the authors' `sigmoid(min(10, s / 50000 − 4))`. A small margin at
    first keeps capsules from dying early. The paper's text says that m ends at
    0.9; its formula ends at 0.99.

    Args:
        steps: Steps after which the margin has its last value; shorten it to
            the length of your training. Defaults to 700,000, the authors'.

    Raises:
        ValueError: If `steps` is below 1, and, before training, if the model is
            not compiled with a `SpreadLoss` or, on JAX, does not hold its
            margin among its variables as the models of `zoo` do.
        TypeError: If `steps` is no integer.

    Example:

    >>> model.fit(x, y, epochs=10, callbacks=[SpreadMargin(steps=5000)])

    Source: kexue.fm 5155; the authors' answer on openreview.net, HJWLfGWRb.
    """

    def __init__(self, steps: int = 700_000):
        super().__init__()
        self.steps = check_integer("steps", steps)

    def margin(self, step: int) -> float:
        """m in this training step, from 0."""
        progress = min(10.0, 14.0 * step / self.steps - 4.0)
        return 0.2 + 0.79 / (1.0 + math.exp(-progress))

    def on_train_begin(self, logs: Config | None = None) -> None:
        loss = self.model.loss
        if not isinstance(loss, SpreadLoss):
            raise ValueError(
                "SpreadMargin expects a model compiled with a SpreadLoss. "
                f"Received: model {self.model.name!r} with loss={loss!r}"
            )
        known = {id(variable) for variable in self.model.metrics_variables}
        is_jax = keras.backend.backend() == "jax"
        if is_jax and id(loss.margin) not in known:
            raise ValueError(
                "On JAX a compiled step sees only what the model counts among "
                "its variables: train a MatrixCapsuleNetwork. "
                f"Received: model of type {type(self.model).__name__}"
            )

    def on_epoch_begin(self, epoch: int, logs: Config | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._margin = float(keras.ops.convert_to_numpy(self.model.loss.margin))

    def on_step(self, step: int) -> None:
        margin = self.margin(step)
        if margin != self._margin:
            self.sync()
            self.model.loss.margin.assign(margin)
            self._margin = margin
