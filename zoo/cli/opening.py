"""The MODEL of a command: a name of the zoo, a run folder or a file."""

import json
import pathlib
from typing import Any
from typing import NamedTuple

from zoo import cards
from zoo.cli.output import starting
from zoo.pretrained import manifest
from zoo.run_files import CONFIG

WEIGHTS = (
    "Of a name of the zoo: a tag of shipped weights, or a file of your own.  "
    "[default: mnist, or tang]"
)


class Opened(NamedTuple):
    """A model, and what is known of it.

    Attributes:
        model: The model.
        settings: What it was trained with, where that is known.
        shipped_as: Its name in the zoo where its weights are shipped ones.
    """

    model: Any
    settings: dict[str, Any]
    shipped_as: str | None = None

    def reading(self, **asked: Any) -> Any:
        """The `Reading` of its run, but for what is asked otherwise."""
        from zoo.datasets.reading import Reading

        given = {name: value for name, value in asked.items() if value}
        return Reading.of({**self.settings, **given})

    @property
    def class_names(self) -> list[str]:
        """Names of the classes of labels: those of the run, or numbers."""
        from zoo.datasets import feeds
        from zoo.evaluation import classes

        count = feeds.label_classes(self.model)
        count = classes.count_of(self.model) if count is None else count
        names = self.settings.get("class_names")
        return list(names) if names else [str(one) for one in range(count)]


def card_of_model(model: str) -> cards.Card | None:
    """The card of a zoo name or a run folder, read without Keras.

    `None` where it is neither, or a run of no known model.
    """
    if model in cards.list_models():
        return cards.card_of(model)
    config = pathlib.Path(model) / CONFIG
    if not config.is_file():
        return None
    try:
        name = json.loads(config.read_text(encoding="utf-8"))["model"]
        return cards.card_of(name)
    except (ValueError, KeyError, TypeError):
        return None  # to be told when it is opened


def opened(model: str, weights: str | None) -> Opened:
    """The model of a zoo name, a run folder or a `.keras` file.

    A `.keras` file in a run folder comes with the settings of the run.

    Raises:
        ValueError: If it is none of these, or a name without weights.
    """
    path = pathlib.Path(model)
    is_path = len(path.parts) != 1 or path.suffix or path.exists()
    if model in cards.list_models() or not is_path:
        return _created(cards.card_of(model), weights)
    if not path.exists():
        raise FileNotFoundError(
            "The model must be a name of the zoo, a run folder or a .keras "
            f"file. Received: {model!r}, which does not exist"
        )
    if weights:
        raise ValueError(
            f"--weights goes with a name of the zoo. Received: {path}"
        )
    return _reopened(path)


def _created(card, weights):
    tag = weights or card.data
    tags = manifest.tags_of(card.name)
    if not tags and not weights:
        raise ValueError(
            f"{card.name} comes without weights: give a run folder or a .keras "
            "file of one that you trained"
        )
    manifest.file_of(card.name, tag)  # Before Keras is loaded it says so.
    starting()
    from zoo.registry import create_model

    model = create_model(card.name, weights=tag)
    if tag in tags:
        return Opened(model, tags[tag], card.name)
    return Opened(model, {})


def _reopened(path):
    starting()
    from zoo import runs
    from zoo.export import load_model

    if path.is_dir():
        path = path / runs.MODEL
        if not path.is_file():
            raise ValueError(
                "The model must be a name of the zoo, a run folder or a .keras "
                f"file. Received: {path.parent}, a folder without {path.name}"
            )
    settings = runs.config_of(path.parent) if path.name == runs.MODEL else {}
    return Opened(load_model(path), settings)
