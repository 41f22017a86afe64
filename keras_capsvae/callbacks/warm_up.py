"""Schedules of the KL divergence: its weight, and its capacity."""

import math
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras

from keras_capsvae.callbacks.steps import StepCallback
from keras_capsvae.latents.base import Latent
from keras_capsvae.latents.gaussian import GaussianLatent
from keras_capsvae.layers.kl_loss import KLLoss
from keras_capsvae.typing import Config
from keras_capsvae.validation.arguments import check_choice
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_number

STEEPNESS = 12.0  # a sigmoid from −6 to 6, which covers 99.5 % of its range


class WarmUp(StepCallback):
    """Moves variables of latents from `start` to `end`, and leaves them there.

    After s of n steps, or epochs, they are `start + (end − start) · c(s / n)`
    with the curve c, which is 1 after n of them. With several cycles each rise
    is followed by n at `end` and then begins anew, but for the last.

    A subclass says in `targets` what it moves.
    """

    purpose = ""
    verdict = ""

    def __init__(
        self,
        epochs: int | None = None,
        start: float = 0.0,
        end: float | None = None,
        *,
        steps: int | None = None,
        curve: str = "linear",
        cycles: int = 1,
    ):
        super().__init__()
        if (epochs is None) == (steps is None):
            raise ValueError(
                "Either `epochs` or `steps` must be given. "
                f"Received: epochs={epochs}, steps={steps}"
            )
        check_choice("curve", curve, CURVES)
        self.unit = "epochs" if steps is None else "steps"
        self.length = check_integer(
            self.unit, epochs if steps is None else steps
        )
        self.start = check_number("start", start)
        self.end = None if end is None else check_number("end", end)
        self.curve = curve
        self.cycles = check_integer("cycles", cycles)

    def targets(self) -> Iterator[tuple[keras.Variable, float]]:
        """Variables of the model, and where each ends by itself."""
        raise NotImplementedError

    def share(self, done: int) -> float:
        """How far the way is gone after so many steps or epochs, 0 to 1."""
        rises = done / self.length
        if rises < 2 * self.cycles:
            rises %= 2
        return CURVES[self.curve](min(1.0, rises))

    def on_train_begin(self, logs: Config | None = None) -> None:
        self._targets = list(self.targets())
        self._reached, self._share, self._value = 0, None, None
        if not self._targets:
            raise ValueError(
                f"{type(self).__name__} expects a model with {self.purpose}. "
                f"Received: model {self.model.name!r} without one"
            )

    def on_epoch_begin(self, epoch: int, logs: Config | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        if self.unit == "epochs":
            self._move(epoch)

    def on_step(self, step: int) -> None:
        if self.unit == "steps" and self.share(step) != self._share:
            self.sync()
            self._move(step)

    def _move(self, done):
        self._reached = done
        self._share = share = self.share(done)
        values = []
        for variable, own_end in self._targets:
            end = own_end if self.end is None else self.end
            values.append(self.start + (end - self.start) * share)
            variable.assign(values[-1])
        self._value = values[0]  # whatever EarlyStopping makes of it

    def on_train_end(self, logs: Config | None = None) -> None:
        """Warn if training ended before the last value was reached."""
        last = (2 * self.cycles - 1) * self.length
        if self._value is not None and self._reached < last:
            length = f"{self.length} {self.unit}"
            if self.cycles > 1:
                length += f" and {self.cycles} cycles"
            warnings.warn(
                f"Training ended within the {length} of "
                f"{type(self).__name__}: {self.verdict} {self._value:g}.",
                stacklevel=2,
            )


class KLWarmUp(WarmUp):
    """Raises the weight of the KL divergence while training starts.

    In epoch e (from 0) the latent, and every `KLLoss` of the model, weighs
    `start + (end − start) · c(e / epochs)` with c(p) = min(1, p): a model that
    pays nothing for its divergence first learns to use its latents, which helps
    against posterior collapse. The weight depends on the number of the epoch
    (or of the optimizer's step) alone, so a resumed training goes on where it
    stopped.

    Losses of before are lower, as less is counted, and the epochs no better:
    `EarlyStopping(start_from_epoch=epochs)` waits for the others, and so do
    `--best` and `--patience` of `python -m zoo train`.

    Args:
        epochs: Epochs until `end` is reached, at least 1.
        start: First weight. Defaults to 0.
        end: Last weight. Defaults to `None`: the weight that each layer was
            made with.
        steps: Training steps until `end` is reached, in place of `epochs`: the
            weight then moves before every step.
        curve: `"linear"`, or `"sigmoid"`, slow at both ends. Defaults to
            `"linear"`.
        cycles: How often the weight rises. Each rise but the last is followed
            by as many epochs or steps at `end`, then it begins anew from
            `start`. Defaults to 1.

    Raises:
        ValueError: If not one of `epochs` and `steps` is given, one is below 1,
            a weight is negative or the curve unknown, and, before training, if
            the model has neither latent nor `KLLoss`.

    Example:

    >>> model.fit(x, epochs=50, callbacks=[KLWarmUp(epochs=10)])

    Source: Sønderby et al., "Ladder Variational Autoencoders", 2016; sigmoid:
    Bowman et al., "Generating Sentences from a Continuous Space", 2016; cycles:
    Fu et al., "Cyclical Annealing Schedule", 2019.
    """

    purpose = "a latent whose divergence has a weight, or a KLLoss layer"
    verdict = "the KL divergence weighs"

    def targets(self) -> Iterator[tuple[keras.Variable, float]]:
        for layer in _layers(self.model):
            is_weighted = isinstance(layer, Latent) and layer.scheduled
            if isinstance(layer, KLLoss) or is_weighted:
                yield layer.beta, layer.initial_beta


class CapacityWarmUp(WarmUp):
    """Raises the capacity C of the latents while training goes on.

    C is what their divergence should be, in nats, under the penalty
    `γ · |KL − C|` of `GaussianLatent(capacity=C, kl_weight=γ)`: latents that
    are let in one by one differ in meaning.

    Args:
        epochs, start, steps, curve, cycles: As of `KLWarmUp`, of C.
        end: Last capacity. Defaults to `None`: the latent's.

    Raises:
        ValueError: As of `KLWarmUp`, and before training if the model has no
            latent with a capacity.

    Example:

    ```python
    latent = GaussianLatent(capacity=25.0, kl_weight=10.0)
    model = VariationalAutoencoder(encoder, decoder, latent)
    model.compile("adam", loss=BernoulliReconstruction())
    model.fit(images, epochs=4, callbacks=[CapacityWarmUp(steps=4)])
    ```

    Source: Burgess et al., "Understanding disentangling in β-VAE", 2018.
    """

    purpose = "a latent with a capacity, GaussianLatent(capacity=...)"
    verdict = "the capacity is"

    def targets(self) -> Iterator[tuple[keras.Variable, float]]:
        for layer in _layers(self.model):
            is_gaussian = isinstance(layer, GaussianLatent)
            if is_gaussian and layer.initial_capacity is not None:
                yield layer.capacity, layer.initial_capacity


def _layers(model: Any) -> Iterator[keras.layers.Layer]:
    """All layers of a model and of models inside it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer


def _linear(progress):
    return progress


def _sigmoid(progress):
    """A sigmoid whose ends are moved to 0 and 1."""
    low, here, high = (
        1 / (1 + math.exp(-STEEPNESS * (at - 0.5))) for at in (0, progress, 1)
    )
    return (here - low) / (high - low)


CURVES: dict[str, Callable[[float], float]] = {
    "linear": _linear,
    "sigmoid": _sigmoid,
}
