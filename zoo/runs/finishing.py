"""What a finished run gives its user: the export and the pictures."""

import os
import pathlib

import keras

from zoo import datasets
from zoo.datasets import feeds
from zoo.datasets import shapes
from zoo.datasets.reading import Reading
from zoo.export import load_model
from zoo.plots import gallery
from zoo.runs.folder import RunFolder
from zoo.runs.summary import summary_of


def finish(
    folder: str | os.PathLike, model_only: bool = False
) -> list[pathlib.Path]:
    """Reload the model of a run, export it, draw its pictures and sum up.

    The SavedModel is written on the TensorFlow backend alone. `summary.json`
    has the figures of the last epoch and of the best.

    Args:
        folder: A run folder.
        model_only: Whether to sum up alone. Defaults to `False`.

    Returns:
        The paths of all that the folder holds for the user.

    Raises:
        ValueError: If `config.json` or the model is damaged, or a run is at
            work in the folder.
    """
    run = RunFolder(folder)
    settings = run.settings()
    with run.claimed():
        files = [run.config, run.history, run.model, run.summary]
        if not model_only:
            files += _used_with(run, settings)
        run.write_summary(summary_of(run, files))
    return files


def _used_with(run, settings):
    """The export and the pictures."""
    model, made = load_model(run.model), []
    if keras.backend.backend() == "tensorflow":
        made.append(run.saved_model)
        model.export(run.saved_model)
    reading = Reading.of(settings)
    images, labels = _examples(model, settings, reading)
    pictures = gallery.draw(
        model,
        run.pictures,
        images,
        labels,
        run.history,
        shapes.shape_of_flat(model, reading),
        class_names=settings.class_names,
    )
    return [*made, *pictures]


def _examples(model, settings, reading):
    """Test images and labels to draw."""
    data = settings.data
    if not settings.streaming:
        arrays = feeds.load(model, data, reading)
        return arrays.x_test, arrays.y_test
    shape = shapes.image_shape(model, data, reading)
    batches, _ = datasets.stream(
        data, shape, split="test", shuffle=False, **reading.of_files
    )
    images = next(iter(batches))[0].numpy()
    taken = tuple(model.inputs[0].shape[1:])
    return images.reshape(-1, *taken) if len(taken) == 1 else images, None
