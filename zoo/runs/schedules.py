"""Learning rates and weights that change while a run trains."""

import math

import keras

from keras_capsvae import CapacityWarmUp
from keras_capsvae import GumbelSoftmaxLatent
from keras_capsvae import KLWarmUp
from keras_capsvae import MixtureStart
from keras_capsvae import SpreadMargin
from keras_capsvae import TemperatureAnnealing
from keras_capsvae.validation.numbers import check_integer
from zoo.datasets import run_feeds
from zoo.settings import Settings

FINAL_SHARE = 0.01  # of the highest learning rate, where `--decay` ends


def cosine_decay(
    steps: int,
    learning_rate: float = 1e-3,
    warm_up: float = 0.0,
    final: float = 0.0,
) -> keras.optimizers.schedules.CosineDecay:
    """A learning rate that falls in half a cosine, perhaps after a warm-up.

    Args:
        steps: Steps of the whole training: batches of an epoch times epochs.
        learning_rate: Its highest value. Defaults to 1e-3.
        warm_up: Share of the steps in which it first rises from 0 in a line.
            Defaults to 0.0.
        final: Share of `learning_rate` that it ends at. Defaults to 0.0.

    Returns:
        A schedule, for the `learning_rate` of an optimizer.

    Raises:
        ValueError: If there is no step, or not one beside the warm-up, or if a
            share is not in [0, 1).

    Example:

    >>> schedule = cosine_decay(1000, warm_up=0.1)
    >>> [round(float(schedule(step)), 6) for step in (0, 100, 1000)]
    [0.0, 0.001, 0.0]
    """
    steps = check_integer("steps", steps, 2 if warm_up else 1)
    if not (0 <= warm_up < 1 and 0 <= final < 1):
        raise ValueError(
            "`warm_up` and `final` must be in [0, 1). "
            f"Received: warm_up={warm_up}, final={final}"
        )
    if not warm_up:
        return keras.optimizers.schedules.CosineDecay(
            learning_rate, steps, alpha=final
        )
    rising = min(max(1, round(warm_up * steps)), steps - 1)
    return keras.optimizers.schedules.CosineDecay(
        0.0,
        steps - rising,
        alpha=final,
        warmup_target=learning_rate,
        warmup_steps=rising,
    )


def decay(model: keras.Model, steps: int) -> None:
    """Let the learning rate of a compiled model fall over these steps."""
    highest = float(model.optimizer.learning_rate)
    model.optimizer.learning_rate = cosine_decay(
        steps, highest, final=FINAL_SHARE
    )


def first_comparable(settings: Settings, steps_per_epoch: int) -> int:
    """The first epoch, from 0, whose loss is the one that a run ends with.

    Before it the weight of a divergence, a capacity or a margin still moves,
    and the loss with it: a lower one is not a better one.
    """
    rises = 2 * settings.kl_cycles - 1  # with the stays between them
    return max(
        rises * settings.kl_warm_up,
        math.ceil(rises * settings.kl_warm_up_steps / steps_per_epoch),
        settings.capacity_warm_up,
        settings.margin_epochs,
    )


def callbacks_of(
    settings: Settings, model: keras.Model, steps_per_epoch: int
) -> list[keras.callbacks.Callback]:
    """The callbacks that a run's settings ask for.

    Raises:
        ValueError: If the model has nothing that they could change.
    """
    wanted = {}
    if settings.kl_warm_up or settings.kl_warm_up_steps:
        wanted["kl_warm_up"] = KLWarmUp(
            settings.kl_warm_up or None,
            steps=settings.kl_warm_up_steps or None,
            curve=settings.kl_curve,
            cycles=settings.kl_cycles,
        )
    if settings.capacity_warm_up:
        callback = CapacityWarmUp(settings.capacity_warm_up)
        wanted["capacity_warm_up"] = callback
    if settings.temperature_rate is not None:
        annealing = TemperatureAnnealing(settings.temperature_rate)
        wanted["temperature_rate"] = annealing
    elif isinstance(getattr(model, "latent", None), GumbelSoftmaxLatent):
        wanted["temperature_rate"] = TemperatureAnnealing()
    if settings.margin_epochs:
        steps = settings.margin_epochs * steps_per_epoch
        wanted["margin_epochs"] = SpreadMargin(steps)
    if settings.mixture_start:
        x = run_feeds.arrays_of_run(model, settings).x_train
        wanted["mixture_start"] = MixtureStart(
            x, settings.mixture_start, settings.seed
        )
    for name, callback in wanted.items():
        callback.set_model(model)
        try:
            callback.on_train_begin()
        except ValueError as error:
            raise ValueError(
                f"`{name}` does not suit {settings.model}. {error}"
            ) from error
    return list(wanted.values())
