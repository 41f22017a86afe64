"""Examples to use a model on, which need no labels and keep their names."""

import functools
import itertools
import os
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import keras
import numpy as np

from keras_capsvae import PoemAutoencoder
from keras_capsvae import TabularAutoencoder
from keras_capsvae import TextClassifier
from zoo.datasets import feeds
from zoo.datasets.archives import ARCHIVES
from zoo.datasets.archives import read_archive
from zoo.datasets.couplet_task import load_real_or_fake
from zoo.datasets.couplets import every_text
from zoo.datasets.encodings import read_text
from zoo.datasets.folders import SUFFIXES
from zoo.datasets.headers import check_decodable
from zoo.datasets.images import fit_images
from zoo.datasets.images import problem_of
from zoo.datasets.images import read_image
from zoo.datasets.images import resolve_shapes
from zoo.datasets.labelled_texts import LONGEST
from zoo.datasets.labelled_texts import cut
from zoo.datasets.labels import numbered
from zoo.datasets.labels import shortened
from zoo.datasets.loading import check_source
from zoo.datasets.poems import NAMES as NAMES_OF_TEXTS
from zoo.datasets.poems import load_texts
from zoo.datasets.poems import read_poems
from zoo.datasets.reading import AS_THEY_ARE
from zoo.datasets.reading import Reading
from zoo.datasets.row_tables import NAMES as NAMES_OF_TABLES
from zoo.datasets.row_tables import is_rows
from zoo.datasets.row_tables import rows_of
from zoo.datasets.shapes import check_unchanged
from zoo.datasets.tables import is_table
from zoo.datasets.tables import read_table


class Examples(NamedTuple):
    """What a model is to be used on.

    Attributes:
        kind: What the names are, `"file"`, `"row"` or `"text"`.
        names: Names of the examples, in order; of rows their numbers in the
            file, from 0.
        batches: Arrays as the model takes them, one after the other as many
            examples as names; images of another size begin another array. Of
            `with_labels` each is a list of images and labels.
        labels: Numbers or names of classes, one for each example, where the
            source tells: in an archive, or by the folder of an image.
    """

    kind: str
    names: list[Any]
    batches: list[Any]
    labels: np.ndarray | None = None

    @property
    def joined(self) -> Any:
        """All examples in one array, or one of each input."""
        if isinstance(self.batches[0], list):
            return [np.concatenate(arrays) for arrays in zip(*self.batches)]
        return np.concatenate(self.batches)


def with_labels(
    model: keras.Model, examples: Examples, class_names: Sequence[str]
) -> Examples:
    """Examples beside the labels that a model takes as an input, one-hot.

    Args:
        model: A model with such an input.
        examples: What `read_examples` gave.
        class_names: Names of its classes, in order.

    Raises:
        ValueError: If the source tells no labels, or others.
    """
    if examples.labels is None:
        raise ValueError(
            f"{model.name} takes each example with its label: --data must be "
            "a folder with a sub-folder for each class, an .npz file with "
            "labels or a name. Received: examples without labels"
        )
    labels, _ = numbered(examples.labels, class_names, "the labels")
    conditions = feeds.as_condition(model, labels)
    ends = np.cumsum([len(batch) for batch in examples.batches])[:-1]
    pairs = zip(examples.batches, np.split(conditions, ends), strict=True)
    return examples._replace(batches=[list(pair) for pair in pairs])


@functools.singledispatch
def read_examples(
    model: keras.Model,
    source: str | os.PathLike,
    reading: Reading = AS_THEY_ARE,
) -> Examples:
    """The `Examples` of a source in the form that a model takes.

    Args:
        model: A model of the zoo, or one composed of the same classes.
        source: For a model of images the path of an image, of a folder of
            them, with all that is below it, or of an `.npz` file with `x` or
            `x_test`; or a name that `datasets.load` takes: its test images.
            For a model of texts the path of a file with a text in each line,
            for one of poems also of poems as training takes them, whose texts
            all count; or a name, of which those held out do.
        reading: `Reading` of the settings of the model's run. Defaults to that
            of no run.

    Raises:
        ValueError: If the source is not as described, or has images that the
            model cannot take.
        FileNotFoundError: If there is no such path.
    """
    path = pathlib.Path(source)
    if path.is_dir():
        return _of_images(model, _images_below(path), path, reading)
    if path.suffix.lower() in SUFFIXES and path.is_file():
        return _of_images(model, [path], path.parent, reading)
    if path.suffix.lower() in ARCHIVES and path.is_file():
        pairs = read_archive(path)
        images, labels, names = pairs["all" if "all" in pairs else "test"]
        _check_unchanged(model, path, [images], reading)
        named = labels if names is None else np.array(names)[labels]
        return _in_rows(_fitted(model, images, reading), named)
    if isinstance(check_source(source), pathlib.Path):
        raise ValueError(
            "`source` must be an image, a folder of images or an .npz or .npy "
            f"file. Received: {path}"
        )
    arrays = feeds.load(model, source, reading)
    return _in_rows(arrays.x_test, arrays.y_test)


