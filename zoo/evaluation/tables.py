"""What a model says of each of some examples, as rows and as arrays."""

import functools
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import keras
import numpy as np

from keras_capsvae import Classifier
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.models.capsule_classifier import CapsuleClassifier
from zoo.datasets.examples import Examples


class Table(NamedTuple):
    """A table that a person reads, and the same in arrays.

    Attributes:
        header: names of the columns.
        rows: a list of values for each example.
        arrays: name → array, of all that the rows say, at full precision.
    """

    header: list[str]
    rows: list[list[Any]]
    arrays: dict[str, np.ndarray]


@functools.singledispatch
def prediction_table(
    model: keras.Model, examples: Examples, class_names: Sequence[str]
) -> Table:
    """The predicted class and the scores of each example.

    Args:
        model: A `Classifier`.
        examples: What it is to be used on.
        class_names: Names of its classes, in order.

    Returns:
        Columns: the name of the example, `predicted`, and the score of each
        class. Arrays: the names under their kind, `predicted` (integers),
        `scores` `(examples, classes)` and `class_names`.

    Raises:
        ValueError: If the model does not classify.
    """
    raise ValueError(
        f"{model.name} has no classes to predict: `encode` gives its latents"
    )


@prediction_table.register
def _(model: Classifier, examples, class_names):
    scores = _of_each(
        model.predict(batch, verbose=0) for batch in examples.batches
    )
    best = scores.argmax(axis=1)
    rows = [
        [name, class_names[one], *map(_short, row)]
        for name, one, row in zip(examples.names, best, scores, strict=True)
    ]
    arrays = {"predicted": best, "scores": scores}
    arrays["class_names"] = np.array(class_names)
    header = [examples.kind, "predicted", *class_names]
    return Table(header, rows, _named(examples) | arrays)


@functools.singledispatch
def latent_table(model: keras.Model, examples: Examples) -> Table:
    """What a model keeps of each example, as numbers.

    Args:
        model: A VAE, whose deterministic latents are meant, or a classifier
            with class capsules, which are.
        examples: What it is to be used on.

    Returns:
        Columns: the name of the example and each of the numbers. Arrays: the
        names under their kind, and `z` or `capsules`.

    Raises:
        ValueError: If the model has neither.
    """
    raise ValueError(f"{model.name} has no latents: `predict` gives its scores")


@latent_table.register
def _(model: VariationalAutoencoder, examples):
    z = _of_each(model.encode(batch) for batch in examples.batches)
    return _of_numbers("z", z, examples)


@latent_table.register
def _(model: CapsuleClassifier, examples):
    capsules = _of_each(model.capsules(batch) for batch in examples.batches)
    return _of_numbers("capsules", capsules, examples)


def _of_numbers(name, values, examples):
    places = list(np.ndindex(values.shape[1:]))
    header = ["_".join([name, *map(str, place)]) for place in places]
    flat = values.reshape(len(values), -1)
    rows = [
        [name, *map(_short, row)]
        for name, row in zip(examples.names, flat, strict=True)
    ]
    arrays = _named(examples) | {name: values}
    return Table([examples.kind, *header], rows, arrays)


def _of_each(outputs: Iterable[Any]):
    return np.concatenate([keras.ops.convert_to_numpy(one) for one in outputs])


def _named(examples):
    return {examples.kind: np.array(examples.names)}


def _short(number):
    return f"{number:.6g}"
