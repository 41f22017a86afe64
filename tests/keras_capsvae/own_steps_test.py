"""Steps, losses and weights of divergences as people write them themselves."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from keras_capsvae import CapsuleLayer
from keras_capsvae import CapsuleNetwork
from keras_capsvae import GaussianLatent
from keras_capsvae import GaussianReconstruction
from keras_capsvae import KLLoss
from keras_capsvae import KLWarmUp
from keras_capsvae import MarginLoss
from keras_capsvae import Sampling
from keras_capsvae import VariationalAutoencoder
from tests.helpers import numpy_of
from tests.helpers import tensorflow_only
from tests.own_nets import LABELS
from tests.own_nets import X
from tests.own_nets import decoder
from tests.own_nets import encoder
from tests.own_nets import own_vae


def capsules(image_decoder=None):
    image = keras.Input((6,))
    parts = layers.Reshape((-1, 4))(layers.Dense(16, "relu")(image))
    model = CapsuleNetwork(
        keras.Model(image, CapsuleLayer(3, 4)(parts)), image_decoder
    )
    model.compile("adam", MarginLoss(), metrics=["accuracy"])
    return model


def of_capsules():
    poses = keras.Input((12,))
    return keras.Model(poses, layers.Dense(6)(poses))


class OwnLoss(VariationalAutoencoder):
    """No compiled loss: squares and the penalty, as in the guides of Keras."""

    def compute_loss(self, x=None, *args, **kwargs):
        z, _, penalty = self.latent(self.encoder(x))
        squares = ops.sum(ops.square(x - self.decoder(z)), axis=-1)
        return ops.mean(squares + penalty)


def test_an_own_loss_needs_no_compiled_one():
    model = OwnLoss(encoder(log_var=-4.0), decoder(activation="linear"))
    model.compile(keras.optimizers.Adam(0.02))
    losses = model.fit(X, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert np.isfinite(model.evaluate(X, verbose=0)).all()
    assert model.generate(2).shape == (2, 6)


@tensorflow_only
def test_an_own_step_needs_no_compiled_loss():
    import tensorflow as tf

    class OwnStep(VariationalAutoencoder):
        def train_step(self, data):
            with tf.GradientTape() as tape:
                z, _, penalty = self.latent(self.encoder(data))
                squares = ops.sum(ops.square(data - self.decoder(z)), axis=-1)
                loss = ops.mean(squares + penalty)
            weights = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            return {"loss": loss}

    model = OwnStep(encoder(log_var=-4.0), decoder(activation="linear"))
    model.compile(keras.optimizers.Adam(0.02))
    losses = model.fit(X, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@tensorflow_only
def test_the_loop_over_metrics_of_the_guide():
    import tensorflow as tf

    class Guided(VariationalAutoencoder):
        def train_step(self, x):
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=x, y_pred=y_pred)
            weights = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(x, y_pred)
            return {one.name: one.result() for one in self.metrics}

    model = Guided(encoder(), decoder(activation="linear"))
    model.compile("adam", GaussianReconstruction())
    history = model.fit(X, verbose=0).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize("build", [capsules, own_vae])
def test_a_model_without_a_loss_says_so(build):
    model = build()
    model.compile("adam")
    with pytest.raises(ValueError, match="`loss` must be given"):
        model.compute_loss(X, LABELS, model(X))
    with pytest.raises(ValueError, match="`loss` must be given"):
        model.fit(X, verbose=0)


def test_what_a_loss_needs_beside_the_scores():
    y_pred = ops.convert_to_tensor(capsules()(X))
    copied = ops.copy(y_pred)
    plain = capsules()
    expected = numpy_of(MarginLoss()(LABELS, y_pred))
    for scores in (y_pred, copied):
        received = plain.compute_loss(y=LABELS, y_pred=scores)
        np.testing.assert_allclose(numpy_of(received), expected, rtol=1e-5)
    decoding = capsules(of_capsules())
    with pytest.raises(ValueError, match="`x` must be given to `compute_loss`"):
        decoding.compute_loss(y=LABELS, y_pred=decoding(X))


def test_a_call_of_ones_own_is_named():
    class OwnCall(VariationalAutoencoder):
        def call(self, x, training=None, mask=None):
            return self.decoder(self.encoder(x)[0])

    model = OwnCall(encoder(), decoder(activation="linear"))
    model.compile("adam", GaussianReconstruction(), run_eagerly=True)
    with pytest.raises(RuntimeError, match=r"what `super\(\).call"):
        model.fit(X, verbose=0)


@pytest.mark.parametrize("name", ["model.kl_weight", "model.latent.beta"])
def test_a_weight_set_as_a_number(name):
    """Before the training, and while a compiled step runs."""
    owner, attribute = name.rsplit(".", 1)
    model = own_vae()
    owner = model if owner == "model" else model.latent

    class Annealed(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            setattr(owner, attribute, 0.25 * epoch)

    history = model.fit(X, epochs=3, verbose=0, callbacks=[Annealed()]).history
    parts = [
        np.array(history[one])
        for one in ("loss", "reconstruction_loss", "kl_loss")
    ]
    loss, reconstruction, divergence = parts
    weights = [0.0, 0.25, 0.5]
    np.testing.assert_allclose(
        loss, reconstruction + weights * divergence, rtol=1e-4
    )
    assert float(getattr(owner, attribute)) == 0.5


def test_the_layers_of_a_vae_in_a_plain_model():
    """As docs/own_models.md has it, with a classifier on the latents."""
    x = keras.Input((6,))
    parameters = KLLoss()([layers.Dense(2)(x), layers.Dense(2)(x)])
    z = Sampling()(parameters)
    outputs = {
        "image": layers.Dense(6)(z),
        "label": layers.Dense(3, "softmax")(z),
    }
    model = keras.Model(x, outputs)
    losses = {"image": "mse", "label": "sparse_categorical_crossentropy"}
    model.compile("adam", losses, loss_weights={"image": 6, "label": 1})
    history = model.fit(
        X,
        {"image": X, "label": LABELS},
        epochs=2,
        verbose=0,
        callbacks=[KLWarmUp(1, end=0.5)],
    ).history
    loss, image, label = (
        np.array(history[name]) for name in ("loss", "image_loss", "label_loss")
    )
    of_divergence = loss - 6 * image - label
    assert abs(of_divergence[0]) < 1e-4 < 0.01 < of_divergence[1]


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda m: m.encode(X[0]), r"One example alone is x\[None\]"),
        (lambda m: m.decode(np.zeros(2)), r"One example alone is x\[None\]"),
        (lambda m: m.predict(list(X[:3])), r"np.stack\(x\).*3 examples"),
    ],
)
def test_what_a_message_proposes(use, message):
    with pytest.raises(ValueError, match=message):
        use(own_vae())


def test_outputs_and_latents_that_do_not_belong_together():
    z = keras.Input((2,))
    of_two = keras.Model(z, [layers.Dense(6)(z), layers.Dense(3)(z)])
    model = VariationalAutoencoder(encoder(), of_two)
    with pytest.raises(ValueError, match="outputs of one shape.*own"):
        model.compile("adam", "gaussian")
    x = keras.Input((6,))
    several = keras.Model(x, [layers.Dense(2)(x) for _ in range(4)])
    with pytest.raises(ValueError, match="Several latents are one"):
        VariationalAutoencoder(several, decoder())


@pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="PyTorch holds the gradients"
)
def test_tensors_with_gradients_are_taken():
    import torch

    model = own_vae()
    x = torch.rand(4, 6, requires_grad=True)
    z = model.encoder(x)[0]
    assert z.requires_grad
    assert model.decode(z).shape == (4, 6)
    assert model.interpolate(x[0], x[1], 3).shape == (3, 6)


FEW_ROWS = """
import keras, numpy as np
from tests.own_nets import X, own_vae
devices = keras.distribution.list_devices("cpu")
assert len(devices) == 3
keras.distribution.set_distribution(
    keras.distribution.DataParallel(devices=devices)
)
model = own_vae(seed=0)
model.fit(X[:6], batch_size=6, verbose=0)
for n in (1, 2, 4, 40):
    assert model.generate(n, seed=0).shape == (n, 6)
