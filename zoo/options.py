"""An option of a run: declared once, told to Python, shell and reader.

The command line explains options before it loads Keras.
"""

import ast
import dataclasses
import json
import os
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Option:
    """How a setting of a run is said, checked and explained.

    Attributes:
        kind: `int`, `float`, `bool`, `str`, `list` of strings or sizes,
            `dict`, or `tuple` for sides of images, said and kept as `"40x56"`.
        help: What it does, in a sentence.
        flag: How the command line says it; empty for what is given by place
            or found out.
        usual: Words for a default that depends on the model.
        of_card: Field of the model's card that is the default.
        least: Smallest integer allowed.
        choices: All strings allowed; none given: any.
        metavar: What the command line's help shows for the value.
        fixed: Whether a run must go on with the value that it began with.
        always_said: Whether a recorded command says the default too.
    """

    kind: type
    help: str
    flag: str = ""
    usual: str | None = None
    of_card: str | None = None
    least: int = 0
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    fixed: bool = True
    always_said: bool = False

    def checked(self, name: str, value: Any) -> Any:
        """The value in the form that `config.json` holds, after a check."""
        return _CHECKS[self.kind](self, name, value)

    def words(self, value: Any) -> list[str]:
        """The words of a command line that give this value."""
        if self.kind is dict:
            settings = [f"{key}={_as_json(one)}" for key, one in value.items()]
            return [word for one in settings for word in (self.flag, one)]
        if self.kind is bool:
            return [self.flag] if value else []
        return [self.flag, str(value)]


def option(kind: type, default: Any, help: str, **rest: Any) -> Any:
    """A field of a dataclass that is an `Option` with this default."""
    described = {"option": Option(kind, help, **rest)}
    if isinstance(default, dict):
        return dataclasses.field(
            default_factory=default.copy, metadata=described
        )
    return dataclasses.field(default=default, metadata=described)


def options_of(settings: type) -> dict[str, Option]:
    """The options that a dataclass declares, by the names of their fields."""
    return {
        field.name: field.metadata["option"]
        for field in dataclasses.fields(settings)
    }


def defaults_of(settings: type) -> dict[str, Any]:
    """The defaults that a dataclass declares, by the names of their fields."""
    return {
        field.name: field.default
        if field.default is not dataclasses.MISSING
        else field.default_factory()
        for field in dataclasses.fields(settings)
        if field.default is not dataclasses.MISSING
        or field.default_factory is not dataclasses.MISSING
    }


def arguments_from(
    words: tuple[str, ...], flag: str = "--set"
) -> dict[str, Any]:
    """The dict of several `ARGUMENT=VALUE` of a flag of the command line.

    Values are JSON, or as Python writes them, or plain strings.

    Raises:
        ValueError: If a word has no `=`.

    Example:

    >>> arguments_from(("input_shape=(40, 56, 3)", "routing=kmeans"))
    {'input_shape': (40, 56, 3), 'routing': 'kmeans'}
    """
    arguments = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"{flag} takes ARGUMENT=VALUE. Received: {word!r}")
        arguments[name] = _value(value)
    return arguments


def _value(text):
    """Of JSON or a literal of Python's that JSON can hold; else the text."""
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
            json.dumps(value)
        except (ValueError, TypeError, SyntaxError, RecursionError):
            continue
        return value
    return text


def _as_json(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _integer(option, name, value):
    from keras_capsvae.validation.numbers import check_integer

    return check_integer(name, value, option.least)


def _positive(option, name, value):
    from keras_capsvae.validation.numbers import check_positive

    return check_positive(name, value)


def _truth(option, name, value):
    if value not in (True, False):
        raise ValueError(
            f"`{name}` must be True or False. Received: {name}={value!r}"
        )
    return bool(value)


def _text(option, name, value):
    if not isinstance(value, str | os.PathLike):
        raise ValueError(
            f"`{name}` must be a string or path. Received: {name}={value!r}"
        )
    text = str(value)
    if option.flag and not text:
        raise ValueError(f"`{name}` must not be empty. Received: {name}=''")
    if option.choices and text not in option.choices:
        raise ValueError(
            f"`{name}` must be one of {list(option.choices)}. "
            f"Received: {name}={value!r}"
        )
    return text


def _sides(option, name, value):
    from zoo.datasets.reading import sides_of

    height, width = sides_of(value)
    return f"{height}x{width}" if height != width else f"{height}"


def _items(option, name, value):
    from keras_capsvae.validation.numbers import check_integer

    if not isinstance(value, list | tuple):
        raise ValueError(f"`{name}` must be a list. Received: {name}={value!r}")
    return [
        str(one) if isinstance(one, str) else check_integer(name, one)
        for one in value
    ]


def _arguments(option, name, value):
    if not isinstance(value, dict):
        raise ValueError(
            f"`{name}` must be a dict, argument → value. "
            f"Received: {name}={value!r}"
        )
    return json.loads(json.dumps(value, default=_plain))


def _plain(value):
    """A number of NumPy, or an array, as JSON has it."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(
        "Arguments of a builder must be what JSON can hold. "
        f"Received: {value!r} of type {type(value).__name__}"
    )


_CHECKS: dict[type, Callable[[Option, str, Any], Any]] = {
    int: _integer,
    float: _positive,
    bool: _truth,
    str: _text,
    list: _items,
    tuple: _sides,
    dict: _arguments,
}
