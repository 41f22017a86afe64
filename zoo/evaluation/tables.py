"""What a model says of each of some examples, as rows and as arrays."""

import functools
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import keras
import numpy as np

from keras_capsvae import Classifier
from keras_capsvae import CodeAutoencoder
from keras_capsvae import TabularAutoencoder
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.models.capsule_classifier import CapsuleClassifier
from zoo.datasets import feeds
from zoo.datasets.cells import Kind
from zoo.datasets.examples import Examples
from zoo.datasets.row_tables import split_columns
from zoo.datasets.rows import Columns


class Table(NamedTuple):
    """A table that a person reads, and the same in arrays.

    Attributes:
        header: Names of the columns.
        rows: A list of values for each example.
        arrays: Name → array, of all that the rows say, at full precision.
    """

    header: list[str]
    rows: list[list[Any]]
    arrays: dict[str, np.ndarray]


def check_classes(model: keras.Model) -> None:
    """Raise unless a model predicts classes.

    Raises:
        ValueError: If it does not.
    """
    if not isinstance(model, Classifier):
        raise ValueError(
            f"{model.name} has no classes to predict: `encode` gives its "
            "latents"
        )


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
    check_classes(model)
    scores = of_each(
        model.predict(batch, verbose=0) for batch in examples.batches
    )
    best = scores.argmax(axis=1)
    rows = [
        [name, class_names[one], *map(short, row)]
        for name, one, row in zip(examples.names, best, scores, strict=True)
    ]
    arrays = {"predicted": best, "scores": scores}
    arrays["class_names"] = np.array(class_names)
    header = [examples.kind, "predicted", *class_names]
    return Table(header, rows, _named(examples) | arrays)


def check_latents(model: keras.Model) -> None:
    """Raise unless a model has latents or class capsules.

    Raises:
        ValueError: If it has neither.
    """
    if not isinstance(model, (VariationalAutoencoder, CapsuleClassifier)):
        raise ValueError(
            f"{model.name} has no latents: `predict` gives its scores"
        )


@functools.singledispatch
def latent_table(model: keras.Model, examples: Examples) -> Table:
    """What a model keeps of each example, as numbers.

    Args:
        model: A VAE, whose deterministic latents or codes are meant, or a
            classifier with class capsules, which are.
        examples: What it is to be used on.

    Returns:
        Columns: the name of the example and each of the numbers. Arrays: the
        names under their kind, and `z`, `code` or `capsules`.

    Raises:
        ValueError: If the model has neither.
    """
    check_latents(model)
    z = of_each(model.encode(batch) for batch in examples.batches)
    return _of_numbers("z", z, examples)


@latent_table.register
def _(model: CodeAutoencoder, examples):
    codes = of_each(model.encode(batch) for batch in examples.batches)
    return _of_numbers("code", codes, examples)


@latent_table.register
def _(model: CapsuleClassifier, examples):
    capsules = of_each(model.capsules(batch) for batch in examples.batches)
    return _of_numbers("capsules", capsules, examples)


def score_table(
    model: keras.Model,
    examples: Examples,
    num_samples: int | None = None,
    seed: int = 0,
) -> Table:
    """How badly a VAE explains each example, and whether it is an outlier.

    Args:
        model: A VAE compiled with a likelihood.
        examples: What it is to be used on.
        num_samples, seed: As of its `score_samples`; `None` takes those of its
            threshold.

    Returns:
        Columns: the name of the example, `score` in nats and, with a threshold,
        `is_outlier`, 1 or 0. Arrays: the names under their kind, `score`,
        `is_outlier` and `threshold`.

    Raises:
        ValueError: If the model has no scores, or its threshold is of scores
            with other samples.
    """
    check_scores(model)
    if num_samples is None:
        num_samples = model.threshold_samples
    scores = of_each(
        model.score_samples(batch, num_samples, seed=seed)
        for batch in examples.batches
    )
    header, columns = [examples.kind, "score"], [map(short, scores)]
    arrays = {"score": scores}
    if model.has_threshold:
        _check_comparable(model, num_samples)
        is_outlier = scores > model.threshold
        header.append("is_outlier")
        columns.append(is_outlier.astype(int).tolist())
        arrays |= {
            "is_outlier": is_outlier,
            "threshold": np.array(model.threshold),
        }
    rows = [list(row) for row in zip(examples.names, *columns, strict=True)]
    return Table(header, rows, _named(examples) | arrays)


def check_scores(model: keras.Model) -> None:
    """Raise unless a model scores examples.

    Raises:
        ValueError: If it is none of the VAEs, or takes conditions that are no
            labels.
    """
    if not isinstance(model, VariationalAutoencoder):
        raise ValueError(
            f"{model.name} is no VAE and has no likelihood to score by: "
            "`predict` gives its scores of classes"
        )
    if len(model.inputs) > 1 and feeds.label_classes(model) is None:
        raise ValueError(
            f"{model.name} scores examples under a condition, which such data "
            "do not tell: call model.score_samples([examples, conditions]) in "
            "Python. Received: a model of "
            f"{len(model.inputs)} inputs"
        )


def _check_comparable(model, num_samples):
    if num_samples != model.threshold_samples:
        raise ValueError(
            "Scores must be taken with as many samples as the threshold, "
            f"{model.threshold_samples}. Received: {num_samples}"
        )


def row_table(
    model: TabularAutoencoder,
    count: int,
    seed: int | None = None,
    columns: Columns | None = None,
) -> Table:
    """New rows of a model of tables, as its table has them.

    Args:
        model: A `TabularAutoencoder`.
        count: Rows.
        seed: Integer seed. Defaults to `None`: fresh ones.
        columns: What `datasets.columns_of` said of the table. Defaults to
            `None`: columns have numbers for names, and so have categories.

    Returns:
        Columns: those that the model learned, in the order of the table. Arrays
        by their names.
    """
    columns = columns or numbered_columns(model)
    numbers, categories = split_columns(columns)
    rows = model.generate(count, seed=seed)
    values = {}
    for place, name in enumerate(numbers):
        column = rows[:, place]
        is_integer = columns[name] == Kind.INTEGER
        values[name] = column.round().astype(int) if is_integer else column
    begin = len(numbers)
    for name, kinds in categories.items():
        places = rows[:, begin : begin + len(kinds)].argmax(axis=1)
        values[name] = np.array(kinds)[places]
        begin += len(kinds)
    header = [name for name in columns if name in values]
    told = [map(str, values[name]) for name in header]
    return Table(header, [list(row) for row in zip(*told)], values)


def numbered_columns(model: TabularAutoencoder) -> Columns:
    """Columns of a model that knows no table: numbers for names."""
    numbers = {str(at): str(Kind.NUMBER) for at in range(model.num_numbers)}
    return numbers | {
        f"category {name}": list(map(str, range(size)))
        for name, size in model.categories.items()
    }


def _of_numbers(name, values, examples):
    places = list(np.ndindex(values.shape[1:]))
    header = ["_".join([name, *map(str, place)]) for place in places]
    flat = values.reshape(len(values), -1)
    rows = [
        [name, *map(short, row)]
        for name, row in zip(examples.names, flat, strict=True)
    ]
    arrays = _named(examples) | {name: values}
    return Table([examples.kind, *header], rows, arrays)


def of_each(outputs: Iterable[Any]) -> np.ndarray:
    """What a model gave of each batch, in one array."""
    return np.concatenate([keras.ops.convert_to_numpy(one) for one in outputs])


def _named(examples):
    return {examples.kind: np.array(examples.names)}


def short(number: float) -> str:
    """A number as tables show it."""
    return f"{number:.6g}"
