"""Run folders: a training that leaves everything it made, and can go on."""

import copy
import csv
import dataclasses
import inspect
import json
import math
import os
import pathlib
import reprlib
import tempfile

import keras

from keras_capsvae import KLWarmUp
from keras_capsvae import SpreadMargin
from zoo import datasets
from zoo.datasets import feeds
from zoo.export import load_model
from zoo.plots import gallery
from zoo.pretrained.vocabularies import corpus_characters
from zoo.registry import builder_of
from zoo.runs import interrupts

CONFIG = "config.json"
MODEL = "model.keras"
HISTORY = "history.csv"
SAVED_MODEL = "saved_model"


@dataclasses.dataclass(frozen=True)
class Config:
    """All that decides what a run computes, but the number of epochs."""

    model: str
    arguments: dict
    data: str
    batch_size: int
    seed: int
    streaming: bool
    shift: int
    keras_backend: str
    kl_warm_up: int = 0
    margin_epochs: int = 0
    binarize: bool = False


def train(
    name,
    data=None,
    out="runs/run",
    *,
    epochs=None,
    batch_size=None,
    seed=0,
    arguments=None,
    streaming=False,
    shift=0,
    kl_warm_up=0,
    margin_epochs=0,
    binarize=False,
    resume=False,
    callbacks=(),
    verbose="auto",
):
    """Train a model of the zoo into a run folder.

    Writes `config.json` first, then after every epoch a line of `history.csv`
    and the whole state to `model.keras`, in that order and the latter in one
    step: a run that is killed at any moment and resumed ends with the same
    weights as one that was never killed.

    Args:
        name: Model, out of `zoo.list_models()`.
        data: What `zoo.datasets.load` takes, for a model of texts what
            `zoo.datasets.load_texts` takes. Defaults to `None`: embedded data.
        out: Run folder; made if missing, refused if it holds another run.
        epochs: Epochs in all. Defaults to the original's.
        batch_size: Defaults to the original's.
        seed: Integer that fixes weights, noise and order. Defaults to 0.
        arguments: Dict of arguments of the builder. Defaults to `None`.
        streaming: Whether to read the data from disk batch by batch. Defaults
            to `False`: all in memory.
        shift: Pixels by which images are moved at random at most, see
            `datasets.Batches`; not with `streaming`. Defaults to 0.
        kl_warm_up: Epochs over which the weight of the KL divergence of a VAE
            rises from 0, see `KLWarmUp`. Defaults to 0: none.
        margin_epochs: Epochs over which the margin of a spread loss rises, see
            `SpreadMargin`. Defaults to 0: it stays as compiled.
        binarize: Whether to draw black and white images anew for each epoch,
            see `datasets.Batches`, and once for the test; not with `streaming`.
            Defaults to `False`.
        resume: Whether to go on with the run in `out`. Defaults to `False`.
        callbacks: More Keras callbacks.
        verbose: As in `keras.Model.fit`.

    Returns:
        The trained model.

    Raises:
        ValueError: If the folder holds a run and `resume` is false, holds none
            and it is true, was made with other settings or is corrupt.
        OSError: If the folder cannot be written.

    Example:

    >>> model = train("dense_vae", out="runs/dense", epochs=5)
    """
    builder = builder_of(name)
    folder = pathlib.Path(out)
    epochs = builder.card.epochs if epochs is None else epochs
    data = builder.card.example_data if data is None else data
    if epochs < 1:
        raise ValueError(f"`epochs` must be at least 1. Received: {epochs}")
    reserved = {"seed", "compile"} & set(arguments or {})
    if reserved:
        raise ValueError(
            "A run has a `seed` of its own (--seed) and compiles its model. "
            f"Received: arguments {sorted(reserved)}"
        )
    if (shift or binarize) and streaming:
        raise ValueError(
            "Images are shifted and binarised in memory. Received: shift="
            f"{shift}, binarize={binarize} with streaming=True"
        )
    config = Config(
        model=name,
        arguments=_with_sizes_of(data, builder, arguments or {}),
        data=str(data),
        batch_size=builder.card.batch_size
        if batch_size is None
        else batch_size,
        seed=seed,
        streaming=streaming,
        shift=shift,
        keras_backend=keras.backend.backend(),
        kl_warm_up=kl_warm_up,
        margin_epochs=margin_epochs,
        binarize=bool(binarize),
    )
    if resume:
        model = _reopen(folder, config)
    else:
        _refuse_used(folder)
        # Keras takes the config of an optimizer to pieces while it reads it.
        model = builder(**copy.deepcopy(config.arguments), seed=seed)
        if builder.training.adapts and not streaming:
            model.adapt(feeds.load(model, config.data).x_train)
    source = feeds.feed(model, config)
    schedules = [KLWarmUp(kl_warm_up)] if kl_warm_up else []
    if margin_epochs:
        schedules.append(SpreadMargin(margin_epochs * source.steps))
    epoch = int(model.optimizer.iterations) // source.steps
    if resume:
        _check_writable(folder)
        _drop_unsaved_epochs(folder / HISTORY, epoch)
    else:
        _create(folder, config, model)
    if epoch < epochs:
        with interrupts.between_steps() as stop:
            model.fit(
                source.training(epoch),
                epochs=epochs,
                initial_epoch=epoch,
                steps_per_epoch=source.steps if streaming else None,
                validation_data=source.validation,
                shuffle=False,
                callbacks=[
                    *schedules,
                    *callbacks,
                    keras.callbacks.CSVLogger(folder / HISTORY, append=True),
                    _SaveState(folder / MODEL),
                    stop,
                ],
                verbose=verbose,
            )
    return model


