"""What a model is fed: arrays or streams in the form that it trains on.

What kinds of models differ in is asked by their class: a kind that is fed in
another way registers its own functions here.
"""

import dataclasses
import functools
import os
from typing import Any

import keras
import numpy as np

from keras_capsvae import Classifier
from keras_capsvae import PoemAutoencoder
from keras_capsvae import TabularAutoencoder
from keras_capsvae import TextClassifier
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.labels import check_classes
from zoo import datasets
from zoo.datasets.reading import AS_THEY_ARE
from zoo.datasets.reading import Reading
from zoo.datasets.shapes import check_unchanged
from zoo.datasets.shapes import image_shape

NO_LABELS = "This model trains on labels. Received: data without labels"


@functools.singledispatch
def takes_text(model: keras.Model) -> bool:
    """Whether a model is fed with ids of characters, not with images."""
    return False


@takes_text.register(PoemAutoencoder)
@takes_text.register(TextClassifier)
def _(model):
    return True


@functools.singledispatch
def load(
    model: keras.Model, data: str | os.PathLike, reading: Reading = AS_THEY_ARE
) -> datasets.Arrays:
    """`datasets.Arrays` of what `--data` takes, in the form of the model.

    A text classifier gets texts with labels of a table, or the task of
    `datasets.load_real_or_fake` from poems.

    Args:
        model: A model of the zoo, or one composed of the same classes.
        data: What `--data` takes.
        reading: `Reading` of the settings of the model's run. Defaults to that
            of no run: data are taken as they are.

    Raises:
        ValueError: If images would be resized or turned grey unasked.
    """
    if not takes_labels(model):
        reading = dataclasses.replace(reading, class_names=None)
    shape = shape_without_change(model, data, reading)
    arrays = datasets.load(data, shape, **reading.of_files)
    taken = tuple(model.inputs[0].shape[1:])
    if len(taken) == len(shape):
        return arrays
    return arrays._replace(
        x_train=arrays.x_train.reshape(-1, *taken),
        x_test=arrays.x_test.reshape(-1, *taken),
    )


def shape_without_change(
    model: keras.Model, data: str | os.PathLike, reading: Reading
) -> tuple[int | None, ...]:
    """Shape to give images, which changes them no more than was asked for."""
    shape = image_shape(model, data, reading)
    asked = datasets.image_shape(
        data, reading.asked_shape, skip_broken=reading.skip_broken
    )
    check_unchanged(model, data, [asked], shape)
    return shape


@load.register
def _(model: PoemAutoencoder, data, reading=AS_THEY_ARE):
    texts = datasets.load_texts(data, model.sentence_length, **reading.of_texts)
    return _as_ids(model, texts)


@load.register
def _(model: TextClassifier, data, reading=AS_THEY_ARE):
    if not datasets.has_labelled_texts(data):
        return _as_ids(model, datasets.load_real_or_fake(data))
    texts = datasets.load_labelled_texts(
        data,
        class_names=reading.class_names,
        text_length=reading.text_length,
        **reading.of_tables,
    )
    return _as_ids(model, texts)


def _as_ids(model, texts):
    return texts._replace(
        x_train=model.encode_text(texts.x_train),
        x_test=model.encode_text(texts.x_test) if texts.x_test else None,
    )


@functools.singledispatch
def takes_rows(model: keras.Model) -> bool:
    """Whether a model is fed with the rows of tables."""
    return False


@takes_rows.register
def _(model: TabularAutoencoder):
    return True


@load.register
def _(model: TabularAutoencoder, data, reading=AS_THEY_ARE):
    arrays = datasets.load_rows(data, **reading.of_rows)
    check_array(arrays.x_train, model.inputs[0].shape[1:], "the table")
    return arrays


@functools.singledispatch
def label_classes(model: keras.Model) -> int | None:
    """Classes of the one-hot label that a model takes as an input, if any."""
    return None


@label_classes.register
def _(model: VariationalAutoencoder):
    return model.num_classes


@functools.singledispatch
def takes_labels(model: keras.Model) -> bool:
    """Whether a model trains on labels, as input or as target."""
    return label_classes(model) is not None


@takes_labels.register
def _(model: Classifier):
    return True


def class_names(
    model: keras.Model, data: str | os.PathLike, reading: Reading = AS_THEY_ARE
) -> list[str] | None:
    """Names of the classes of labels that `load` gives.

    Those of the run of a model that learned labels, else those of the data.
    """
    if takes_labels(model) or takes_rows(model):
        return reading.class_names
    return None if takes_text(model) else datasets.class_names(data)


@functools.singledispatch
def training_pair(model: keras.Model, images: Any, labels: Any) -> tuple:
    """Inputs and targets of a model out of images and integer labels.

    A model with conditions of another kind takes them beside the images, as
    the list `[images, conditions]`.
    """
    if label_classes(model) is None or isinstance(images, list):
        return images, None
    return [images, as_condition(model, labels)], None


@training_pair.register
def _(model: Classifier, images, labels):
    if labels is None:
        raise ValueError(NO_LABELS)
    return images, labels


def as_condition(
    model: VariationalAutoencoder, labels: np.ndarray | None
) -> np.ndarray:
    """Integer labels as a model takes them beside x, of classes that it has."""
    classes = label_classes(model)
    if labels is None or classes is None:
        raise ValueError(NO_LABELS)
    check_classes(labels, (), classes, "labels")
    return keras.ops.convert_to_numpy(model.conditions.of_classes(labels))


def test_images(arrays: datasets.Arrays, binarize: bool) -> np.ndarray | None:
    """The test images, in one fixed binarisation if they are binarised."""
    if arrays.x_test is None or not len(arrays.x_test):
        raise ValueError("There is nothing to test on: no example is held out")
    return datasets.binarized(arrays.x_test) if binarize else arrays.x_test
