"""Train a model of the zoo into a run folder."""

import contextlib
import dataclasses
import inspect
import textwrap
from collections.abc import Sequence
from typing import Any
from typing import get_type_hints

import keras

from zoo.counting import counted
from zoo.counting import trained_parameters
from zoo.datasets import run_feeds
from zoo.export import load_model
from zoo.run_files import check_unused
from zoo.runs import executions
from zoo.runs import interrupts
from zoo.runs import priors
from zoo.runs import resuming
from zoo.runs import schedules
from zoo.runs import showing
from zoo.runs.building import adapt
from zoo.runs.building import built
from zoo.runs.folder import RunFolder
from zoo.runs.histories import CHOICE
from zoo.runs.histories import held_out_name
from zoo.runs.keeping import KeepBest
from zoo.runs.keeping import SaveState
from zoo.runs.keeping import WarnOfRise
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
    overwrite: bool = False,
    picture_every: int | None = None,
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

    With `patience` or `best` the held-out data are a tenth of the training
    data, `model.keras` is the epoch with the lowest loss on them, and the state
    to go on from is `last.keras`.

    Args:
        name: Model, out of `zoo.list_models()`.
        {data}
        out: Run folder; made if missing, refused if it holds another run or
            another run is at work in it.
        resume: Whether to go on with the run in `out`. Options that are not
            given are those of the run, which may change its number of epochs,
            its learning rate and its patience. Defaults to `False`.
        overwrite: Whether to train anew in the place of the run in `out`; only
            files that a run writes are removed. Defaults to `False`.
        picture_every: Also show what the model makes after each so many
            epochs: a VAE a picture of samples, a model of poems a poem.
            Defaults to `None`: a poem ten times, and no picture.
        callbacks: More Keras callbacks.
        progress: Where it is told how far the training is. Defaults to `None`:
            a bar of its own.
        verbose: `0` hides that bar and all else. Defaults to `"auto"`.
        {options}

    Returns:
        The trained model, that of the best epoch if it is kept.

    Raises:
        ValueError: If a setting is out of range or does not suit the model, or
            the folder is at work, holds a run and is to hold a new one, holds
            none to resume, was made with other settings or is damaged.
        OSError: If the folder cannot be written.

    Example:

    >>> model = train("dense_vae", out="runs/dense", epochs=5)
    """
    if resume and overwrite:
        raise ValueError(
            "A run goes on or is trained anew. Received: resume=True and "
            "overwrite=True"
        )
    folder = RunFolder(out)
    with folder.claimed():
        if not (resume or overwrite):
            check_unused(folder.path)
        options["data"] = data
        before = folder.begun() if resume else None
        if before:
            options = resuming.completed(name, options, before)
        run = _Run(folder, Settings.of(name, **options), before)
        if progress is None:
            epochs = run.settings.epochs + run.settings.prior_epochs
            shown = Progress(epochs, hidden=verbose == 0)
            shown.say(run.about())
        else:
            shown = contextlib.nullcontext(progress)
        with shown as told:
            run.train(told, picture_every, callbacks)
            model = run.model
            if run.settings.keeps_best:
                model = load_model(folder.model)
            priors.fit(model, folder, run.settings, told)
    return model


class _Run:
    """A training that is to begin or to go on, before anything is written."""

    def __init__(self, folder, asked, before):
        self.folder = folder
        self.settings = resuming.checked(asked, before) if before else asked
        state = folder.state(before) if before else None
        self.goes_on = state is not None and state.exists()
        self.model = built(self.settings, not self.goes_on)
        priors.check(self.settings, self.model)
        if self.goes_on:
            self.model = folder.reopen(state, self.model)
        else:
            adapt(self.model, self.settings)
        self.source = run_feeds.feed(self.model, self.settings)
        count = self.source.num_examples
        if before and self.goes_on:
            resuming.check_examples(count, before)
        self.settings = dataclasses.replace(self.settings, num_examples=count)
        self.done = int(self.model.optimizer.iterations) // self.source.steps
        resuming.check_epochs(self.settings, self.done)
        if before and self.goes_on:
            self.settings = resuming.with_rate(
                self.settings,
                resuming.rate_of(asked),
                before,
                self.done,
                self.model.optimizer,
            )
        self.steps_left = (self.settings.epochs - self.done) * self.source.steps
        if self.steps_left <= 0:
            priors.check_as_begun(self.settings, self.model, folder)
        self.losses = [
            figures[CHOICE]
            for figures in (folder.figures() if self.goes_on else [])
            if CHOICE in figures
        ][: self.done]

    def about(self):
        """What is trained on what, in words."""
        settings = self.settings
        parameters = counted(trained_parameters(self.model), "parameter")
        epochs = counted(settings.epochs, "epoch")
        lines = [
            f"Training {settings.described()}: {parameters}.",
            f"{epochs} of {counted(self.source.steps, 'step')} on "
            f"{settings.data} ({self.source.about}), seed {settings.seed}, "
            f"into {self.folder.path}.",
        ]
        if self.steps_left <= 0:
            lines.append(
                f"All are done; `--epochs` (epochs) above {self.done} goes on."
            )
        elif self.done:
            lines.append(f"Going on after epoch {self.done}.")
        for start, rate in settings.rate_changes.items():
            lines.append(f"Learning rate after epoch {start}: {rate:g}.")
        return "\n".join(lines)

    def train(self, progress, picture_every, more):
        settings, folder = self.settings, self.folder
        if settings.decay and not self.goes_on:
            schedules.decay(self.model, self.steps_left)
        callbacks = [
            *schedules.callbacks_of(settings, self.model, self.source.steps),
            *self._showing(picture_every, progress),
            *more,
        ]
        executions.set_steps(
            self.model,
            settings.steps_per_execution,
            self.source,
            self.done,
            self.steps_left,
            callbacks,
        )
        if self.goes_on:
            folder.go_on(settings, self.done)
        else:
            folder.begin(settings)
        first = schedules.first_comparable(settings, self.source.steps)
        keep = WarnOfRise(self.losses, self.source.held_out, first)
        if settings.keeps_best:
            keep = KeepBest(folder, self.losses, settings.patience, first)
        seconds = folder.seconds() if self.goes_on else 0.0
        state = SaveState(folder, settings.keeps_best, seconds, first)
        try:
            progress.skip(min(self.done, settings.epochs))
            told = progress.callback(held_out_name(settings.keeps_best))
            callbacks += [folder.logger(), keep, state, told]
            if self.steps_left > 0 and not keep.is_over:
                priors.forget(folder, self.model)
                self._fit(callbacks)
        except Exception:
            if not (self.goes_on or state.saved):
                folder.clear()
            raise
        if keep.is_over:
            progress.say(
                f"No better epoch came in {settings.patience}: stopped."
            )

    def _showing(self, every, progress):
        if progress.hidden and every is None:
            return []
        folder = self.folder.epoch_pictures
        epochs = self.settings.epochs
        return showing.shown(self.model, every, epochs, folder, progress.say)

    def _fit(self, callbacks):
        source = self.source
        with interrupts.between_steps() as stop:
            self.model.fit(
                source.training(self.done),
                epochs=self.settings.epochs,
                initial_epoch=self.done,
                steps_per_epoch=source.steps if source.is_endless else None,
                validation_data=source.validation,
                shuffle=False,
                callbacks=[*callbacks, stop],
                verbose=0,
            )


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
    kind = get_type_hints(Settings)[name]
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
