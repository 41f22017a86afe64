"""The contenders of `capsule_step.py`; each runs in a process of its own.

A contender is a formulation of the capsule layer in one framework. One more
process compares values and gradients with those of the formulation whose work
a contender claims to do.
"""

import dataclasses
import functools
import importlib
import sys
from unittest import mock

import numpy as np
import workers

IMAGE = (28, 28, 1)
CLASSES = 10
STEPS = {"capsnet": 3, "capsule_cnn": 10}
TOLERANCE = 1e-4
CHECKED = 4  # examples of the comparison


@dataclasses.dataclass(frozen=True)
class Settings(workers.Settings):
    batch_size: int = 128
    net: str = "capsnet"
    layer_only: bool = False


@dataclasses.dataclass(frozen=True)
class Formulation:
    """A capsule layer; `same_as` names the formulation that it must equal."""

    module: str
    layer: str
    same_as: str | None = None
    routes: bool = True


OURS = "ours"
FORMULATIONS = {
    OURS: Formulation("keras_capsvae", "CapsuleLayer"),
    "ours, rematerialize=True": Formulation(
        "capsule_layers", "RematerializedCapsules", OURS
    ),
    "tiling": Formulation("capsule_layers", "TilingCapsules", OURS),
    "mean of the votes": Formulation(
        "capsule_layers", "MeanOfVotes", routes=False
    ),
    "mean of the inputs": Formulation(
        "capsule_layers", "MeanOfInputs", "mean of the votes", routes=False
    ),
}


@dataclasses.dataclass(frozen=True)
class Entry(workers.Entry):
    """`reference` is our layer, run in the same way."""

    routes: bool = True
    reference: str | None = None
    variables: dict = dataclasses.field(default_factory=dict)


def net_of(formulation, settings):
    """The zoo's net on the formulation's layer; its weights are the seed's."""
    module = importlib.import_module(formulation.module)
    builders = importlib.import_module("zoo.models.capsnet")
    layer = getattr(module, formulation.layer)
    with mock.patch.object(builders, "CapsuleLayer", layer):
        return getattr(builders, settings.net)(
            IMAGE, CLASSES, seed=settings.seed
        )


def prepare(x, settings, formulation):
    net = net_of(formulation, settings)
    images, labels = data(x, settings)
    if settings.layer_only:
        return layer_block(net.get_layer("capsules"), settings)

    def block():
        history = net.fit(
            images,
            labels,
            batch_size=settings.batch_size,
            shuffle=False,
            verbose=0,
        )
        return history.history["loss"][-1]

    return block


def data(x, settings):
    labels = np.random.default_rng(settings.seed).integers(CLASSES, size=len(x))
    return x.reshape(-1, *IMAGE), labels


def layer_block(layer, settings):
    run = sum_and_gradients(layer)
    arguments = random_arguments(layer, settings.batch_size)

    def block():
        for _ in range(settings.steps):
            value = float(run(*arguments)[0])
        return value

    return block


def random_arguments(layer, batch_size):
    """Input capsules of length about 1, and the gradient of the outputs."""
    random = np.random.default_rng(0)
    _, n_in, d_in = layer.input.shape
    inputs = random.normal(size=(batch_size, n_in, d_in)) / d_in**0.5
    weights = random.normal(size=(batch_size, *layer.output.shape[1:]))
    return inputs.astype("float32"), weights.astype("float32")


def sum_and_gradients(layer):
    """(inputs, weights) → weighted sum of the outputs and its gradients.

    The gradients are those in the inputs and the kernel.
    """
    import keras

    return {
        "tensorflow": _tensorflow_gradients,
        "jax": _jax_gradients,
        "torch": _torch_gradients,
    }[keras.backend.backend()](layer)


def _tensorflow_gradients(layer):
    import tensorflow as tf

    @tf.function
    def gradients(inputs, weights):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = tf.reduce_sum(layer(inputs) * weights)
        return value, tape.gradient(value, [inputs, layer.kernel.value])

    def run(*arguments):
        return gradients(*map(tf.constant, arguments))

    return run


def _jax_gradients(layer):
    import jax

    def weighted_sum(inputs, kernel, weights):
        outputs, _ = layer.stateless_call([kernel], [], inputs)
        return (outputs * weights).sum()

    gradients = jax.jit(jax.value_and_grad(weighted_sum, argnums=(0, 1)))

    def run(inputs, weights):
        return gradients(inputs, layer.kernel.value, weights)

    return run


def _torch_gradients(layer):
    import torch

    def run(*arguments):
        inputs, weights = map(torch.from_numpy, arguments)
        inputs.requires_grad_()
        value = (layer(inputs) * weights).sum()
        kernel = layer.kernel.value
        return value, torch.autograd.grad(value, [inputs, kernel])

    return run


def check(x, settings):
    """Raise unless each formulation does the work that it claims to do."""
    few = [values[:CHECKED] for values in data(x, settings)]
    results, troubles = {}, []
    for name, formulation in FORMULATIONS.items():
        try:
            results[name] = results_of(net_of(formulation, settings), few)
            if formulation.same_as:
                check_same(results[name], results[formulation.same_as])
        except Exception as error:
            troubles.append(f"{name}: {error}")
    if troubles:
        raise AssertionError("\n".join(troubles))
    return lambda: None


def results_of(net, few):
    layer = net.get_layer("capsules")
    run = sum_and_gradients(layer)
    value, gradients = run(*random_arguments(layer, CHECKED))
    to_numpy = importlib.import_module("keras").ops.convert_to_numpy
    return {
        "loss of the net": net.test_on_batch(*few)[0],
        "sum of outputs": to_numpy(value),
        "gradient in the inputs": to_numpy(gradients[0]),
        "gradient in the kernel": to_numpy(gradients[1]),
    }


def check_same(received, expected):
    """Raise unless all agree to 1e-4 of the largest number."""
    for name, values in expected.items():
        difference = np.max(np.abs(np.subtract(received[name], values)))
        scale = np.max(np.abs(values))
        if not difference <= TOLERANCE * scale:
            raise AssertionError(
                f"expected the same {name} to {TOLERANCE}, received a "
                f"difference of {difference} at a scale of {scale}"
            )


def _entries(environment, label, variables=None):
    for name, formulation in FORMULATIONS.items():
        yield (
            f"{name}, {label}",
            Entry(
                environment,
                ("keras", environment),
                functools.partial(prepare, formulation=formulation),
                formulation.routes,
                f"{OURS}, {label}",
                variables or {},
            ),
        )


KEEP_MEMORY = "TF_CPU_ALLOCATOR_USE_BFC"

CONTENDERS = dict(
    [
        *_entries("tensorflow", "TensorFlow", {KEEP_MEMORY: "0"}),
        *_entries("tensorflow", "TensorFlow, BFC", {KEEP_MEMORY: "1"}),
        *_entries("jax", "JAX"),
        *_entries("torch", "torch"),
    ]
)

CHECKS = {
    f"check, {environment}": Entry(environment, ("keras", environment), check)
    for environment in ("tensorflow", "jax", "torch")
}


if __name__ == "__main__":
    workers.work({**CHECKS, **CONTENDERS}, *sys.argv[1:], kind=Settings)
