"""Train a model of the zoo into a run folder."""

import contextlib
import copy
import inspect
import textwrap
from collections.abc import Sequence
from typing import Any

import keras

from zoo.datasets import feeds
from zoo.datasets.reading import Reading
from zoo.registry import builder_of
from zoo.runs import executions
from zoo.runs import interrupts
from zoo.runs import schedules
from zoo.runs.folder import RunFolder
from zoo.runs.progress import Progress
from zoo.settings import ASKED_FOR
from zoo.settings import DEFAULTS
from zoo.settings import Settings


def train(
    name: str,
    data: Any = None,
    out: Any = "runs/run",
    *,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: Progress | None = None,
    verbose: str | int = "auto",
    **options: Any,
) -> keras.Model:
    """Train a model of the zoo into a run folder.

    Writes `config.json` first, then after every epoch a line of `history.csv`
    and the whole state to `model.keras`, in that order and the latter in one
    step: a run that is killed at any moment and resumed ends with the same
    weights as one that was never killed. One that fails before the end of its
    first epoch leaves no files.

    Args:
        name: Model, out of `zoo.list_models()`.
        {data}
        out: Run folder; made if missing, refused if it holds another run or
            another run is at work in it.
        resume: Whether to go on with the run in `out`. Defaults to `False`.
        callbacks: More Keras callbacks.
        progress: Where it is told how far the training is. Defaults to `None`:
            a bar of its own.
        verbose: `0` hides that bar. Defaults to `"auto"`.
        {options}

    Returns:
        The trained model.

    Raises:
        ValueError: If a setting is out of range or does not suit the model, or
            the folder is at work, holds a run and `resume` is false, holds none
            and it is true, was made with other settings or is damaged.
        OSError: If the folder cannot be written.

    Example:

    >>> model = train("dense_vae", out="runs/dense", epochs=5)
    """
    folder = RunFolder(out)
    with folder.claimed():
        if not resume:
            folder.check_unused()
        settings = Settings.of(name, data=data, **options)
        if verbose:
            print(settings.described())
        if resume:
            model = folder.reopen(settings)
            settings = settings.going_on_from(folder.settings())
        else:
            model = _built(settings)
        source = feeds.feed(model, settings)
        done = int(model.optimizer.iterations) // source.steps
        steps_left = (settings.epochs - done) * source.steps
        if settings.decay and not resume:
            schedules.decay(model, steps_left)
        callbacks = [
            *schedules.callbacks_of(settings, model, source.steps),
            *callbacks,
        ]
        executions.set_steps(
            model,
            settings.steps_per_execution,
            source,
            done,
            steps_left,
            callbacks,
        )
        if resume:
            folder.go_on(settings, done)
        else:
            folder.begin(settings, model)
        state = _SaveState(folder)
        try:
            with _told(progress, settings.epochs, done, verbose) as told:
                if steps_left > 0:
                    fit = [*callbacks, folder.logger(), state, *told]
                    _fit(model, source, settings.epochs, done, fit)
        except Exception:
            if not (resume or state.saved):
                folder.clear()
            raise
    return model


def _built(settings):
    builder = builder_of(settings.model)
    # Keras takes the config of an optimizer to pieces while it reads it.
    arguments = copy.deepcopy(settings.arguments)
    if settings.learning_rate:
        arguments["learning_rate"] = settings.learning_rate
    for name in ("weights", "freeze"):
        if getattr(settings, name):
            arguments[name] = getattr(settings, name)
    model = builder(**arguments, seed=settings.seed)
    is_random = arguments.get("weights") is None
    if builder.training.adapts and is_random and not settings.streaming:
        reading = Reading.of(settings)
        model.adapt(feeds.load(model, settings.data, reading).x_train)
    return model


@contextlib.contextmanager
def _told(progress, epochs, done, verbose):
    """The callbacks that tell how far a training is."""
    if progress is None and verbose == 0:
        yield []
        return
    own = Progress(epochs) if progress is None else contextlib.nullcontext()
    with own as bar:
        told = progress or bar
        told.skip(min(done, epochs))
        yield [told.callback()]


def _fit(model, source, epochs, done, callbacks):
    with interrupts.between_steps() as stop:
        model.fit(
            source.training(done),
            epochs=epochs,
            initial_epoch=done,
            steps_per_epoch=source.steps if source.is_endless else None,
            validation_data=source.validation,
            shuffle=False,
            callbacks=[*callbacks, stop],
            verbose=0,
        )


class _SaveState(keras.callbacks.Callback):
    def __init__(self, folder):
        super().__init__()
        self.folder = folder
        self.saved = False

    def on_epoch_end(self, epoch, logs=None):
        self.folder.save(self.model)
        self.saved = True


def _signature():
    """That of `train`, each option named, with its kind and default."""
    signature = inspect.signature(train)
    *parameters, _ = signature.parameters.values()
    parameters += [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=DEFAULTS[name],
            annotation=_annotation(name),
        )
        for name in ASKED_FOR
        if name not in signature.parameters
    ]
    return signature.replace(parameters=parameters)


def _annotation(name):
    """That of the setting, and `None` where the card then decides."""
    kind = Settings.__annotations__[name]
    return kind if DEFAULTS[name] is not None else kind | None


def _described():
    """The docstring of `train` with the help of each option."""
    lines = {
        name: textwrap.fill(
            f"{name}: {one.help} Defaults to "
            f"{one.usual or repr(DEFAULTS[name])}.",
            80,
            initial_indent=8 * " ",
            subsequent_indent=12 * " ",
        ).lstrip()
        for name, one in ASKED_FOR.items()
    }
    data = lines.pop("data")
    options = "\n        ".join(lines.values())
    return (train.__doc__ or "").format(data=data, options=options)


train.__signature__ = _signature()
train.__doc__ = _described()
