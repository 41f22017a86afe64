"""What options take: text and paths that say something, settings of a run."""

import pathlib
from collections.abc import Callable
from typing import Any

import click

from zoo.options import Option
from zoo.options import arguments_from
from zoo.settings import ASKED_FOR
from zoo.settings import DEFAULTS

OF_IMAGES = ("resize", "grey", "skip_broken")
OF_DATA = (*OF_IMAGES, "label_column", "ignore_columns")


class Text(click.ParamType):
    """A string that is not empty."""

    name = "text"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        _check_filled(value, param)
        return str(value)


class Whole(click.ParamType):
    """A whole number of at least so much."""

    name = "integer"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        number = click.INT.convert(value, param, ctx)
        if number < self.least:
            raise ValueError(
                f"{param.opts[0]} must be at least {self.least}. "
                f"Received: {number}"
            )
        return number


class FilePath(click.Path):
    """A path that is not empty, of a file or a folder."""

    def __init__(self) -> None:
        super().__init__(path_type=pathlib.Path)

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        _check_filled(value, param)
        return super().convert(value, param, ctx)


def _check_filled(value, param):
    if value == "":
        name = param.opts[0] if param.opts[0].startswith("-") else param.name
        raise ValueError(f"{name} must not be empty. Received: an empty string")


def options_of_run(*names: str) -> Callable:
    """Add options of a run to a command, all that can be asked for or some."""

    def with_options(command):
        for name in reversed(names or tuple(ASKED_FOR)):
            command = _as_click_option(name, ASKED_FOR[name])(command)
        return command

    return with_options


def _as_click_option(name: str, option: Option):
    """What click makes an option of a run of."""
    default = DEFAULTS[name]
    text = option.help
    if option.usual:
        text = f"{text}  [default: {option.usual}]"
    kind = Text() if option.kind in (str, tuple) else option.kind
    if option.kind is int:
        kind = Whole(option.least)
    if option.kind is bool:
        return click.option(option.flag, name, is_flag=True, help=text)
    if option.kind is dict:
        return click.option(
            option.flag,
            name,
            multiple=True,
            metavar=option.metavar,
            help=text,
            callback=lambda context, parameter, words: arguments_from(
                words, option.flag
            ),
        )
    return click.option(
        option.flag,
        name,
        type=click.Choice(option.choices) if option.choices else kind,
        default=default,
        show_default=default is not None,
        metavar=option.metavar,
        help=text,
    )