def finish(folder):
    """Reload the model of a run, export it and draw its pictures.

    The SavedModel is written on the TensorFlow backend alone.

    Args:
        folder: A run folder.

    Returns:
        The paths of all that the folder holds for the user.
    """
    folder = pathlib.Path(folder)
    config = _read_config(folder / CONFIG)
    model = load_model(folder / MODEL)
    made = [folder / name for name in (CONFIG, HISTORY, MODEL)]
    if keras.backend.backend() == "tensorflow":
        made.append(folder / SAVED_MODEL)
        model.export(made[-1])
    images, labels = _examples(model, config["data"], config["streaming"])
    pictures = gallery.draw(
        model,
        folder / "pictures",
        images,
        labels,
        folder / HISTORY,
        _shape_of_flat(model, config),
    )
    return [*made, *pictures]


def _examples(model, data, streaming):
    """Test images and labels to draw."""
    if not streaming:
        arrays = feeds.load(model, data)
        return arrays.x_test, arrays.y_test
    shape = feeds.image_shape(model, data, streaming=True)
    batches, _ = datasets.stream(data, shape, split="test", shuffle=False)
    return next(iter(batches))[0].numpy(), None


def _shape_of_flat(model, config):
    """Shape of the images that a model takes flat, as the source has them."""
    own = feeds.image_shape(model)
    if feeds.takes_text(model) or len(own) != 1 or config["streaming"]:
        return None
    shape = datasets.load(config["data"]).x_test.shape[1:]
    fits = len(shape) == 3 and math.prod(shape) == own[0]
    return shape if fits else None


def config_of(folder):
    """The settings of a run as a dict, `{}` for another path."""
    config = pathlib.Path(folder) / CONFIG
    return _read_config(config) if config.is_file() else {}


def _read_config(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _with_sizes_of(data, builder, arguments):
    """Arguments as JSON holds them, with the data's classes or characters."""
    arguments = json.loads(json.dumps(arguments))
    parameters = inspect.signature(builder).parameters
    if "vocabulary" in parameters:
        if "vocabulary" not in arguments:
            length = parameters.get("sentence_length")
            length = length and arguments.get("sentence_length", length.default)
            arguments["vocabulary"] = corpus_characters(data, length or 10)
        return arguments
    if "num_classes" in parameters and "num_classes" not in arguments:
        count = datasets.num_classes(data)
        if count is not None:
            arguments["num_classes"] = count
    return arguments


def _refuse_used(folder):
    if (folder / CONFIG).exists() or (folder / MODEL).exists():
        raise ValueError(
            f"{folder} holds a run already: go on with it (resume=True, "
            "--resume) or choose another folder. Nothing was changed"
        )


def _create(folder, config, model):
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dataclasses.asdict(config), indent=2, ensure_ascii=False)
    _replace(
        folder / CONFIG,
        lambda path: path.write_text(text + "\n", encoding="utf-8"),
    )
    _replace(folder / MODEL, model.save)


def _check_writable(folder):
    with tempfile.TemporaryFile(dir=folder):
        pass


def _reopen(folder, config):
    for file in (CONFIG, MODEL):
        if not (folder / file).is_file():
            raise ValueError(
                f"There is no run to resume in {folder}: {file} is missing"
            )
    try:
        started_with = _read_config(folder / CONFIG)
    except ValueError as error:
        raise ValueError(
            f"{folder / CONFIG} is damaged ({error}). Restore it or start a "
            "new run in another folder. Nothing was changed"
        ) from error
    # A run that was started before there was a setting had its default.
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(Config)
        if field.default is not dataclasses.MISSING
    }
    started_with = {**defaults, **started_with}
    different = [
        f"{key}={reprlib.repr(value)} instead of "
        f"{reprlib.repr(started_with.get(key))}"
        for key, value in dataclasses.asdict(config).items()
        if started_with.get(key) != value
    ]
    if different:
        raise ValueError(
            f"The run in {folder} was started otherwise; it cannot go on with "
            + ", ".join(different)
        )
    return load_model(folder / MODEL)


def _drop_unsaved_epochs(path, epochs):
    """Drop the line of an epoch that was killed before its state was saved."""
    if not path.exists():
        return
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    if len(rows) > epochs + 1:
        kept = rows[: epochs + 1] if epochs else []
        _replace(path, lambda temporary: _write_rows(temporary, kept))


def _write_rows(path, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)


class _SaveState(keras.callbacks.Callback):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        _replace(self.path, self.model.save)


def _replace(path, write):
    """Write a file beside its place and move it there in one step."""
    descriptor, name = tempfile.mkstemp(
        dir=path.parent, prefix=".", suffix=path.suffix
    )
    os.close(descriptor)
    temporary = pathlib.Path(name)
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
