"""The shell command that a run was made with."""

import dataclasses
import os
import shlex

from zoo.cards import card_of
from zoo.found import OF_DATA
from zoo.settings import ASKED_FOR
from zoo.settings import DEFAULTS
from zoo.settings import Settings


def command_of(settings: Settings) -> str:
    """The shell command that makes a run with these settings.

    Where the learning rate was changed these are several, one after the other.
    """
    ends = [*map(int, settings.rate_changes), settings.epochs]
    first = dataclasses.replace(settings, epochs=ends[0], rate_changes={})
    arguments = {
        key: value
        for key, value in settings.arguments.items()
        if key != "learning_rate"
    }
    commands = [_command(first)]
    changes = zip(ends[1:], settings.rate_changes.values(), strict=True)
    for end, rate in changes:
        part = dataclasses.replace(
            first, epochs=end, learning_rate=rate, arguments=arguments
        )
        commands.append(f"{_command(part)} --resume")
    return " && ".join(commands)


def command_to_go_on(
    folder: str | os.PathLike, settings: Settings, picture_every: int | None
) -> str:
    """The shell command that goes on with the run in a folder."""
    words = ["python", "-m", "zoo", "train", settings.model]
    words += ["--out", os.fspath(folder), "--resume"]
    if picture_every is not None:
        words += ["--picture-every", str(picture_every)]
    return _on_backend(settings, words)


def _command(settings):
    words = ["python", "-m", "zoo", "train", settings.model]
    card = card_of(settings.model)
    said = dataclasses.replace(settings, arguments=_arguments_to_say(settings))
    for name, one in ASKED_FOR.items():
        value = getattr(said, name)
        usual = getattr(card, one.of_card or "", DEFAULTS[name])
        if value is not None and (one.always_said or value != usual):
            words += one.words(value)
    return _on_backend(settings, words)


def _on_backend(settings, words):
    command = shlex.join(words)
    if settings.keras_backend == "tensorflow":
        return command
    return f"KERAS_BACKEND={settings.keras_backend} {command}"


def _arguments_to_say(settings):
    """All but those that the data gives without being told."""
    said = dict(settings.arguments)
    for key in [key for key in OF_DATA if key in said]:
        rest = {name: one for name, one in said.items() if name != key}
        if _are_told(settings, rest):
            said = rest
    return said


def _are_told(settings, said):
    """Whether the data give all arguments but these."""
    try:
        found = settings.found(said).arguments
    except ValueError:  # such as couplets of a length that are not there
        return False
    return {**found, **said} == settings.arguments
