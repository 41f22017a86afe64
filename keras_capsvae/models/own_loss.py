"""Models that compute their loss from more than targets and outputs."""

from typing import Any

import keras
from keras import ops

from keras_capsvae.models.checked_model import CheckedModel
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor


class _PerExampleMean(keras.losses.Loss):
    """The mean of `(batch,)` values.

    Keras brings sample weights and the share of each replica.
    """

    def call(self, y_true, y_pred):
        return y_pred


OWN_STEPS = ("train_step", "test_step", "compute_loss")


class OwnLossModel(CheckedModel):
    """A model whose `compute_loss` takes the compiled loss into its own hands.

    Keras would call `compute_loss` on stand-ins that no forward pass made, to
    build the loss that it compiles. So it compiles none; `loss` is the loss
    given to `compile`.
    """

    usual_loss = "MarginLoss"

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """Compile for training; see `keras.Model.compile`.

        Raises:
            ValueError: If there are `loss_weights` or several losses.
        """
        if loss_weights is not None:
            raise ValueError(
                "`loss_weights` must be None: this model weighs the terms of "
                f"its one loss itself. Received: loss_weights={loss_weights!r}"
            )
        super().compile(optimizer, loss=None, metrics=metrics, **kwargs)
        self.loss = _only(loss)

    def check_compiled(self) -> None:
        super().check_compiled()
        if not self._has_own_step():
            self.check_loss_given()

    def check_loss_given(self) -> None:
        """Raise unless the model was compiled with a loss."""
        if getattr(self, "loss", None) is None:
            raise ValueError(
                "`loss` must be given to `compile`, e.g. "
                f"loss={self.usual_loss}(). Received: loss=None"
            )

    def _has_own_step(self):
        """Whether a subclass elsewhere may need no compiled loss."""
        owners = (
            kind.__module__.partition(".")[0]
            for kind in type(self).__mro__
            if not vars(kind).keys().isdisjoint(OWN_STEPS)
        )
        return next(owners) not in (__package__.partition(".")[0], "keras")

    def scored(self, y: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The compiled loss of targets and outputs, a scalar."""
        loss = keras.losses.get(self.loss)
        if isinstance(loss, keras.losses.Loss):
            return loss(y, y_pred, sample_weight)
        return mean_over_examples(loss(y, y_pred), sample_weight)

    def with_added_losses(self, loss: Tensor) -> Tensor:
        """The loss and what regularisers and `add_loss` add to it."""
        return loss + super().compute_loss() if self.losses else loss

    def first_input(self, x: Any) -> Any:
        """The first of the model's inputs, by name or in order."""
        if isinstance(x, dict):
            return x[self.inputs[0].name]
        return x[0] if isinstance(x, (list, tuple)) else x

    def get_compile_config(self) -> Config | None:
        config = super().get_compile_config()
        if not config:  # never compiled
            return config
        loss = keras.saving.serialize_keras_object(self.loss)
        return {**config, "loss": loss}


def mean_over_examples(values: Any, sample_weight: Any = None) -> Tensor:
    """The mean of `(batch,)` values, as Keras takes that of its losses."""
    return _PerExampleMean(name="mean")(values, values, sample_weight)


def weighted(values: Any, sample_weight: Any) -> Tensor:
    """Values `(batch,)` times the weight of each example."""
    if sample_weight is None:
        return values
    weights = ops.reshape(ops.cast(sample_weight, values.dtype), (-1,))
    return values * weights


def _only(loss):
    """The loss, out of a list or dict of one, made if it is a class."""
    losses = keras.tree.flatten(loss)
    if len(losses) > 1:
        raise ValueError(
            "`loss` must be a single loss, which scores all outputs. "
            f"Received: loss={loss!r}"
        )
    only = losses[0] if losses else None
    return only() if isinstance(only, type) else only
