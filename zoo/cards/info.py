"""All that can be told of a model that is not built."""

import ast
import dataclasses
from collections.abc import Mapping
from typing import Any

from zoo.cards.card import Card
from zoo.cards.reading import MODELS
from zoo.cards.reading import card_of
from zoo.cards.shared import OF_EVERY_BUILDER
from zoo.cards.shared import SHARED
from zoo.nearest import check_arguments
from zoo.pretrained import manifest


def model_info(name: str) -> dict[str, Any]:
    """The card of a model, with its arguments and shipped weights.

    Returns:
        A dict: the fields of `Card`, `arguments` (with defaults), `weights`
        (tag → training data, measured metrics, licence), and `command`.

    Raises:
        ValueError: If there is no such model.
        TypeError: If the name is no string.
    """
    card = card_of(name)
    return {
        **dataclasses.asdict(card),
        "arguments": arguments_with_defaults(card),
        "weights": manifest.tags_of(card.name),
        "command": card.command(),
    }


def arguments_with_defaults(card: Card) -> dict[str, Any]:
    """Those of a builder by name, read in its source, which loads no Keras.

    Raises:
        ValueError: If an argument has no default, or one that is no literal.
    """
    source = (MODELS / f"{card.module}.py").read_text(encoding="utf-8")
    (builder,) = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == card.name
    )
    own = builder.args
    names = [one.arg for one in (*own.args, *own.kwonlyargs)]
    defaults = (*own.defaults, *filter(None, own.kw_defaults))
    arguments = {
        name: ast.literal_eval(default)
        for name, default in zip(names, defaults, strict=True)
    }
    return arguments | _shared(builder, card.name)


def check_arguments_of(card: Card, given: Mapping[str, Any]) -> None:
    """Raise where a builder is given an argument that it does not take.

    Raises:
        TypeError: If so; names the nearest.
    """
    known = (*arguments_with_defaults(card), *OF_EVERY_BUILDER)
    check_arguments(card.name, given, known)


def _shared(builder, name):
    """Arguments that a decorator adds, with the defaults that it changes."""
    for decorator in builder.decorator_list:
        match decorator:
            case ast.Call(func=ast.Name(id=adds)) if adds in SHARED:
                changed = {
                    one.arg: ast.literal_eval(one.value)
                    for one in decorator.keywords
                    if one.arg
                }
                return SHARED[adds] | changed | {"name": name}
    return {}
