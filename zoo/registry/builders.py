"""The register of builders: every model of the zoo, its card and defaults."""

import contextlib
import dataclasses
import difflib
import fnmatch
import functools
import inspect
import random

import keras

from zoo.pretrained import weights as shipped

_BUILDERS = {}

TRAINING_ARGUMENTS = """

Keyword arguments of every builder:
    weights: Tag of shipped weights or path of a weights file. With a tag,
        arguments of the architecture that are not given are those of the net
        that the weights are for. Defaults to `None`: random weights.
    compile: Whether to compile the model. Defaults to `True`.
    optimizer: Keras optimizer or its name. Defaults to {optimizer}.
    learning_rate: Defaults to {learning_rate}. Not together with an optimizer
        that is an instance, which has its own.
    loss: Keras loss. Defaults to `{loss}`.
    metrics: List of Keras metrics. Defaults to `{metrics}`.
    jit_compile: As in `keras.Model.compile`. Defaults to {jit_compile}.
    seed: Integer that fixes the initial weights and the noise of the layers.
        Defaults to `None`: random ones.
"""


def register(card, training):
    """Enter a builder in the zoo; it then compiles what the function builds.

    The decorated function composes layers and returns an uncompiled model. The
    builder takes its arguments and, keyword-only, those of `Training`,
    `weights` and `seed`.
    """

    def decorate(build):
        name = build.__name__
        if name in _BUILDERS:
            raise ValueError(f"A model named {name!r} is registered already.")

        @functools.wraps(build)
        def builder(
            *sizes,
            weights=None,
            compile=True,
            optimizer=training.optimizer,
            learning_rate=None,
            loss=None,
            metrics=None,
            jit_compile=None,
            seed=None,
            **options,
        ):
            given = shipped.made_for(name, weights) | _bound(
                build, sizes, options
            )
            with _seeded(seed):
                model = build(**given)
            if weights is not None:
                arguments = arguments_of(build, given)
                shipped.load(model, name, weights, arguments)
            if compile:
                model.compile(
                    _optimizer(optimizer, learning_rate, training),
                    loss=training.default_loss() if loss is None else loss,
                    metrics=training.default_metrics()
                    if metrics is None
                    else metrics,
                    jit_compile=_jit_compile(jit_compile, training),
                )
                model.optimizer.build(model.trainable_variables)
            return model

        builder.card = card
        builder.training = training
        builder.__signature__ = _merged_signature(build, builder)
        builder.__doc__ = inspect.getdoc(build) + TRAINING_ARGUMENTS.format(
            optimizer=training.described_optimizer(),
            learning_rate=training.learning_rate,
            loss=training.described_loss(),
            metrics=training.described_metrics(),
            jit_compile="`True` on TensorFlow, `'auto'` elsewhere"
            if training.xla
            else "`'auto'`",
        )
        _BUILDERS[name] = builder
        return builder

    return decorate


def list_models(pattern="*"):
    """Names of the models that match a shell pattern, sorted.

    Example:

    >>> list_models("*vae*")
    ['conditional_vae', 'conv_vae', 'dense_vae', 'importance_weighted_vae',
     'poem_vae']
    """
    return sorted(fnmatch.filter(_BUILDERS, pattern))


def builder_of(name):
    """The builder with this name; a ValueError names the nearest ones."""
    if name not in _BUILDERS:
        near = difflib.get_close_matches(str(name), _BUILDERS, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        raise ValueError(
            f"Unknown model. {hint}The zoo has {list_models()}. "
            f"Received: name={name!r}"
        )
    return _BUILDERS[name]


def create_model(name, **arguments):
    """Build a compiled model by its name.

    Args:
        name: A name out of `list_models()`.
        **arguments: What the builder takes.

    Returns:
        A compiled `keras.Model`.

    Raises:
        ValueError: If there is no such model; names the nearest.

    Example:

    >>> model = create_model("dense_vae", latent_dim=8)
    """
    return builder_of(name)(**arguments)


def model_info(name):
    """The card of a model, with its parameters and shipped weights.

    Returns:
        A dict: the fields of `Card`, `name`, `arguments` (with defaults),
        `parameters` (trained ones, at the defaults), `weights` (tag → training
        data, measured metrics, licence), and `command`.

    Raises:
        ValueError: If there is no such model.
    """
    builder = builder_of(name)
    return {
        "name": name,
        **dataclasses.asdict(builder.card),
        "arguments": arguments_of(builder.__wrapped__, {}),
        "parameters": _trained_parameters(builder(compile=False)),
        "weights": shipped.tags_of(name),
        "command": builder.card.command(name),
    }


def arguments_of(build, given):
    """All arguments of one call of a builder, defaults filled in."""
    call = inspect.signature(build).bind(**given)
    call.apply_defaults()
    return dict(call.arguments)


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


def _optimizer(optimizer, learning_rate, training):
    if isinstance(optimizer, keras.optimizers.Optimizer):
        if learning_rate is not None:
            raise ValueError(
                "`learning_rate` goes with the name of an optimizer; an "
                "instance has its own. Received: learning_rate="
                f"{learning_rate} with optimizer={optimizer!r}"
            )
        return optimizer
    is_name = isinstance(optimizer, str)
    if optimizer == training.optimizer:
        optimizer = training.default_optimizer()
    optimizer = keras.optimizers.get(optimizer)
    if learning_rate is not None:
        optimizer.learning_rate = learning_rate
    elif is_name:
        optimizer.learning_rate = training.learning_rate
    return optimizer


def _jit_compile(jit_compile, training):
    if jit_compile is not None:
        return jit_compile
    # Keras leaves XLA off on a CPU, where it makes some models faster.
    uses_xla = training.xla and keras.backend.backend() == "tensorflow"
    return True if uses_xla else "auto"


@contextlib.contextmanager
def _seeded(seed):
    """Initialisers and noise draw their seeds from Python's generator."""
    if seed is None:
        yield
        return
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