@read_examples.register
def _(model: PoemAutoencoder, source, reading=AS_THEY_ARE):
    length = model.sentence_length
    if source in NAMES_OF_TEXTS:
        return _of_texts(model, load_texts(source, length).x_test)
    if is_table(pathlib.Path(source)):
        raw = _lines_of(source, reading)
    else:
        raw = read_poems(source, reading.encoding)
    return _of_texts(model, every_text(raw, length, source))


@read_examples.register
def _(model: TextClassifier, source, reading=AS_THEY_ARE):
    if not pathlib.Path(source).is_file():
        return _of_texts(model, load_real_or_fake(source).x_test)
    texts = _lines_of(source, reading)
    length = reading.text_length or LONGEST
    limit = f"the {length} characters that {model.name} reads"
    ids = model.encode_text(cut(texts, length, source, limit))
    return Examples("text", texts, [ids])


@read_examples.register
def _(model: TabularAutoencoder, source, reading=AS_THEY_ARE):
    if source in NAMES_OF_TABLES or not is_rows(source):
        return _in_rows(feeds.load(model, source, reading).x_test)
    *_, last = rows_of(source, labelled=False, **reading.of_rows)
    return Examples("row", last.numbers, [last.x])


def _lines_of(source, reading):
    path = pathlib.Path(source)
    if is_table(path):
        return read_table(
            path,
            labelled=False,
            skip_broken=reading.skip_broken,
            **reading.of_texts,
        ).texts
    lines = map(str.strip, read_text(path, reading.encoding).splitlines())
    texts = [line for line in lines if line]
    if not texts:
        raise ValueError(
            f"`source` must hold a text in each line. Received: {source}, "
            "which has none"
        )
    return texts


def _of_texts(model, texts):
    return Examples("text", list(texts), [model.encode_text(texts)])


def _in_rows(images, labels=None):
    return Examples("row", list(range(len(images))), [images], labels)


def _images_below(folder):
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    ]
    if not paths:
        raise ValueError(
            f"The folder must hold images ({', '.join(SUFFIXES)}). "
            f"Received: {folder} without any"
        )
    return paths


def _of_images(model, paths, folder, reading):
    names = [path.relative_to(folder).as_posix() for path in paths]
    problems = [problem_of(path) for path in paths]
    if reading.skip_broken and not all(problems):
        paths, names = _decodable(paths, names, problems, folder)
    else:
        check_decodable(names, problems, folder)
    images = [image[np.newaxis] for image in map(read_image, paths)]
    _check_unchanged(model, folder, images, reading)
    fitted = [_fitted(model, image, reading) for image in images]
    batches = [
        np.concatenate(list(alike))
        for _, alike in itertools.groupby(fitted, lambda image: image.shape)
    ]
    folders = [path.relative_to(folder).parent.name for path in paths]
    labels = np.array(folders) if all(folders) else None
    return Examples("file", names, batches, labels)


def _decodable(paths, names, problems, folder):
    """Those that can be decoded, with a warning that names the others."""
    broken = [name for name, why in zip(names, problems) if why]
    if broken:
        warnings.warn(
            f"{len(broken)} of {len(names)} images in {folder} cannot be "
            f"decoded and are left out: {shortened(broken)}",
            stacklevel=4,
        )
    kept = [place for place, why in enumerate(problems) if not why]
    return [paths[one] for one in kept], [names[one] for one in kept]


def _fitted(model, images, reading):
    """Images in the form of a model, flat where it takes them so."""
    fitted = fit_images(images, feeds.image_shape(model, reading=reading))
    taken = tuple(model.inputs[0].shape[1:])
    return fitted.reshape(-1, *taken) if len(taken) == 1 else fitted


def _check_unchanged(model, source, arrays, reading):
    """Raise where a model would change images more than was asked for."""
    asked = [
        resolve_shapes(reading.asked_shape, images.shape[1:])[0]
        for images in arrays
    ]
    wanted = feeds.image_shape(model, reading=reading)
    check_unchanged(model, source, asked, wanted)
