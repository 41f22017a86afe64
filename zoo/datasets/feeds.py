"""What a model is fed: arrays or streams in the form that it trains on.

What kinds of models differ in is asked by their class: a kind that is fed in
another way registers its own functions here.
"""

import dataclasses
import functools
import os
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_capsvae import Classifier
from keras_capsvae import PoemAutoencoder
from keras_capsvae import TextClassifier
from keras_capsvae import VariationalAutoencoder
from zoo import datasets
from zoo.datasets import streams
from zoo.datasets.changes import described_change
from zoo.datasets.loading import load_with_own_shape

NO_LABELS = "This model trains on labels. Received: data without labels"
ENLARGED = 28  # side of images that are too small for a model of any size


@functools.singledispatch
def takes_text(model: keras.Model) -> bool:
    """Whether a model is fed with ids of characters, not with images."""
    return False


@takes_text.register(PoemAutoencoder)
@takes_text.register(TextClassifier)
def _(model):
    return True


@functools.singledispatch
def load(model: keras.Model, data: str | os.PathLike) -> datasets.Arrays:
    """`datasets.Arrays` of what `--data` takes, in the form of the model.

    A text classifier gets the task of `datasets.load_real_or_fake`. Images that
    are resized or change their channels get a warning that says so.
    """
    arrays, own = load_with_own_shape(data, image_shape(model, data))
    _tell_of_change(model, data, own)
    return arrays


@load.register
def _(model: PoemAutoencoder, data):
    return _as_ids(model, datasets.load_texts(data, model.sentence_length))


@load.register
def _(model: TextClassifier, data):
    return _as_ids(model, datasets.load_real_or_fake(data))


def _as_ids(model, texts):
    return texts._replace(
        x_train=model.encode_text(texts.x_train),
        x_test=model.encode_text(texts.x_test) if texts.x_test else None,
    )


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


@functools.singledispatch
def training_pair(model: keras.Model, images: Any, labels: Any) -> tuple:
    """Inputs and targets of a model out of images and integer labels.

    A model with conditions of another kind takes them beside the images, as
    the list `[images, conditions]`.
    """
    classes = label_classes(model)
    if classes is None or isinstance(images, list):
        return images, None
    return [images, one_hot(labels, classes)], None


@training_pair.register
def _(model: Classifier, images, labels):
    if labels is None:
        raise ValueError(NO_LABELS)
    return images, labels


@functools.singledispatch
def _fed(model, stream):
    """A stream, with labels if the model takes them, as it trains on it."""
    return stream


@_fed.register
def _(model: VariationalAutoencoder, stream):
    classes = label_classes(model)
    if classes is None:
        return stream
    return stream.map(lambda x, y: ((x, keras.ops.one_hot(y, classes)),))


def image_shape(
    model: keras.Model,
    data: str | os.PathLike | None = None,
    streaming: bool = False,
) -> tuple[int | None, ...]:
    """Shape of the images that a model takes, without the batch.

    With `data`, what `datasets.load` takes, images of its own size are tried on
    a model whose sides are free; those too small are enlarged, with a warning.
    With `streaming` one image is read and not all of them.
    """
    shape = tuple(model.inputs[0].shape[1:])
    if data is None or None not in shape:
        return shape
    if streaming:
        stream, _ = datasets.stream(data, shape, 1, shuffle=False)
        images = next(iter(stream))[0].numpy()
    else:
        images = datasets.load(data, shape).x_train[:1]
    try:
        model.check_input(images, model.inputs[0], "x")
    except ValueError:
        channels = shape[-1]
        warnings.warn(
            f"The images of {data} are {images.shape[1]} × {images.shape[2]}, "
            f"too small for {model.name}: enlarged to {ENLARGED} × {ENLARGED}",
            stacklevel=2,
        )
        return (ENLARGED, ENLARGED, channels)
    return shape


def _tell_of_change(model, data, own_shape):
    change = described_change(own_shape, image_shape(model))
    if change:
        warnings.warn(
            f"The images of {data}, {change} for {model.name}", stacklevel=1
        )


def one_hot(labels: np.ndarray | None, num_classes: int) -> np.ndarray:
    """One-hot labels, after a check of their range."""
    if labels is None:
        raise ValueError(NO_LABELS)
    if not 0 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(
            f"Labels must lie in [0, {num_classes - 1}]. Received: labels in "
            f"[{labels.min()}, {labels.max()}]"
        )
    return keras.utils.to_categorical(labels, num_classes)


@dataclasses.dataclass(frozen=True)
class Feed:
    """Training data from a given epoch on, its steps, and validation data.

    Endless training data hold epoch after epoch.
    """

    training: Callable[[int], Any]
    steps: int
    validation: Any
    is_endless: bool


def feed(model: keras.Model, settings: Any) -> Feed:
    """The `Feed` of a model in a run of these `Settings`."""
    if takes_text(model) and (settings.shift or settings.binarize):
        raise ValueError(
            "Texts have no pixels to shift or binarise. Received: shift="
            f"{settings.shift}, binarize={settings.binarize} for {model.name}"
        )
    return (_streams if settings.streaming else _arrays)(model, settings)


def _arrays(model, settings):
    arrays = load(model, settings.data)
    batches = datasets.Batches(
        *training_pair(model, arrays.x_train, arrays.y_train),
        batch_size=settings.batch_size,
        seed=settings.seed,
        shift=settings.shift,
        binarize=settings.binarize,
    )
    validation = None
    if arrays.x_test is not None and len(arrays.x_test):
        validation = training_pair(
            model, test_images(arrays, settings.binarize), arrays.y_test
        )
    return Feed(lambda epoch: batches, len(batches), validation, False)


def test_images(arrays: datasets.Arrays, binarize: bool) -> np.ndarray | None:
    """The test images, in one fixed binarisation if they are binarised."""
    if arrays.x_test is None or not len(arrays.x_test):
        raise ValueError("There is nothing to test on: no example is held out")
    return datasets.binarized(arrays.x_test) if binarize else arrays.x_test


def _streams(model, settings):
    if takes_text(model):
        raise ValueError(
            "Texts are read into memory as a whole. Received: streaming=True "
            f"for {model.name}"
        )
    shape = image_shape(model, settings.data, streaming=True)
    _tell_of_change(model, settings.data, streams.own_shape(settings.data))

    def stream(**options):
        data, steps = datasets.stream(
            settings.data,
            shape,
            settings.batch_size,
            seed=settings.seed,
            labels=takes_labels(model),
            **options,
        )
        return _fed(model, data), steps

    return Feed(
        lambda epoch: stream(initial_epoch=epoch)[0],
        stream()[1],
        stream(split="test", shuffle=False)[0],
        True,
    )
