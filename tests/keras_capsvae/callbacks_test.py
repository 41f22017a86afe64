import keras
import numpy as np
import pytest
from keras import ops

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import CapacityWarmUp
from keras_capsvae import GaussianLatent
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import KLLoss
from keras_capsvae import KLWarmUp
from keras_capsvae import Sampling
from keras_capsvae import VariationalAutoencoder
from tests.helpers import gradient
from tests.helpers import numpy_of

X = np.random.default_rng(0).random((8, 4), "float32")


class Recorder(keras.callbacks.Callback):
    """The weight that each epoch trained with."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(float(self.model.latent.beta))


@pytest.fixture
def model():
    image = keras.Input((4,))
    heads = [keras.layers.Dense(2)(image), keras.layers.Dense(2)(image)]
    encoder = keras.Model(image, heads)
    decoder = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(4, "sigmoid")]
    )
    model = VariationalAutoencoder(encoder, decoder, seed=0)
    model.compile("adam", loss=BernoulliReconstruction(), jit_compile=False)
    return model


def weights_of_epochs(model, warm_up, **arguments):
    recorder = Recorder()
    history = model.fit(
        X, batch_size=8, verbose=0, callbacks=[warm_up, recorder], **arguments
    ).history
    return recorder.weights, history


def test_weights_rise_linearly_and_stay(model):
    weights, _ = weights_of_epochs(model, KLWarmUp(4), epochs=6)
    np.testing.assert_allclose(weights, [0, 0.25, 0.5, 0.75, 1, 1])


def test_start_and_end(model):
    warm_up = KLWarmUp(2, start=0.5, end=0.1)
    weights, _ = weights_of_epochs(model, warm_up, epochs=4)
    np.testing.assert_allclose(weights, [0.5, 0.3, 0.1, 0.1], rtol=1e-6)


def test_the_loss_follows_the_weight(model):
    weights, history = weights_of_epochs(model, KLWarmUp(2), epochs=3)
    reconstruction = np.array(history["reconstruction_loss"])
    divergence = np.array(history["kl_loss"])
    assert (divergence > 0).all()
    np.testing.assert_allclose(
        history["loss"], reconstruction + weights * divergence, rtol=1e-5
    )


def test_resumed(model, tmp_path):
    first, _ = weights_of_epochs(model, KLWarmUp(4), epochs=2)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    second, _ = weights_of_epochs(
        reloaded, KLWarmUp(4), initial_epoch=2, epochs=6
    )
    np.testing.assert_allclose(first + second, [0, 0.25, 0.5, 0.75, 1, 1])


def test_reaches_the_layer_inside_another_model(model):
    image = keras.Input((4,))
    outer = keras.Model(image, keras.layers.Dense(1)(model(image)))
    outer.compile("adam", "mean_squared_error", jit_compile=False)
    outer.fit(X, X[:, :1], verbose=0, callbacks=[KLWarmUp(2, start=0.375)])
    assert float(model.latent.beta) == 0.375


def test_a_model_without_kl_loss():
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(4)], name="plain"
    )
    model.compile("sgd", "mean_squared_error")
    before = model.get_weights()
    with pytest.raises(ValueError, match="KLLoss.*'plain'"):
        model.fit(X, X, verbose=0, callbacks=[KLWarmUp(2)])
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "arguments", [{"epochs": 0}, {"start": -0.1}, {"end": -1.0}]
)
def test_wrong_arguments(arguments):
    ((name, value),) = arguments.items()
    with pytest.raises(ValueError, match=f"{name}={value}"):
        KLWarmUp(**{"epochs": 2, **arguments})


def test_ends_at_the_weight_that_the_layer_was_made_with():
    import zoo

    model = zoo.dense_vae(4, intermediate_dim=3, kl_weight=0.5)
    x = np.ones((4, 4), "float32")
    model.fit(x, epochs=3, callbacks=[KLWarmUp(2)], verbose=0)
    assert float(model.latent.beta) == 0.5


class Steps(keras.callbacks.Callback):
    """The weight before and in each step."""

    def __init__(self, latent):
        super().__init__()
        self.variable, self.seen = latent, []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(float(ops.convert_to_numpy(self.variable)))


def weights_of_steps(model, warm_up, **arguments):
    steps = Steps(model.latent.beta)
    model.fit(
        X, batch_size=4, verbose=0, callbacks=[warm_up, steps], **arguments
    )
    return steps.seen


def test_weights_of_each_step(model, tmp_path):
    first = weights_of_steps(model, KLWarmUp(steps=4), epochs=1)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    second = weights_of_steps(
        again, KLWarmUp(steps=4), initial_epoch=1, epochs=3
    )
    np.testing.assert_allclose(first + second, [0, 0.25, 0.5, 0.75, 1, 1])


def test_the_step_trains_with_its_weight(model):
    warm_up = KLWarmUp(steps=2, start=0.25)
    losses = []

    class Loss(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            losses.append({key: float(logs[key]) for key in logs})

    model.fit(X, batch_size=8, epochs=3, verbose=0, callbacks=[warm_up, Loss()])
    for beta, logs in zip([0.25, 0.625, 1.0], losses, strict=True):
        expected = logs["reconstruction_loss"] + beta * logs["kl_loss"]
        np.testing.assert_allclose(logs["loss"], expected, rtol=1e-5)


def test_cycles_rise_rest_and_begin_anew():
    warm_up = KLWarmUp(2, cycles=2)
    shares = [warm_up.share(epoch) for epoch in range(9)]
    assert shares == [0, 0.5, 1, 1, 0, 0.5, 1, 1, 1]


def test_a_sigmoid_is_slow_at_both_ends():
    warm_up = KLWarmUp(steps=100, curve="sigmoid")
    shares = np.array([warm_up.share(step) for step in range(120)])
    progress = np.arange(101) / 100
    raw = 1 / (1 + np.exp(6 - 12 * progress))
    expected = (raw - raw[0]) / (raw[-1] - raw[0])
    np.testing.assert_allclose(shares[:101], expected, atol=1e-12)
    assert (shares[100:] == 1).all()


def test_schedules_warn_when_cut_short(model):
    with pytest.warns(UserWarning, match="2 epochs and 3 cycles of KLWarmUp"):
        model.fit(X, epochs=9, verbose=0, callbacks=[KLWarmUp(2, cycles=3)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "epochs=None, steps=None"),
        ({"epochs": 1, "steps": 2}, "epochs=1, steps=2"),
        ({"steps": 0}, "steps=0"),
        ({"epochs": 2, "curve": "cosine"}, "curve='cosine'"),
        ({"epochs": 2, "cycles": 0}, "cycles=0"),
    ],
)
def test_wrong_schedules(arguments, message):
    with pytest.raises(ValueError, match=message):
        KLWarmUp(**arguments)


def capacity_model(**latent):
    image, z = keras.Input((4,)), keras.Input((2,))
    heads = [keras.layers.Dense(2)(image), keras.layers.Dense(2)(image)]
    model = VariationalAutoencoder(
        keras.Model(image, heads),
        keras.Model(z, keras.layers.Dense(4, "sigmoid")(z)),
        GaussianLatent(seed=0, **latent),
    )
    model.compile("adam", loss=BernoulliReconstruction(), jit_compile=False)
    return model


@pytest.mark.parametrize("capacity", [0.0, 0.5, 20.0])
def test_penalty_and_gradients_of_a_capacity(capacity):
    latent = GaussianLatent(capacity=capacity, kl_weight=3.0)
    random = np.random.default_rng(0)
    z_mean, z_log_var = random.normal(size=(2, 5, 3)).astype("float32")
    _, divergence, penalty = latent([z_mean, z_log_var])
    kl = 0.5 * (z_mean**2 + np.exp(z_log_var) - z_log_var - 1).sum(1)
    np.testing.assert_allclose(numpy_of(divergence), kl, rtol=1e-5)
    np.testing.assert_allclose(
        numpy_of(penalty), 3 * np.abs(kl - capacity), rtol=1e-5, atol=1e-5
    )
    received = gradient(
        lambda *parameters: ops.sum(latent(list(parameters))[2]),
        z_mean,
        z_log_var,
    )
    sign = 3 * np.sign(kl - capacity)[:, None]
    np.testing.assert_allclose(received[0], sign * z_mean, rtol=1e-5)
    np.testing.assert_allclose(
        received[1], sign * 0.5 * (np.exp(z_log_var) - 1), rtol=1e-4, atol=1e-6
    )


def test_a_capacity_rises_and_the_history_stays_the_elbo(tmp_path):
    model = capacity_model(capacity=4.0, kl_weight=10.0)
    steps = Steps(model.latent.capacity)
    history = model.fit(
        X,
        batch_size=8,
        epochs=4,
        verbose=0,
        callbacks=[CapacityWarmUp(steps=2), steps],
    ).history
    assert steps.seen == [0, 2, 4, 4]
    total = np.add(history["reconstruction_loss"], history["kl_loss"])
    np.testing.assert_allclose(history["negative_elbo"], total, rtol=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.latent.initial_capacity == 4.0
    assert float(again.latent.capacity) == 4.0


def test_errors_of_a_capacity(model):
    with pytest.raises(ValueError, match="free_bits=1.0, capacity=2"):
        GaussianLatent(capacity=2, free_bits=1.0)
    with pytest.raises(ValueError, match="capacity=-1"):
        GaussianLatent(capacity=-1)
    with pytest.raises(ValueError, match="a latent with a capacity"):
        model.fit(X, verbose=0, callbacks=[CapacityWarmUp(2)])
    net = capacity_model(capacity=1.0)
    with pytest.raises(ValueError, match="a penalty of its own"):
        ImportanceWeightedAutoencoder(net.encoder, net.decoder, net.latent)


def test_a_capacity_of_another_layer_is_left_alone():
    class Tank(keras.layers.Layer):
        capacity = 4

        def call(self, inputs):
            return inputs

    x, z = keras.Input((4,)), keras.Input((2,))
    h = Tank()(x)
    heads = [keras.layers.Dense(2)(h), keras.layers.Dense(2)(h)]
    decoder = keras.Model(z, keras.layers.Dense(4, "sigmoid")(z))
    latent = GaussianLatent(capacity=2.0)
    model = VariationalAutoencoder(keras.Model(x, heads), decoder, latent)
    model.compile("adam", loss=BernoulliReconstruction())
    with pytest.warns(UserWarning, match="capacity is"):
        model.fit(X, verbose=0, callbacks=[CapacityWarmUp(2)])


@pytest.mark.parametrize("stop_first", [True, False])
def test_a_stop_keeps_the_weight_of_the_last_epoch(model, stop_first):
    """Weights are those of the best epoch, the first; β is no weight."""
    stop = keras.callbacks.EarlyStopping(
        "loss", patience=2, restore_best_weights=True
    )
    callbacks = [stop, KLWarmUp(8, start=1.0, end=9.0)]
    if not stop_first:
        callbacks.reverse()
    with pytest.warns(UserWarning, match="within the 8 epochs.*weighs 3"):
        history = model.fit(
            X, epochs=8, batch_size=8, verbose=0, callbacks=callbacks
        )
    assert len(history.epoch) == 3
    assert float(model.latent.beta) == 3.0


def test_a_plain_model_is_warned_of_an_unfinished_warm_up():
    image = keras.Input((4,))
    parameters = [keras.layers.Dense(2)(image) for _ in range(2)]
    z = Sampling()(KLLoss()(parameters))
    plain = keras.Model(image, keras.layers.Dense(4)(z))
    plain.compile("adam", "mse")
    with pytest.warns(UserWarning, match="within the 4 epochs.*weighs 0.25"):
        plain.fit(X, X, epochs=2, verbose=0, callbacks=[KLWarmUp(4)])