x = np.tile(X, (5, 1))
for n in (1, 3, 40):
    np.testing.assert_allclose(model.encode(x[:n]), model.encode(x)[:n], 1e-5)
    assert model.score_samples(x[:n], num_samples=2).shape == (n,)
assert model.interpolate(x[0], x[1], 3).shape == (3, 6)
"""


@pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="only JAX divides batches"
)
def test_few_rows_on_several_devices():
    flags = "--xla_force_host_platform_device_count=3"
    done = subprocess.run(
        [sys.executable, "-c", FEW_ROWS],
        env={**os.environ, "XLA_FLAGS": flags},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("value", [-1.0, np.nan, [1.0], "x", None, True])
def test_weights_that_are_none(value):
    model = own_vae()
    with pytest.raises((ValueError, TypeError), match="beta"):
        model.kl_weight = value
    assert float(model.kl_weight) == 1.0


def test_a_weight_set_before_the_constructor():
    class Own(VariationalAutoencoder):
        def __init__(self, kl_weight=0.25):
            self.kl_weight = kl_weight
            super().__init__(encoder(), decoder())

    assert float(Own().kl_weight) == 0.25


def test_a_training_of_no_epochs_ends_without_a_word(recwarn):
    warm_up = KLWarmUp(5)
    history = own_vae().fit(
        X, epochs=3, initial_epoch=3, callbacks=[warm_up], verbose=0
    )
    assert not history.epoch
    assert not [one for one in recwarn if "Training ended" in str(one.message)]


def test_a_capacity_set_as_a_number():
    latent = GaussianLatent(capacity=5.0)
    model = own_vae(latent=latent)
    latent.capacity = 2.0
    assert float(latent.capacity) == 2.0
    assert model.latent.capacity in latent.weights
    plain = own_vae().latent
    with pytest.raises(TypeError, match="beta"):
        plain.beta = None
