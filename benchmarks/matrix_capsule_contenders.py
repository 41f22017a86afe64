"""The contenders of `matrix_capsule_step.py`; each in a process of its own."""

import dataclasses
import functools
import importlib
import sys
from unittest import mock

import numpy as np
import workers

LAYERS = ("conv_capsules_1", "conv_capsules_2", "class_capsules")


@dataclasses.dataclass(frozen=True)
class Settings(workers.Settings):
    batch_size: int = 16
    steps: int = 20
    side: int = 32
    channels: int = 2
    classes: int = 5
    capsules: tuple = (64, 8, 16, 16)
    layer: str | None = None


def ours(settings, **options):
    import zoo

    shape = (settings.side, settings.side, settings.channels)
    return zoo.matrix_capsnet(
        shape,
        settings.classes,
        tuple(settings.capsules),
        routings=3,
        batch_normalization=False,
        seed=settings.seed,
        **options,
    )


def plain(settings):
    import plain_matrix_capsules

    module = importlib.import_module("zoo.models.matrix_capsnet")
    with (
        mock.patch.object(
            module, "ConvMatrixCapsuleEM", plain_matrix_capsules.PlainConv
        ),
        mock.patch.object(
            module, "ClassMatrixCapsuleEM", plain_matrix_capsules.PlainClass
        ),
    ):
        return ours(settings)


def yardstick(settings):
    """A net of two plain convolutions, on 28 × 28 × 1, for orientation."""
    import keras

    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(256, 9, activation="relu"),
            keras.layers.Conv2D(64, 9, strides=2, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss=loss)
    return model


def prepare(_, settings, build):
    model = build(settings)
    random = np.random.default_rng(settings.seed)
    count = settings.steps * settings.batch_size
    if settings.layer is not None and build is not yardstick:
        return layer_block(model.get_layer(settings.layer), settings)
    images = random.random((count, *model.input_shape[1:]), "float32")
    labels = random.integers(model.output_shape[-1], size=count)

    def block():
        history = model.fit(
            images,
            labels,
            batch_size=settings.batch_size,
            shuffle=False,
            verbose=0,
        )
        return history.history["loss"][-1]

    return block


def layer_block(layer, settings):
    """Values and gradients of one layer on random capsules."""
    run = gradients_of(layer)
    poses, active = random_capsules(layer, settings.batch_size)

    def block():
        for _ in range(settings.steps):
            value, _ = run(poses, active)
        return float(value)

    return block


def random_capsules(layer, batch_size):
    import tensorflow as tf

    random = np.random.default_rng(0)
    return [
        tf.constant(random.random((batch_size, *tensor.shape[1:]), "float32"))
        for tensor in layer.input
    ]


def gradients_of(layer):
    """(poses, activations) → a sum of the outputs, and its gradients."""
    import tensorflow as tf

    @tf.function
    def run(poses, active):
        with tf.GradientTape() as tape:
            tape.watch([poses, active])
            means, scores = layer([poses, active])
            value = tf.reduce_sum(tf.sin(means)) + 100 * tf.reduce_sum(scores)
        weights = [weight.value for weight in layer.trainable_weights]
        return value, tape.gradient(value, [poses, active, *weights])

    return run


def check(_, settings):
    """Raise unless ours and the plain form give the same in each layer."""
    models = [build(settings) for build in (ours, plain)]
    for name in LAYERS:
        layers = [model.get_layer(name) for model in models]
        random = np.random.default_rng(1)
        for weights in zip(*(layer.weights for layer in layers)):
            drawn = 0.5 * random.normal(size=weights[0].shape)
            for weight in weights:
                weight.assign(drawn)
        results = [
            [value, *gradients]
            for value, gradients in (
                gradients_of(layer)(*random_capsules(layer, 2))
                for layer in layers
            )
        ]
        for one, other in zip(*results):
            scale = np.max(np.abs(other))
            np.testing.assert_allclose(one, other, atol=2e-3 * scale)
    return lambda: None


FORMULATIONS = {
    "ours": ours,
    "ours, rematerialize=True": functools.partial(ours, rematerialize=True),
    "plain": plain,
}


def _entry(environment, build):
    packages = ("keras", environment)
    return workers.Entry(
        environment, packages, functools.partial(prepare, build=build)
    )


LABELS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "torch"}
CONTENDERS = {
    "yardstick, TensorFlow": _entry("tensorflow", yardstick),
    **{
        f"{name}, {label}": _entry(environment, build)
        for environment, label in LABELS.items()
        for name, build in FORMULATIONS.items()
    },
}
CHECK = workers.Entry("tensorflow", ("keras", "tensorflow"), check)


if __name__ == "__main__":
    workers.work({"check": CHECK, **CONTENDERS}, *sys.argv[1:], kind=Settings)
