"""What the data of a run tell of the net that is to learn them."""

import inspect
import math
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from keras_capsvae import vocabulary_of
from zoo import datasets
from zoo.counting import counted
from zoo.datasets.classes import classes_of
from zoo.datasets.couplet_task import check_couplets
from zoo.datasets.images import as_image_shape
from zoo.datasets.labels import shortened
from zoo.datasets.reading import Reading
from zoo.pretrained.manifest import made_for
from zoo.pretrained.vocabularies import corpus_characters
from zoo.pretrained.vocabularies import default_characters

# Arguments of builders that data can give; each may depend on later ones.
OF_DATA = (
    *("vocabulary", "unknown", "sentence_length"),
    *("num_classes", "original_dim", "input_shape"),
)
UNKNOWN = "□"


class Found(NamedTuple):
    """Arguments of the builder, and what a run keeps of its data."""

    arguments: dict[str, Any]
    class_names: list[str] | None = None
    image_shape: list[int] | None = None
    columns: dict[str, Any] | None = None


def found_in_data(
    builder: Any, settings: Any, given: Mapping[str, Any]
) -> Found:
    """The sizes, classes or characters of the data of a run.

    Args:
        builder: That of the model.
        settings: `Settings` that say which data, and how they are read.
        given: Arguments of the builder that need not be looked for.
    """
    parameters = inspect.signature(builder).parameters
    if "vocabulary" in parameters:
        return _of_texts(parameters, settings, given)
    if "num_features" in parameters:
        return _of_rows(settings, given)
    return _of_images(parameters, settings, given)


def _of_images(parameters, settings, given):
    reading = Reading.of(settings)
    shape = datasets.image_shape(
        settings.data, reading.asked_shape, skip_broken=reading.skip_broken
    )
    arguments = {}
    if "input_shape" in parameters and "input_shape" not in given:
        # A net whose sides are free stays so.
        sides = parameters["input_shape"].default
        square = as_image_shape(shape, sides)
        free = [own if side else side for side, own in zip(sides[:2], square)]
        arguments["input_shape"] = [*free, square[-1]]
    if "original_dim" in parameters and "original_dim" not in given:
        arguments["original_dim"] = math.prod(shape)
    names, count = classes_of(settings.data)
    if "num_classes" in parameters and "num_classes" not in given and count:
        arguments["num_classes"] = count
    wanted = given.get("num_classes")
    if names is not None and isinstance(wanted, int):
        # Classes that the data have no name for are called by their numbers.
        names = [*names, *map(str, range(len(names), wanted))]
    images = list(shape) if len(shape) == 3 else None
    return Found(arguments, names, images)


def _of_rows(settings, given):
    options = Reading.of(settings).of_rows
    columns = datasets.columns_of(settings.data, **options)
    numbers, categories = datasets.split_columns(columns)
    sizes = {name: len(values) for name, values in categories.items()}
    found: dict[str, Any] = {"num_features": len(numbers) + sum(sizes.values())}
    if sizes:
        found["categories"] = sizes
    return Found(
        _without(found, given),
        datasets.row_classes(settings.data, **options),
        columns=columns,
    )


def _of_texts(parameters, settings, given):
    if "sentence_length" in parameters:
        return _of_lines(settings, given)
    if not datasets.has_labelled_texts(settings.data):
        check_couplets(settings.data)
        characters = {"vocabulary": corpus_characters(settings.data, None)}
        found = {} if "vocabulary" in given else characters
        return Found(found, ["altered", "real"])
    reading = Reading.of(settings)
    names = datasets.labelled_classes(settings.data, **reading.of_tables)
    found = {"num_classes": len(names)}
    if "vocabulary" not in given:
        texts = datasets.load_labelled_texts(
            settings.data,
            text_length=reading.text_length,
            **reading.of_tables,
        )
        found |= _characters([*texts.x_train, *texts.x_test])
    return Found(_without(found, given), names)


def _of_lines(settings, given):
    length = given.get("sentence_length")
    if "vocabulary" in given and length is not None:
        return Found({})
    texts = datasets.load_texts(
        settings.data, length, **Reading.of(settings).of_texts
    )
    found: dict[str, Any] = {"sentence_length": len(texts.x_train[0])}
    if "vocabulary" not in given:
        both = [*texts.x_train, *texts.x_test]
        found["vocabulary"] = vocabulary_of(both, punctuation=True).characters
    return Found(_without(found, given))


def _characters(texts):
    """Those of texts, and one that stands for any other in texts to come."""
    characters = vocabulary_of(texts, punctuation=True).characters
    unknown = {} if UNKNOWN in characters else {"unknown": UNKNOWN}
    return {"vocabulary": characters} | unknown


def _without(found, given):
    return {key: value for key, value in found.items() if key not in given}


def described(model: str, settings: Any) -> str:
    """A model and what it is built for, in a line; see `Settings`."""
    weights = settings.weights or settings.arguments.get("weights")
    arguments = {**made_for(model, weights), **settings.arguments}
    words = [f"{model} for {_examples_of(settings, arguments)}"]
    sizes = [
        f"{name}={arguments[name]}"
        for name in ("original_dim", "sentence_length")
        if name in arguments
    ]
    if sizes:
        words[0] += f" ({', '.join(sizes)})"
    names, count = settings.class_names, arguments.get("num_classes")
    if names and "num_features" not in arguments:
        words.append(f"{len(names)} classes: {shortened(names)}")
    elif count:
        words.append(f"{count} classes")
    return ", ".join(words)


def _examples_of(settings, arguments):
    if "num_features" in arguments:
        return f"rows of {counted(arguments['num_features'], 'column')}"
    if "vocabulary" in arguments:
        known = arguments["vocabulary"] or default_characters(settings.model)
        count = len(known)
        return f"texts of {count:,} different characters"
    shape = settings.image_shape or arguments.get("input_shape")
    if shape is None:
        return "flat images"
    return f"images of {' × '.join(map(str, shape))}"
