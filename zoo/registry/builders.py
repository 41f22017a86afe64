"""The register of builders: every model of the zoo and how it is compiled."""

import importlib
import inspect
import os
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

import keras

from keras_capsvae.initializers import seeded
from zoo.cards import card_of
from zoo.nearest import check_arguments
from zoo.pretrained import manifest
from zoo.pretrained import weights as shipped
from zoo.pretrained.loading import load_of_loss
from zoo.registry.compiling import LearningRate
from zoo.registry.compiling import Metrics
from zoo.registry.compiling import Optimizer
from zoo.registry.compiling import compile_model
from zoo.registry.freezing import freeze_parts
from zoo.registry.signatures import extend
from zoo.registry.signatures import keyword_only
from zoo.registry.training import Training


class _Entry(NamedTuple):
    builder: Callable[..., keras.Model]
    training: Training


_ENTRIES: dict[str, _Entry] = {}

TRAINING_ARGUMENTS = """

Keyword arguments of every builder:
    weights: Tag of shipped weights, or path of a file or of a run folder.
        Arguments of the architecture that are not given are those of the net
        that the weights of a tag or a run are for. A classifier may have other
        classes: its class layer then keeps random weights, with a warning.
        Defaults to `None`: random weights.
    freeze: Parts that are not trained, with commas between them: `"features"`,
        a classifier but for its class layer, or `"encoder"`, `"latent"`,
        `"decoder"`. Defaults to `None`: everything is trained.
    compile: Whether to compile the model. Defaults to `True`.
    optimizer: Keras optimizer or its name. Defaults to `None`: {optimizer}.
    learning_rate: Number or Keras schedule. Defaults to `None`:
        {learning_rate}. Not together with an optimizer that is an instance,
        which has its own.
    loss: Keras loss or its name; of a VAE also the name of a likelihood, see
        `VariationalAutoencoder.compile`. Defaults to `None`: `{loss}`.
    metrics: List of Keras metrics. Defaults to `None`: `{metrics}`.
    jit_compile: As in `keras.Model.compile`. Defaults to `None`:
        {jit_compile}.
    seed: Integer that fixes the initial weights and the noise of the layers.
        Defaults to `None`: random ones.
"""


def register(training: Training) -> Callable:
    """Enter a builder in the zoo; it then compiles what the function builds.

    Its card stands under its name in the TOML file beside its own.

    The decorated function composes layers and returns an uncompiled model. The
    builder takes its arguments and, keyword-only, those of `Training`,
    `weights` and `seed`.
    """

    def decorate(build: Callable[..., keras.Model]) -> Callable:
        name = build.__name__
        if name in _ENTRIES:
            raise ValueError(f"A model named {name!r} is registered already.")
        card_of(name)  # which raises where there is none

        def builder(
            *sizes,
            weights: str | os.PathLike | None = None,
            freeze: str | None = None,
            compile: bool = True,
            optimizer: Optimizer | None = None,
            learning_rate: LearningRate | None = None,
            loss: str | keras.losses.Loss | None = None,
            metrics: Metrics | None = None,
            jit_compile: bool | str | None = None,
            seed: int | None = None,
            **options,
        ) -> keras.Model:
            of_compile = {
                "optimizer": optimizer,
                "learning_rate": learning_rate,
                "loss": loss,
                "metrics": metrics,
                "jit_compile": jit_compile,
            }
            if not compile:
                _refuse_given(of_compile)
            own = inspect.signature(build).parameters
            known = manifest.made_for(name, weights)
            known = {key: one for key, one in known.items() if key in own}
            given = known | _bound(builder, build, sizes, options)
            with seeded(seed):
                model = build(**given)
            if weights is not None:
                arguments = arguments_of(build, given)
                shipped.load(model, name, weights, arguments)
            if freeze is not None:
                freeze_parts(model, freeze)
            if compile:
                compile_model(model, training, **of_compile)
                if weights is not None:
                    load_of_loss(model, manifest.file_of(name, weights))
            return model

        extend(builder, build, keyword_only(builder))
        builder.__doc__ = inspect.getdoc(build) + TRAINING_ARGUMENTS.format(
            optimizer=training.described_optimizer(),
            learning_rate=training.learning_rate,
            loss=training.described_loss(),
            metrics=training.described_metrics(),
            jit_compile="`True` on TensorFlow, but `'auto'` where a "
            "distribution has several CPU devices; `'auto'` elsewhere"
            if training.xla
            else "`'auto'`",
        )
        _ENTRIES[name] = _Entry(builder, training)
        return builder

    return decorate


def builder_of(name: str) -> Callable[..., keras.Model]:
    """The builder with this name; a ValueError names the nearest ones."""
    return _entry_of(name).builder


def training_of(name: str) -> Training:
    """How the model with this name is compiled; errors as of `builder_of`."""
    return _entry_of(name).training


def _entry_of(name):
    card = card_of(name)
    if name not in _ENTRIES:
        importlib.import_module(f"zoo.models.{card.module}")
    return _ENTRIES[name]


def create_model(name: str, /, **arguments: Any) -> keras.Model:
    """Build a compiled model by its name.

    Args:
        name: A name out of `list_models()`, by position.
        **arguments: What the builder takes, among it `name`, the name that the
            model is to have.

    Returns:
        A compiled `keras.Model`.

    Raises:
        ValueError: If there is no such model; names the nearest.
        TypeError: If the name is no string.

    Example:

    >>> model = create_model("dense_vae", latent_dim=8, name="mine")
    >>> model.name
    'mine'
    """
    return builder_of(name)(**arguments)


def arguments_of(build: Callable[..., keras.Model], given: dict) -> dict:
    """All arguments of one call of a builder, defaults filled in."""
    call = inspect.signature(build).bind(**given)
    call.apply_defaults()
    return dict(call.arguments)


def _refuse_given(of_compile):
    given = {key: one for key, one in of_compile.items() if one is not None}
    if given:
        raise ValueError(
            "Arguments of `compile` need compile=True. Received: compile=False "
            "with " + ", ".join(f"{key}={one!r}" for key, one in given.items())
        )


def _bound(builder, build, sizes, options):
    """The arguments of one call by name."""
    known = inspect.signature(builder).parameters
    check_arguments(build.__name__, options, known)
    try:
        return inspect.signature(build).bind(*sizes, **options).arguments
    except TypeError as error:
        raise TypeError(f"{build.__name__}() {error}") from None
