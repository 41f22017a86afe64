"""What may change when a run goes on."""

import dataclasses
import pathlib
import reprlib
from collections.abc import Mapping
from typing import Any

import keras

from zoo.datasets.loading import KNOWN
from zoo.datasets.poems import NAMES as NAMES_OF_TEXTS
from zoo.found import OF_DATA
from zoo.settings import ASKED_FOR
from zoo.settings import OPTIONS
from zoo.settings import Settings

RATE = "learning_rate"


def completed(
    model: str, given: Mapping[str, Any], before: Settings
) -> dict[str, Any]:
    """The options given, and those of a run where none is.

    The learning rate is not taken from there: the run has changed it perhaps.

    Args:
        model: Name of the model asked for.
        given: Options; `None` is none.
        before: The settings of the run.

    Raises:
        ValueError: If the run is of another model.
    """
    if model != before.model:
        raise _refusal([f"model={model!r} instead of {before.model!r}"])
    given = {name: one for name, one in given.items() if one is not None}
    kept = {name: getattr(before, name) for name in ASKED_FOR if name != RATE}
    arguments = dict(before.arguments)
    if isinstance(arguments.get(RATE), int | float):
        del arguments[RATE]
    arguments |= given.get("arguments", {})
    return {**kept, **given, "arguments": arguments}


def check_epochs(settings: Settings, done: int) -> None:
    """Raise where a run has more epochs than it is to have.

    Raises:
        ValueError: If so.
    """
    if settings.epochs < done:
        raise ValueError(
            f"The run has {done} epochs already; to go on, `epochs` (--epochs) "
            f"must be above {done}. Received: epochs={settings.epochs}. "
            "Nothing was changed"
        )


def check_examples(count: int | None, before: Settings) -> None:
    """Raise where the data of a run have grown or shrunk.

    Raises:
        ValueError: If so.
    """
    known = before.num_examples
    if None not in (count, known) and count != known:
        raise ValueError(
            f"{before.data} must hold the {known} examples that the run trains "
            f"on. Received: {count}. Restore them, or train on what is there "
            "now in another folder (--out), from these weights if you like "
            "(--weights). Nothing was changed"
        )


def checked(asked: Settings, before: Settings) -> Settings:
    """The settings asked for, with the learning rate of before where none is.

    Raises:
        ValueError: If something differs that must not.
    """
    asked = _without_new_finds(asked, before)
    wanted = rate_of(asked)
    as_before = _with_rate_of(asked, before)
    different = _differences(as_before, before)
    if before.decay and wanted not in (None, rate_of(before)):
        different.append(f"{RATE}={wanted} instead of {rate_of(before)}")
    if different:
        raise _refusal(different)
    return as_before if wanted is None else asked


def with_rate(
    settings: Settings,
    wanted: float | None,
    before: Settings,
    epochs_done: int,
    optimizer: keras.optimizers.Optimizer,
) -> Settings:
    """Set the learning rate with which a run goes on.

    Args:
        settings: Those of the run that goes on.
        wanted: The learning rate; `None`: the one that the run has.
        before: The settings that the run has.
        epochs_done: Epochs trained.
        optimizer: That of the run.

    Returns:
        The settings, whose `rate_changes` tell since which epoch it is so.
    """
    changes, here = dict(before.rate_changes), str(epochs_done)
    if wanted is not None:
        changes.pop(here, None)
        if not (before.decay or _holds(optimizer, wanted)):
            changes[here] = wanted
    if here in changes:
        optimizer.learning_rate = changes[here]
    if not epochs_done:
        return settings
    return dataclasses.replace(
        _with_rate_of(settings, before), rate_changes=changes
    )


def rate_of(settings: Settings) -> float | None:
    """The learning rate asked for; `None`: the card's, or a schedule."""
    rate = settings.learning_rate or settings.arguments.get(RATE)
    return rate if isinstance(rate, int | float) else None


def _refusal(different):
    return ValueError(
        "The run was started otherwise; it cannot go on with "
        + ", ".join(different)
    )


def _without_new_finds(asked, before):
    """Without what is now found in the data and was not.

    Version 0.2 kept neither the shape of the images nor names of classes, and
    its nets had sizes of their own.
    """
    unasked = set(OF_DATA) - set(before.arguments)
    return dataclasses.replace(
        asked,
        arguments={
            key: value
            for key, value in asked.arguments.items()
            if key not in unasked
        },
        class_names=before.class_names and asked.class_names,
        image_shape=before.image_shape and asked.image_shape,
    )


def _with_rate_of(asked, before):
    arguments = {**asked.arguments}
    if isinstance(arguments.get(RATE, 0.0), int | float):
        arguments.pop(RATE, None)
        if RATE in before.arguments:
            arguments[RATE] = before.arguments[RATE]
    return dataclasses.replace(
        asked, learning_rate=before.learning_rate, arguments=arguments
    )


def _differences(asked, before):
    """What is fixed and differs.

    The number of epochs is fixed where the learning rate depends on it,
    patience where it decides what is trained on.
    """
    fixed = [name for name, one in OPTIONS.items() if one.fixed]
    if asked.decay:
        fixed.append("epochs")
    if asked.keeps_best != before.keeps_best:
        fixed += ["patience", "best"]
    return [
        f"{name}={reprlib.repr(getattr(asked, name))} instead of "
        f"{reprlib.repr(getattr(before, name))}"
        for name in fixed
        if getattr(asked, name) != getattr(before, name)
        and not (name == "data" and _is_same_place(asked.data, before))
    ]


def _is_same_place(asked, before):
    """Whether a path is of the data of a run, or of what was moved there.

    `num_examples` tells other data apart, where the run has kept it.
    """
    asked, known = pathlib.Path(asked), pathlib.Path(before.data)
    is_name = before.data in (*KNOWN, *NAMES_OF_TEXTS)
    if is_name or not asked.exists():
        return False
    if known.exists():
        return asked.resolve() == known.resolve()
    return before.num_examples is not None


def _holds(optimizer, rate):
    """Whether this is the rate of an optimizer, which keeps 32 bits of it."""
    held = float(optimizer.learning_rate)
    return abs(rate - held) <= 1e-6 * abs(rate)
