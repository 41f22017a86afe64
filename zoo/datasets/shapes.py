"""Shapes to give images for a model, and what is said of them."""

import math
import os
import warnings
from typing import Any

import keras
import numpy as np

from zoo.datasets.changes import described_change
from zoo.datasets.images import resolve_shapes
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
    for. With `data` images of free sides are made large enough, with a warning.
    """
    shape = tuple(model.inputs[0].shape[1:])
    if len(shape) == 1:
        return shape_of_flat(model, reading) or shape
    if None not in shape:
        return shape
    if reading.resize is not None:
        return (*sides_of(reading.resize), shape[-1])
    if data is None:
        return shape
    own = shape_of_source(data, shape, skip_broken=reading.skip_broken)
    if _takes(model, own):
        return shape
    warnings.warn(
        f"The images of {data} are {own[0]} × {own[1]}, too small for "
        f"{model.name}: enlarged to {ENLARGED} × {ENLARGED}",
        stacklevel=1,
    )
    return (ENLARGED, ENLARGED, shape[-1])


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


def tell_of_change(
    model: keras.Model,
    data: str | os.PathLike,
    own_shape: tuple[int, ...],
    shape: tuple[int | None, ...],
    reading: Reading,
) -> None:
    """Warn of a change of images that was not asked for."""
    asked, _ = resolve_shapes(reading.asked_shape, own_shape)
    change = described_change(asked, shape)
    if change:
        warnings.warn(
            f"The images of {data}, {change} for {model.name}", stacklevel=1
        )


def check_large_enough(model: keras.Model, settings: Any) -> None:
    """Nothing is enlarged unasked where a net is trained."""
    shape, images = tuple(model.inputs[0].shape[1:]), settings.image_shape
    if len(shape) == 1 or None not in shape or not images:
        return
    if not _takes(model, (*images[:2], shape[-1])):
        raise ValueError(
            f"{model.name} must have larger images. Received: {settings.data} "
            f"of {images[0]} × {images[1]}. `--resize {ENLARGED}` enlarges them"
        )
