"""The cards of all models, out of the TOML files beside their builders."""

import fnmatch
import functools
import pathlib
import tomllib

from zoo.cards.card import Card
from zoo.nearest import did_you_mean

MODELS = pathlib.Path(__file__).parents[1] / "models"


@functools.cache
def cards() -> dict[str, Card]:
    """All cards by the names of their models, sorted.

    Raises:
        ValueError: If two models have one name, or a card lacks a field or has
            one too many.
    """
    return cards_in(MODELS)


def cards_in(folder: pathlib.Path) -> dict[str, Card]:
    """Those in the TOML files of a folder, a table for each model."""
    found = {}
    for path in sorted(folder.glob("*.toml")):
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        for name, fields in tables.items():
            if name in found:
                raise ValueError(
                    "Two models must not have one name. Received: "
                    f"[{name}] in {found[name].module}.toml and {path.name}"
                )
            try:
                found[name] = Card(name, path.stem, **fields)
            except TypeError as error:
                raise ValueError(f"{path.name}, [{name}]: {error}") from error
    return dict(sorted(found.items()))


def list_models(pattern: str = "*") -> list[str]:
    """Names of the models that match a shell pattern, sorted.

    Raises:
        TypeError: If the pattern is no string.

    Example:

    >>> list_models("*caps*")
    ['capsnet', 'capsule_cnn', 'efficient_capsnet', 'matrix_capsnet']
    """
    if not isinstance(pattern, str):
        raise TypeError(
            "`pattern` must be a string. "
            f"Received: pattern={pattern!r} of type {type(pattern).__name__}"
        )
    return fnmatch.filter(cards(), pattern)


def card_of(name: str) -> Card:
    """The card of the model with this name.

    Raises:
        ValueError: If there is no such model; names the nearest.
        TypeError: If the name is no string.
    """
    if not isinstance(name, str):
        raise TypeError(
            "`name` must be a string out of `list_models()`. "
            f"Received: name={name!r:.40} of type {type(name).__name__}"
        )
    if name not in cards():
        raise ValueError(
            f"Unknown model. {did_you_mean(name, cards())}The zoo has "
            f"{list_models()}. Received: name={str(name)!r}"
        )
    return cards()[name]
