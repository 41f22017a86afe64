"""What a finished run gives its user: the export and the pictures."""

import math
import os
import pathlib

import keras

from zoo import datasets
from zoo.datasets import feeds
from zoo.export import load_model
from zoo.plots import gallery
from zoo.runs.folder import RunFolder


def finish(folder: str | os.PathLike) -> list[pathlib.Path]:
    """Reload the model of a run, export it and draw its pictures.

    The SavedModel is written on the TensorFlow backend alone.

    Args:
        folder: A run folder.

    Returns:
        The paths of all that the folder holds for the user.

    Raises:
        ValueError: If `config.json` or the model is damaged.
    """
    run = RunFolder(folder)
    settings = run.settings()
    model = load_model(run.model)
    made = [run.config, run.history, run.model]
    if keras.backend.backend() == "tensorflow":
        made.append(run.saved_model)
        model.export(made[-1])
    images, labels = _examples(model, settings)
    pictures = gallery.draw(
        model,
        run.path / "pictures",
        images,
        labels,
        run.history,
        _shape_of_flat(model, settings),
        class_names=settings.class_names,
    )
    return [*made, *pictures]


def _examples(model, settings):
    """Test images and labels to draw."""
    data = settings.data
    if not settings.streaming:
        arrays = feeds.load(model, data)
        return arrays.x_test, arrays.y_test
    shape = feeds.image_shape(model, data, streaming=True)
    batches, _ = datasets.stream(data, shape, split="test", shuffle=False)
    return next(iter(batches))[0].numpy(), None


def _shape_of_flat(model, settings):
    """Shape of the images that a model takes flat, as the source has them."""
    own = feeds.image_shape(model)
    if feeds.takes_text(model) or len(own) != 1 or settings.streaming:
        return None
    shape = datasets.load(settings.data).x_test.shape[1:]
    fits = len(shape) == 3 and math.prod(shape) == own[0]
    return shape if fits else None
