"""The register of builders: every model of the zoo, its card and defaults."""

import contextlib
import dataclasses
import difflib
import fnmatch
import functools
import inspect
import os
import random
import sys
from collections.abc import Callable
from typing import Any

import keras

from keras_capsvae.validation.numbers import check_integer
from zoo.pretrained import weights as shipped
from zoo.registry.cards import Card
from zoo.registry.cards import Training
from zoo.registry.compiling import LearningRate
from zoo.registry.compiling import Metrics
from zoo.registry.compiling import Optimizer
from zoo.registry.compiling import compile_model

_BUILDERS = {}

TRAINING_ARGUMENTS = """

Keyword arguments of every builder:
    weights: Tag of shipped weights or path of a weights file. With a tag,
        arguments of the architecture that are not given are those of the net
        that the weights are for. Defaults to `None`: random weights.
    compile: Whether to compile the model. Defaults to `True`.
    optimizer: Keras optimizer or its name. Defaults to `None`: {optimizer}.
    learning_rate: Number or Keras schedule. Defaults to `None`:
        {learning_rate}. Not together with an optimizer that is an instance,
        which has its own.
    loss: Keras loss. Defaults to `None`: `{loss}`.
    metrics: List of Keras metrics. Defaults to `None`: `{metrics}`.
    jit_compile: As in `keras.Model.compile`. Defaults to `None`:
        {jit_compile}.
    seed: Integer that fixes the initial weights and the noise of the layers.
        Defaults to `None`: random ones.
"""


def register(card: Card, training: Training) -> Callable:
    """Enter a builder in the zoo; it then compiles what the function builds.

    The decorated function composes layers and returns an uncompiled model. The
    builder takes its arguments and, keyword-only, those of `Training`,
    `weights` and `seed`.
    """

    def decorate(build: Callable[..., keras.Model]) -> Callable:
        name = build.__name__
        if name in _BUILDERS:
            raise ValueError(f"A model named {name!r} is registered already.")

        @functools.wraps(build)
        def builder(
            *sizes,
            weights: str | os.PathLike | None = None,
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
            given = shipped.made_for(name, weights) | _bound(
                build, sizes, options
            )
            with _seeded(seed):
                model = build(**given)
            if weights is not None:
                arguments = arguments_of(build, given)
                shipped.load(model, name, weights, arguments)
            if compile:
                compile_model(model, training, **of_compile)
            return model

        vars(builder).update(
            card=card,
            training=training,
            __signature__=_merged_signature(build, builder),
        )
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
        _BUILDERS[name] = builder
        return builder

    return decorate


def list_models(pattern: str = "*") -> list[str]:
    """Names of the models that match a shell pattern, sorted.

    Raises:
        TypeError: If the pattern is no string.

    Example:

    >>> list_models("*vae*")
    ['conditional_vae', 'conv_vae', 'dense_vae', 'importance_weighted_vae',
     'poem_vae']
    """
    if not isinstance(pattern, str):
        raise TypeError(
            "`pattern` must be a string. "
            f"Received: pattern={pattern!r} of type {type(pattern).__name__}"
        )
    return sorted(fnmatch.filter(_BUILDERS, pattern))


def builder_of(name: str) -> Callable[..., keras.Model]:
    """The builder with this name; a ValueError names the nearest ones."""
    if not isinstance(name, str):
        raise TypeError(
            "`name` must be a string out of `list_models()`. "
            f"Received: name={name!r:.40} of type {type(name).__name__}"
        )
    if name not in _BUILDERS:
        near = difflib.get_close_matches(name, _BUILDERS, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        raise ValueError(
            f"Unknown model. {hint}The zoo has {list_models()}. "
            f"Received: name={str(name)!r}"
        )
    return _BUILDERS[name]


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


def model_info(name: str) -> dict:
    """The card of a model, with its parameters and shipped weights.

    Returns:
        A dict: the fields of `Card`, `name`, `arguments` (with defaults),
        `parameters` (trained ones, at the defaults), `weights` (tag → training
        data, measured metrics, licence), and `command`.

    Raises:
        ValueError: If there is no such model.
        TypeError: If the name is no string.
    """
    builder = builder_of(name)
    return {
        "name": builder.__name__,
        **dataclasses.asdict(builder.card),
        "arguments": arguments_of(builder.__wrapped__, {}),
        "parameters": _trained_parameters(builder(compile=False)),
        "weights": shipped.tags_of(builder.__name__),
        "command": builder.card.command(builder.__name__),
    }


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


def _bound(build, sizes, options):
    """The arguments of one call by name."""
    try:
        return inspect.signature(build).bind(*sizes, **options).arguments
    except TypeError as error:
        raise TypeError(f"{build.__name__}() {error}") from None


def _trained_parameters(model):
    return sum(int(keras.ops.size(w)) for w in model.trainable_weights)


def _merged_signature(build, builder):
    """The function's parameters, then the builder's own."""
    own = inspect.signature(builder, follow_wrapped=False).parameters.values()
    shared = [p for p in own if p.kind is inspect.Parameter.KEYWORD_ONLY]
    parameters = list(inspect.signature(build).parameters.values())
    return inspect.Signature([*parameters, *shared])


@contextlib.contextmanager
def _seeded(seed):
    """Initialisers and noise draw their seeds from Python's generator."""
    if seed is None:
        yield
        return
    seed = check_integer("seed", seed, minimum=-sys.maxsize)
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
