"""How many training steps one call of the compiled step takes."""

import functools
import time
from collections.abc import Sequence

import keras
import numpy as np

from keras_capsvae.callbacks.warm_up import WarmUp
from zoo.datasets.run_feeds import Feed

SECONDS = 0.1  # of a call; an interrupt waits no longer
TIMED = 5
STEP_METHODS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
)
WORTH = 2000  # steps from which on a run gains more than measuring costs


def set_steps(
    model: keras.Model,
    asked: int | None,
    source: Feed,
    epoch: int,
    steps_left: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Set `model.steps_per_execution` for a training.

    Weights and history do not depend on it.

    Args:
        model: A compiled model.
        asked: The number, or `None`: so many that a call takes about a tenth
            of a second, and 1 where that cannot be.
        source: The `Feed` of the training.
        epoch: The epoch that it begins with.
        steps_left: Steps of the whole training.
        callbacks: Callbacks that may act on single steps.

    Raises:
        ValueError: If the number asked for would change the training.
    """
    single = [one for one in callbacks if _acts_on_steps(one)]
    if asked is None:
        can_group = keras.backend.backend() != "torch" and not single
        if can_group and steps_left >= WORTH:
            asked = _fitting(_seconds_per_step(model, source, epoch))
            asked = _allowed(source, asked)
        else:
            asked = 1
    elif asked > 1 and single:
        raise ValueError(
            "`steps_per_execution` must be 1 where something acts on each "
            f"step. Received: steps_per_execution={asked} with "
            f"{[type(one).__name__ for one in single]}"
        )
    elif asked != _allowed(source, asked):
        raise ValueError(
            "`steps_per_execution` must divide the steps of an epoch of a "
            f"stream, {source.steps}. Received: steps_per_execution={asked}"
        )
    if asked != model.steps_per_execution:
        model.steps_per_execution = asked
        model.make_train_function(force=True)
        model.make_test_function(force=True)


def _fitting(seconds):
    return max(1, round(SECONDS / seconds))


def _allowed(source, most):
    """The largest number up to this that ends with the epoch.

    A stream has no end of its own that would stop the last call.
    """
    if not source.is_endless:
        return most
    return next(n for n in range(most, 0, -1) if source.steps % n == 0)


@functools.singledispatch
def _acts_on_steps(callback):
    """Whether a callback does more in a step than Keras' base class."""
    return any(
        getattr(getattr(callback, name), "__func__", None)
        is not getattr(keras.callbacks.Callback, name)
        for name in STEP_METHODS
    )


@_acts_on_steps.register
def _(callback: WarmUp):
    return callback.unit == "steps"


def _seconds_per_step(model, source, epoch):
    """The shortest time of some steps, the first one's compilation apart.

    They leave no trace: the state of before is restored.
    """
    batch = next(iter(source.training(epoch)))
    variables = [
        *model.variables,
        *model.optimizer.variables,
        *model.metrics_variables,
    ]
    values = [keras.ops.convert_to_numpy(one) for one in variables]
    values = [np.array(value) for value in values]
    seconds = []
    for _ in range(1 + TIMED):
        start = time.perf_counter()
        model.train_on_batch(*batch)
        seconds.append(time.perf_counter() - start)
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return min(seconds[1:])
