"""Shapes to give images for a model, and what is said of them."""

import math
import os
import warnings
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from zoo.datasets.changes import as_sizes
from zoo.datasets.changes import change_of
from zoo.datasets.loading import image_shape as shape_of_source
from zoo.datasets.reading import AS_THEY_ARE
from zoo.datasets.reading import Reading
from zoo.datasets.reading import sides_of

ENLARGED = 28  # side of images that are too small for a model of any size


def image_shape(
    model: keras.Model,
    data: str | os.PathLike | None = None,
    reading: Reading = AS_THEY_ARE,
) -> tuple[int | None, ...]:
    """Shape to give images for a model, without the batch.

    That of the model's input, but: of a model that takes them flat, the one
    that they had in its run; of one whose sides are free, what its run asked
    for.

    Raises:
        ValueError: If `data` are given, and smaller than a model of free sides
            takes.
    """
    shape = tuple(model.inputs[0].shape[1:])
    if len(shape) == 1:
        return shape_of_flat(model, reading) or shape
    if len(shape) != 3:
        raise ValueError(
            "Files hold images, tables or texts. A model of other arrays takes "
            "them in Python, as in model.score_samples(x). "
            f"Received: {model.name}, which takes {shape}"
        )
    if None not in shape:
        return shape
    if reading.resize is not None:
        return (*sides_of(reading.resize), shape[-1])
    if data is None:
        return shape
    own = shape_of_source(data, shape, skip_broken=reading.skip_broken)
    if _takes(model, own):
        return shape
    raise _too_small(model, data, own)


def shape_of_flat(
    model: keras.Model, reading: Reading
) -> tuple[int, ...] | None:
    """Shape of the images that a model takes flat, where its run knows it."""
    known = tuple(reading.image_shape or ())
    taken = tuple(model.inputs[0].shape[1:])
    is_same = len(known) == 3 and taken == (math.prod(known),)
    return known if is_same else None


def _takes(model, shape):
    """Whether a model of free sides takes images of this shape."""
    try:
        blank = np.zeros((1, *shape), "float32")
        model.check_input(blank, model.inputs[0], "x")
    except ValueError:
        return False
    return True


def check_unchanged(
    model: keras.Model,
    data: str | os.PathLike,
    shapes: Iterable[tuple[int, ...]],
    shape: tuple[int | None, ...],
) -> None:
    """Raise where images would be resized or turned grey unasked.

    Of grey images for a model of colours a warning tells.

    Args:
        model: The model.
        data: Where the images are.
        shapes: Their shapes, after the changes that were asked for.
        shape: The shape to give them.
    """
    for change in (change_of(own, shape) for own in dict.fromkeys(shapes)):
        if change is None:
            continue
        if change.options:
            raise ValueError(
                f"Images for {model.name} must be {as_sizes(change.made)}. "
                f"Received: {data} of {as_sizes(change.own)}. "
                f"`{' '.join(change.options)}` makes them so"
            )
        warnings.warn(
            f"The images of {data}, {as_sizes(change.own)}, are repeated in "
            f"{change.made[-1]} channels for {model.name}",
            stacklevel=1,
        )


def check_large_enough(model: keras.Model, settings: Any) -> None:
    """Nothing is enlarged unasked where a net is trained."""
    shape, images = tuple(model.inputs[0].shape[1:]), settings.image_shape
    if len(shape) == 1 or None not in shape or not images:
        return
    if not _takes(model, (*images[:2], shape[-1])):
        raise _too_small(model, settings.data, images)


def _too_small(model, data, shape):
    return ValueError(
        f"{model.name} must have larger images. Received: {data} of "
        f"{shape[0]} × {shape[1]}. `--resize {ENLARGED}` enlarges them"
    )
