import math

import keras
import numpy as np
import pytest

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import CategoricalReconstruction
from keras_capsvae import ClassMeans
from keras_capsvae import GaussianLatent
from keras_capsvae import GaussianReconstruction
from keras_capsvae import VariationalAutoencoder
from tests import oracles
from tests.helpers import BACKEND
from tests.helpers import SIXTEEN_BIT_POLICIES
from tests.helpers import dtype_policy
from tests.helpers import numpy_of
from tests.helpers import tensorflow_only
from tests.helpers import upcoming_noise

DIM, LATENT, CLASSES = 6, 2, 3
BATCH = 4
X = np.random.default_rng(0).random((10, DIM), "float32")
X_NEW = np.random.default_rng(1).random((7, DIM), "float32")
LABELS = np.eye(CLASSES, dtype="float32")[np.arange(10) % CLASSES]
TERMS = ("loss", "reconstruction_loss", "kl_loss", "negative_elbo")


def encoder_of(shape=(DIM,), latent_dim=LATENT):
    x = keras.Input(shape, name="x")
    hidden = keras.layers.Flatten()(x)
    hidden = keras.layers.Dense(5, "tanh")(hidden)
    z_mean = keras.layers.Dense(latent_dim, name="mean")(hidden)
    z_log_var = keras.layers.Dense(latent_dim, name="log_var")(hidden)
    return keras.Model(x, [z_mean, z_log_var])


def decoder_of(shape=(DIM,), activation="sigmoid", latent_dim=LATENT):
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            keras.layers.Dense(math.prod(shape), activation),
            keras.layers.Reshape(shape),
        ]
    )


def vae(
    loss=None,
    encoder=None,
    decoder=None,
    optimizer="adam",
    prior=None,
    name=None,
    **arguments,
):
    model = VariationalAutoencoder(
        encoder or encoder_of(),
        decoder or decoder_of(),
        GaussianLatent(prior, **{"seed": 0, **arguments}),
        name=name,
    )
    loss = loss or BernoulliReconstruction()
    model.compile(optimizer, loss=loss, jit_compile=False)
    return model


def still_vae(**arguments):
    """A model that does not learn and whose noise vanishes."""
    model = vae(optimizer=keras.optimizers.SGD(0.0), **arguments)
    head = model.encoder.get_layer("log_var")
    kernel, bias = head.get_weights()
    head.set_weights([0 * kernel, 0 * bias - 80])
    return model


def terms(model, x, noise=0.0, prior_mean=0.0):
    """Reconstruction (Bernoulli) and KL of each example, by the oracles."""
    z = oracles.sample(*numpy_of(model.encoder(x)), noise)
    decoded = numpy_of(model.decoder(z.astype("float32")))
    reconstruction = oracles.bernoulli_from_probabilities(x, decoded)
    return reconstruction, divergence(model, x, prior_mean)


def divergence(model, x, prior_mean=0.0):
    heads = numpy_of(model.encoder(x))
    return oracles.gaussian_kl(*heads, prior_mean).sum(-1)


def assert_terms(logs, reconstruction, kl, weight=1.0, prefix=""):
    received = [np.ravel(logs[prefix + name])[-1] for name in TERMS]
    expected = [
        np.mean(reconstruction + weight * kl),
        np.mean(reconstruction),
        np.mean(kl),
        np.mean(reconstruction + kl),
    ]
    np.testing.assert_allclose(received, expected, rtol=1e-5)


def next_noise(model, count):
    generator = model.latent.seed_generator
    return upcoming_noise(generator, (count, LATENT))


def evaluated(model, *data, **options):
    return model.evaluate(*data, verbose=0, return_dict=True, **options)


def assert_same_weights(one, other):
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


class Batches(keras.utils.PyDataset):
    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return -(-len(self.arrays[0]) // BATCH)

    def __getitem__(self, i):
        return tuple(a[i * BATCH : (i + 1) * BATCH] for a in self.arrays)


def generator(*arrays):
    batches = Batches(*arrays)
    while True:
        for i in range(len(batches)):
            yield batches[i]


def tf_data(*arrays):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH)


def bare_tf_data(array):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(array).batch(BATCH)


def steps(count):
    return -(-count // BATCH)


FITS = {
    "x": lambda x: {"x": x, "batch_size": BATCH},
    "x, x": lambda x: {"x": x, "y": x, "batch_size": BATCH},
    "(x,)": lambda x: {"x": (x,), "batch_size": BATCH},
    "[x]": lambda x: {"x": [x], "batch_size": BATCH},
    "{'x': x}": lambda x: {"x": {"x": x}, "batch_size": BATCH},
    "generator": lambda x: {"x": generator(x), "steps_per_epoch": steps(10)},
    "generator of pairs": lambda x: {
        "x": generator(x, x),
        "steps_per_epoch": steps(10),
    },
    "PyDataset": lambda x: {"x": Batches(x)},
    "PyDataset of pairs": lambda x: {"x": Batches(x, x)},
    "tf.data": lambda x: {"x": tf_data(x)},
    "tf.data of pairs": lambda x: {"x": tf_data(x, x)},
    "tf.data of arrays": lambda x: {"x": bare_tf_data(x)},
}
VALIDATIONS = {
    "x": lambda x: {"validation_data": x},
    "(x,)": lambda x: {"validation_data": (x,)},
    "(x, None)": lambda x: {"validation_data": (x, None)},
    "(x, x)": lambda x: {"validation_data": (x, x)},
    "generator": lambda x: {
        "validation_data": generator(x),
        "validation_steps": steps(7),
    },
    "PyDataset": lambda x: {"validation_data": Batches(x)},
    "tf.data": lambda x: {"validation_data": tf_data(x)},
}


def forms(table):
    return [
        pytest.param(
            form, id=name, marks=[tensorflow_only] if "tf" in name else []
        )
        for name, form in table.items()
    ]


@pytest.mark.parametrize("form", forms(FITS))
def test_every_form_of_fit_reports_exact_means(form):
    model = still_vae(kl_weight=0.5)
    history = model.fit(**form(X), epochs=2, verbose=0).history
    assert set(TERMS) == set(history)
    assert_terms(history, *terms(model, X), weight=0.5)


@pytest.mark.parametrize("form", forms(VALIDATIONS))
def test_every_form_of_validation_reports_exact_means(form):
    model = still_vae()
    history = model.fit(
        X, batch_size=BATCH, epochs=2, verbose=0, **form(X_NEW)
    ).history
    assert_terms(history, *terms(model, X))
    assert_terms(history, *terms(model, X_NEW), prefix="val_")


def test_validation_split():
    model = still_vae()
    history = model.fit(X, validation_split=0.3, verbose=0).history
    assert_terms(history, *terms(model, X[:7]))
    assert_terms(history, *terms(model, X[7:]), prefix="val_")


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 4.0])
def test_loss_is_reconstruction_plus_weighted_kl(weight):
    model = vae(kl_weight=weight)
    noise = next_noise(model, len(X))
    assert_terms(evaluated(model, X), *terms(model, X, noise), weight)


def test_each_batch_draws_its_own_noise():
    model = vae()
    copy = keras.random.SeedGenerator(0)
    copy.state.assign(model.latent.seed_generator.state)
    noise = [
        numpy_of(keras.random.normal((count, LATENT), seed=copy))
        for count in (4, 4, 2)
    ]
    assert_terms(
        evaluated(model, X, batch_size=BATCH),
        *terms(model, X, np.concatenate(noise)),
    )


def test_train_on_batch_and_test_on_batch():
    model = still_vae()
    for logs in (
        model.train_on_batch(X, return_dict=True),
        model.test_on_batch(X, return_dict=True),
    ):
        assert_terms(logs, *terms(model, X))


@pytest.mark.parametrize("free_bits", [0.05, 0.5])
def test_free_bits(free_bits):
    model = vae(free_bits=free_bits)
    z_mean, z_log_var = numpy_of(model.encoder(X))
    kl = oracles.gaussian_kl(z_mean, z_log_var)
    logs = evaluated(model, X)
    np.testing.assert_allclose(logs["kl_loss"], kl.sum(-1).mean(), rtol=1e-5)
    received = logs["loss"] - logs["reconstruction_loss"]
    expected = oracles.free_bits(kl, free_bits)
    np.testing.assert_allclose(received, expected, rtol=1e-4)


def test_monte_carlo_estimator():
    model = vae(estimator="monte_carlo")
    noise = next_noise(model, len(X))
    z_mean, z_log_var = numpy_of(model.encoder(X))
    z = oracles.sample(z_mean, z_log_var, noise)
    kl = oracles.one_sample_kl(z_mean, z_log_var, z).sum(-1)
    reconstruction, _ = terms(model, X, noise)
    assert_terms(evaluated(model, X), reconstruction, kl)


def test_prior_of_each_class():
    model = vae(prior=ClassMeans(CLASSES))
    noise = next_noise(model, len(X))
    means = numpy_of(model.latent.prior.mean(LABELS))
    assert_terms(evaluated(model, [X, LABELS]), *terms(model, X, noise, means))


@pytest.mark.thorough
def test_prior_is_trained():
    model = vae(prior=ClassMeans(CLASSES))
    before = model.latent.prior.get_weights()
    model.fit([X, LABELS], verbose=0)
    for one, other in zip(
        before, model.latent.prior.get_weights(), strict=True
    ):
        assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "data",
    [
        lambda: ([X, LABELS],),
        lambda: ([X, LABELS], None),
        lambda: ([X, LABELS], X),
        lambda: ({"x": X, "label": LABELS},),
    ],
)
def test_validation_of_two_inputs(data):
    model = still_vae(prior=ClassMeans(CLASSES))
    history = model.fit(
        [X, LABELS], validation_data=data(), batch_size=BATCH, verbose=0
    ).history
    means = numpy_of(model.latent.prior.mean(LABELS))
    assert_terms(history, *terms(model, X, 0.0, means))
    assert_terms(history, *terms(model, X, 0.0, means), prefix="val_")


@pytest.mark.parametrize("batch_size", [10, BATCH])
def test_sample_weight_weighs_both_terms_of_an_example(batch_size):
    model = still_vae(kl_weight=0.5)
    weights = np.linspace(0, 2, 10, dtype="float32")
    reconstruction, kl = terms(model, X)
    data = {"sample_weight": weights, "batch_size": batch_size}
    logs = evaluated(model, X, X, **data)
    assert_terms(logs, weights * reconstruction, weights * kl, 0.5)
    history = model.fit(X, X, **data, verbose=0).history
    assert_terms(history, weights * reconstruction, weights * kl, 0.5)


@pytest.mark.thorough
def test_sample_weight_of_one_is_none():
    one, other = vae(), vae()
    other.set_weights(one.get_weights())
    one.fit(X, X, shuffle=False, verbose=0)
    other.fit(X, X, sample_weight=np.ones(10), shuffle=False, verbose=0)
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)


def test_sample_weight_of_zero_removes_an_example_from_the_gradient():
    def step(prepare, **weights):
        keras.utils.set_random_seed(1)
        model = vae(optimizer=keras.optimizers.SGD(1.0))
        x = X[:2].copy()
        prepare(x)
        model.fit(x, x, shuffle=False, verbose=0, **weights)
        return model

    def change_the_second(x):
        x[1] = 1 - x[1]

    weights = {"sample_weight": np.array([1.0, 0.0])}
    plain = step(lambda x: None, **weights)
    assert_close_weights(plain, step(change_the_second, **weights))
    with pytest.raises(AssertionError):
        assert_close_weights(plain, step(change_the_second))


def assert_close_weights(one, other):
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-7)


@pytest.mark.thorough
def test_compiling_again_with_its_own_loss_changes_nothing():
    histories = []
    for again in (False, True):
        keras.utils.set_random_seed(0)
        model = vae(kl_weight=0.5)
        if again:
            model.compile("adam", loss=model.loss, jit_compile=False)
        logs = model.fit(X, epochs=3, batch_size=BATCH, verbose=0).history
        histories.append((logs, model))
    (logs, one), (logs_again, other) = histories
    assert logs == logs_again
    assert_same_weights(one, other)


@pytest.mark.thorough
def test_interrupted_training_goes_on_bit_exactly(tmp_path):
    model = vae()
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0}
    model.fit(X, epochs=2, **options)
    model.save(tmp_path / "model.keras")
    model.fit(X, epochs=4, initial_epoch=2, **options)
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    reloaded.fit(X, epochs=4, initial_epoch=2, **options)
    if BACKEND == "jax":  # sums are split over threads as they come
        pairs = zip(model.get_weights(), reloaded.get_weights())
        for a, b in pairs:
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    else:
        assert_same_weights(model, reloaded)


@pytest.mark.thorough
def test_reload_keeps_parts_methods_and_loss(tmp_path):
    model = vae(prior=ClassMeans(CLASSES), kl_weight=0.25, name="mine")
    model.fit([X, LABELS], verbose=0)
    model.latent.beta.assign(0.75)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(reloaded) is VariationalAutoencoder
    assert reloaded.name == "mine"
    assert float(reloaded.latent.beta) == 0.75
    assert type(reloaded.loss) is BernoulliReconstruction
    for head, expected in zip(reloaded.encoder(X), model.encoder(X)):
        np.testing.assert_array_equal(numpy_of(head), numpy_of(expected))
    np.testing.assert_array_equal(
        reloaded.generate(4, label=1, seed=2),
        model.generate(4, label=1, seed=2),
    )
    np.testing.assert_array_equal(reloaded.reconstruct(X), model.reconstruct(X))
    data = [X, LABELS]
    np.testing.assert_array_equal(
        numpy_of(reloaded(data)), numpy_of(model(data))
    )
    assert evaluated(reloaded, data) == pytest.approx(
        evaluated(model, data), rel=1e-5 if BACKEND == "jax" else 0
    )


@pytest.mark.thorough
def test_training_learns():
    model = vae(optimizer=keras.optimizers.Adam(0.05))
    x = np.repeat([[0, 1, 0, 1, 1, 0]], 64, 0).astype("float32")
    before = evaluated(model, x)["loss"]
    model.fit(x, epochs=20, verbose=0)
    assert evaluated(model, x)["loss"] < 0.5 * before


LOSSES = {
    "bernoulli": (
        BernoulliReconstruction(),
        "sigmoid",
        lambda x, y: oracles.bernoulli_from_probabilities(x, y),
    ),
    "gaussian": (
        GaussianReconstruction(0.3),
        "linear",
        lambda x, y: oracles.gaussian(x, y, 0.3),
    ),
    "a Keras loss": (
        "mean_squared_error",
        None,
        lambda x, y: ((x - y) ** 2).reshape(len(x), -1).mean(-1),
    ),
    "a Keras loss object": (
        keras.losses.MeanAbsoluteError(),
        "tanh",
        lambda x, y: abs(x - y).reshape(len(x), -1).mean(-1),
    ),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(DIM,), (3, 2, 1)])
def test_reconstruction_losses(name, shape):
    loss, activation, oracle = LOSSES[name]
    model = still_vae(
        loss=loss,
        encoder=encoder_of(shape),
        decoder=decoder_of(shape, activation),
    )
    x = X.reshape(-1, *shape)
    expected = oracle(x.astype("float64"), model.reconstruct(x))
    logs = evaluated(model, x, batch_size=BATCH)
    assert_terms(logs, expected, divergence(model, x))


def tokens_vae(**arguments):
    """Three positions, five classes each."""
    return still_vae(
        loss=CategoricalReconstruction(),
        encoder=encoder_of((3, 5)),
        decoder=decoder_of((3, 5), "softmax"),
        **arguments,
    )


def test_categorical_reconstruction_of_integers_and_one_hot():
    classes = np.random.default_rng(0).integers(5, size=(10, 3))
    one_hot = np.eye(5, dtype="float32")[classes]
    model = tokens_vae()
    kl = divergence(model, one_hot)
    logits = np.log(model.reconstruct(one_hot).astype("float64"))
    expected = oracles.categorical_from_logits(classes, logits)
    for data in ((one_hot,), (one_hot, one_hot), (one_hot, classes)):
        fresh = tokens_vae()
        fresh.set_weights(model.get_weights())
        assert_terms(evaluated(fresh, *data, batch_size=4), expected, kl)


@pytest.mark.parametrize("label", [-1, 5])
def test_categorical_targets_out_of_range(label):
    model = tokens_vae()
    x = np.eye(5, dtype="float32")[np.zeros((10, 3), int)]
    classes = np.zeros((10, 3), int)
    classes[4, 1] = label
    with pytest.raises(ValueError, match=str(label)):
        model.fit(x, classes, verbose=0)


@pytest.mark.parametrize("policy", ["float32", *SIXTEEN_BIT_POLICIES])
@pytest.mark.parametrize("bias", [-50.0, 50.0])
def test_confident_mistakes_have_a_finite_loss_and_a_gradient(policy, bias):
    with dtype_policy(policy):
        model = vae(optimizer=keras.optimizers.SGD(1.0), kl_weight=0.0)
    layer = model.decoder.layers[-2]
    kernel, biases = layer.get_weights()
    layer.set_weights([0 * kernel, 0 * biases + bias])
    x = np.full((4, DIM), float(bias < 0), "float32")
    logs = evaluated(model, x)
    expected = oracles.bernoulli_from_logits(x, np.full((4, DIM), bias))
    np.testing.assert_allclose(
        logs["reconstruction_loss"], expected.mean(), rtol=1e-6
    )
    assert logs["loss"] == logs["reconstruction_loss"]
    model.fit(x, verbose=0)
    np.testing.assert_allclose(
        layer.get_weights()[1], bias - np.sign(bias), rtol=1e-3
    )


@pytest.mark.parametrize("nested", [False, True])
def test_logits_are_found_whatever_ends_the_decoder(nested):
    z = keras.Input((LATENT,))
    outputs = keras.layers.Dense(DIM, bias_initializer="ones")(z)
    outputs = keras.layers.Activation("sigmoid")(100 * outputs)
    decoder = keras.Model(z, outputs)
    if nested:
        decoder = keras.Sequential([keras.Input((LATENT,)), decoder])
    model = still_vae(decoder=decoder)
    dense = next(
        layer
        for layer in model.decoder._flatten_layers()
        if isinstance(layer, keras.layers.Dense)
    )
    dense.set_weights([np.zeros((LATENT, DIM)), np.ones(DIM)])
    logs = evaluated(model, np.zeros((4, DIM)))
    np.testing.assert_allclose(
        logs["reconstruction_loss"], 100 * DIM, rtol=1e-6
    )


def test_the_decoder_keeps_its_activation_after_a_call_and_an_error():
    model = vae()
    layer = model.decoder.layers[-2]
    activation = layer.activation
    model(X)
    assert layer.activation is activation
    with pytest.raises(ValueError):
        model(X[:, :3])
    assert layer.activation is activation


def test_outputs_are_probabilities():
    model = vae()
    for outputs in (
        model.predict(X, verbose=0),
        numpy_of(model(X)),
        numpy_of(model.decoder(np.zeros((3, LATENT)))),
        model.reconstruct(X),
        model.generate(5),
    ):
        assert ((outputs > 0) & (outputs < 1)).all()


@pytest.mark.thorough
@pytest.mark.parametrize("policy", SIXTEEN_BIT_POLICIES)
def test_mixed_precision_trains_and_reloads(policy, tmp_path):
    with dtype_policy(policy):
        model = vae()
        history = model.fit(
            X, epochs=2, batch_size=BATCH, validation_data=X_NEW, verbose=0
        ).history
        assert np.isfinite(list(history.values())).all()
        for weight in model.weights:
            assert np.isfinite(numpy_of(weight)).all()
        model.save(tmp_path / "model.keras")
        reloaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy_of(reloaded(X)), numpy_of(model(X)))


@pytest.mark.parametrize("policy", SIXTEEN_BIT_POLICIES)
def test_mixed_precision_reports_nearly_what_float32_does(policy):
    with dtype_policy(policy):
        model = still_vae()
    exact = still_vae()
    exact.set_weights(model.get_weights())
    logs = evaluated(model, X, batch_size=BATCH)
    reconstruction, kl = terms(exact, X)
    for name, values in zip(TERMS[1:3], (reconstruction, kl), strict=True):
        np.testing.assert_allclose(logs[name], values.mean(), rtol=0.02)


def test_float16_skips_steps_whose_gradient_overflows():
    with dtype_policy("mixed_float16"):
        model = vae()
        head = model.encoder.get_layer("log_var")
        kernel, bias = head.get_weights()
        head.set_weights([kernel, bias + 30])
        before = [numpy_of(weight) for weight in model.trainable_weights]
        model.fit(X, verbose=0)
    after = [numpy_of(weight) for weight in model.trainable_weights]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_decoder_with_its_own_functional_name():
    encoder, decoder = encoder_of(), decoder_of()
    assert encoder.name != "encoder" and decoder.name != "decoder"
    model = vae(encoder=encoder, decoder=decoder)
    heads = numpy_of(encoder(X))
    for one, other in zip(numpy_of(model.encoder(X)), heads, strict=True):
        np.testing.assert_array_equal(one, other)
    model.fit(X, verbose=0)
    for one, other in zip(numpy_of(encoder(X)), heads, strict=True):
        assert not np.array_equal(one, other)


def test_encoder_and_reconstruct_are_deterministic():
    model = vae()
    for one, other in zip(model.encoder(X), model.encoder(X), strict=True):
        np.testing.assert_array_equal(numpy_of(one), numpy_of(other))
    expected = numpy_of(model.decoder(model.encoder(X)[0]))
    for _ in range(2):
        np.testing.assert_allclose(
            model.reconstruct(X), expected, rtol=1e-5, atol=1e-6
        )
    assert not np.allclose(numpy_of(model(X)), numpy_of(model(X)))


def test_generate():
    model = vae()
    assert model.generate(3).shape == (3, DIM)
    one, same, other = (model.generate(4, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)
    assert not np.allclose(model.generate(4), model.generate(4))


def conditional_identity():
    """Class means 100 apart, a decoder that shows the first latent."""
    model = vae(
        prior=ClassMeans(CLASSES),
        decoder=decoder_of((LATENT,), "linear"),
        encoder=encoder_of((LATENT,)),
        loss=GaussianReconstruction(),
    )
    means = np.arange(CLASSES)[:, None] * 100.0 * np.ones(LATENT)
    model.latent.prior.set_weights([means, np.zeros(LATENT)])
    model.decoder.layers[-2].set_weights([np.eye(LATENT), np.zeros(LATENT)])
    return model


def test_generate_draws_around_the_mean_of_the_class():
    model = conditional_identity()
    for label in (0, 2, np.int64(1)):
        draws = model.generate(50, label=label, seed=0)
        assert abs(draws - 100 * label).max() < 6
        assert draws.std() > 0.5
    classes = np.round(model.generate(200, seed=0) / 100)
    assert set(np.unique(classes)) == {0, 1, 2}


@pytest.mark.parametrize("n", [0, -3])
def test_generate_below_one(n):
    with pytest.raises(ValueError, match=f"n={n}"):
        vae().generate(n)


@pytest.mark.parametrize("label", [-1, CLASSES])
def test_generate_label_out_of_range(label):
    with pytest.raises(ValueError, match=rf"\[0, 2\].*label={label}"):
        vae(prior=ClassMeans(CLASSES)).generate(2, label=label)


def test_generate_label_must_be_an_integer():
    with pytest.raises(TypeError, match="not one-hot"):
        vae(prior=ClassMeans(CLASSES)).generate(3, label=LABELS[0])


def test_generate_label_without_classes():
    with pytest.raises(ValueError, match="no single condition.*label=1"):
        vae().generate(2, label=1)


@tensorflow_only
def test_export(tmp_path):
    import tensorflow as tf

    model = vae(prior=ClassMeans(CLASSES))
    model.export(tmp_path / "saved")
    served = tf.saved_model.load(str(tmp_path / "saved"))
    for count in (1, 3):
        heads = served.encode(X[:count])
        for head, expected in zip(heads, model.encoder(X[:count]), strict=True):
            np.testing.assert_allclose(head, expected, rtol=1e-5)
        decoded = served.decode(heads[0])
        expected = model.decoder(heads[0])
        np.testing.assert_allclose(decoded, expected, rtol=1e-5)
        inputs = [X[:count], LABELS[:count]]
        assert served.serve(inputs).shape == (count, DIM)
        draws = [served.generate(count, 1).numpy() for _ in range(2)]
        assert draws[0].shape == (count, DIM)
        assert not np.allclose(*draws)


def altered(x, index, value):
    x = x.copy()
    x[index] = value
    return x


BAD_ARRAYS = {
    "rank": (X[:, :, None, None], r"shape \(batch, 6\).*, 6, 1, 1\)"),
    "size": (X[:, :5], r"shape \(batch, 6\).*, 5\)"),
    "bytes": (X * 255, "divide 8-bit images by 255"),
    "NaN": (altered(X, (3, 2), np.nan), "1 values that are NaN or infinite"),
    "infinite": (altered(X, 0, np.inf), "6 values that are NaN or infinite"),
    "empty": (X[:0], "must not be empty"),
}
USES = {
    "fit": lambda model, x: model.fit(x, verbose=0),
    "targets": lambda model, x: model.fit(X[: len(x)], x, verbose=0),
    "validation": lambda model, x: model.fit(X, validation_data=x, verbose=0),
    "validation targets": lambda model, x: model.fit(
        X, validation_data=(X[: len(x)], x), verbose=0
    ),
    "evaluate": lambda model, x: model.evaluate(x, verbose=0),
    "reconstruct": lambda model, x: model.reconstruct(x),
    "generator": lambda model, x: model.fit(
        iter_of((x,)), steps_per_epoch=1, verbose=0
    ),
    "PyDataset": lambda model, x: model.fit(Batches(x), verbose=0),
}


def iter_of(*batches):
    yield from batches


@pytest.mark.parametrize(
    ("use", "kind"),
    [
        (use, kind)
        for use in USES
        for kind in BAD_ARRAYS
        if (use, kind) != ("reconstruct", "bytes")  # no target: no range
    ],
)
def test_bad_arrays_are_refused_before_training(kind, use):
    x, message = BAD_ARRAYS[kind]
    model = vae()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        USES[use](model, x)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@tensorflow_only
@pytest.mark.parametrize("kind", BAD_ARRAYS)
def test_bad_tf_data_is_refused(kind):
    x, message = BAD_ARRAYS[kind]
    with pytest.raises(ValueError, match=message):
        vae().fit(tf_data(x), verbose=0)


def test_streams_of_nothing():
    with pytest.raises(ValueError, match="generator of nothing"):
        vae().fit(iter_of(), steps_per_epoch=1, verbose=0)
    with pytest.raises(ValueError, match="PyDataset of length 0"):
        vae().fit(Batches(X[:0]), verbose=0)


def test_unbounded_losses_take_any_finite_values():
    model = vae(loss=GaussianReconstruction(), decoder=decoder_of((DIM,), None))
    model.fit(100 * X, verbose=0)
    with pytest.raises(ValueError, match="NaN or infinite"):
        model.fit(X * np.nan, verbose=0)


def test_targets_of_another_length():
    with pytest.raises(ValueError, match=r"lengths \[10, 7\]"):
        vae().fit(X, X_NEW, verbose=0)


@pytest.mark.parametrize("data", [[X, LABELS], (X, LABELS), X, (X,), (X, X)])
def test_two_input_validation_given_the_wrong_way(data):
    model = vae(prior=ClassMeans(CLASSES))
    with pytest.raises(ValueError) as error:
        model.fit([X, LABELS], validation_data=data, verbose=0)
    assert "`validation_data` must hold 2 input arrays: x, label" in str(
        error.value
    )
    assert "([a, b],)" in str(error.value)


@pytest.mark.parametrize("x", [X, [X], [X, LABELS, X]])
def test_wrong_number_of_inputs(x):
    with pytest.raises(ValueError, match="must hold 2 input arrays: x, label"):
        vae(prior=ClassMeans(CLASSES)).fit(x, verbose=0)


def test_missing_input_of_a_dict():
    with pytest.raises(ValueError, match=r"inputs x, label.*keys \['x'\]"):
        vae(prior=ClassMeans(CLASSES)).fit({"x": X}, verbose=0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS.argmax(-1), "to_categorical"),
        (LABELS.argmax(-1)[:, None], "to_categorical"),
        (LABELS * 0.5, "must be one-hot"),
        (np.ones_like(LABELS), "must be one-hot"),
        (LABELS[:, :2], r"\(batch, 3\)"),
        (LABELS[:7], r"lengths \[10, 7\]"),
        (LABELS * np.nan, "NaN"),
    ],
)
def test_labels_that_are_not_one_hot(labels, message):
    model = vae(prior=ClassMeans(CLASSES))
    with pytest.raises(ValueError, match=message):
        model.fit([X, labels], verbose=0)
    with pytest.raises(ValueError, match=message):
        model.evaluate([X, labels], verbose=0)


def test_sample_weight_without_targets():
    weights = np.ones(10)
    model = vae()
    for run in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="sample_weight with y=None"):
            run(X, sample_weight=weights, verbose=0)
    with pytest.raises(ValueError, match="sample_weight with y=None"):
        model.fit(X, validation_data=(X, None, weights), verbose=0)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((10, 2)), r"`sample_weight` must have shape \(batch\)"),
        (np.full(10, -1.0), r"`sample_weight` must lie in \[0, inf\]"),
        (np.full(10, np.nan), "`sample_weight` must be finite"),
        (np.ones(7), r"lengths \[10, 10, 7\]"),
    ],
)
def test_wrong_sample_weight(weights, message):
    with pytest.raises(ValueError, match=message):
        vae().fit(X, X, sample_weight=weights, verbose=0)


@pytest.mark.parametrize("activation", [None, "linear"])
def test_decoder_without_probabilities(activation):
    with pytest.raises(ValueError, match="must end in probab.*'sigmoid'"):
        vae(decoder=decoder_of((DIM,), activation))


def test_compiled_without_a_loss():
    model = VariationalAutoencoder(encoder_of(), decoder_of())
    model.compile("adam")
    for run in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="loss=None"):
            run(X, verbose=0)


def test_not_compiled():
    model = VariationalAutoencoder(encoder_of(), decoder_of())
    for run in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="compile"):
            run(X, verbose=0)


def test_encoder_and_decoder_must_fit():
    with pytest.raises(ValueError, match=r"must take the latents.*\(None, 3\)"):
        VariationalAutoencoder(encoder_of(), decoder_of(latent_dim=3))
    x = keras.Input((DIM,))
    one_head = keras.Model(x, keras.layers.Dense(LATENT)(x))
    advice = r"`encoder` must return a list \[z_mean, z_log_var\], .*Dense\("
    with pytest.raises(ValueError, match=advice):
        VariationalAutoencoder(one_head, decoder_of())


def test_labels_are_no_targets():
    model = VariationalAutoencoder(encoder_of(), decoder_of())
    model.compile("adam", loss=BernoulliReconstruction())
    labels = np.arange(len(X))
    for y in (labels, labels[:, None], labels.astype(str)):
        with pytest.raises(ValueError, match=r"fit\(x\).*takes no labels"):
            model.fit(X, y, verbose=0)


@pytest.mark.parametrize("part", [keras.Sequential(), None, "encoder"])
def test_parts_must_be_built_models(part):
    with pytest.raises(TypeError, match="`decoder` must be a functional"):
        VariationalAutoencoder(encoder_of(), decoder=part)
    with pytest.raises(TypeError, match="`encoder` must be a functional"):
        VariationalAutoencoder(encoder=part, decoder=decoder_of())


def test_negative_kl_weight():
    with pytest.raises(ValueError, match="weight=-1"):
        vae(kl_weight=-1)


@pytest.mark.thorough
@pytest.mark.skipif(BACKEND == "torch", reason="XLA is of TensorFlow and JAX")
def test_compiled_with_xla():
    model = still_vae()
    model.compile(keras.optimizers.SGD(0.0), loss=model.loss, jit_compile=True)
    history = model.fit(X, batch_size=BATCH, verbose=0).history
    assert_terms(history, *terms(model, X))


def twin_named_vae():
    """Encoder and decoder that both call a layer `hidden`."""
    x = keras.Input((DIM,))
    hidden = keras.layers.Dense(5, "tanh", name="hidden")(x)
    heads = [keras.layers.Dense(LATENT)(hidden) for _ in range(2)]
    z = keras.Input((LATENT,))
    hidden = keras.layers.Dense(5, "tanh", name="hidden")(z)
    decoder = keras.Model(z, keras.layers.Dense(DIM, "sigmoid")(hidden))
    return vae(encoder=keras.Model(x, heads), decoder=decoder)


@pytest.mark.skipif(BACKEND != "torch", reason="a limit of Keras on PyTorch")
def test_layers_of_one_name_are_refused_on_torch():
    with pytest.raises(ValueError, match="name of its own.*hidden/kernel"):
        twin_named_vae().fit(X, verbose=0)


@pytest.mark.skipif(BACKEND == "torch", reason="refused on PyTorch")
def test_layers_of_one_name_train_elsewhere():
    history = twin_named_vae().fit(X, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_gradients_are_not_carried_over_to_the_next_step():
    model = vae(optimizer=keras.optimizers.SGD(0.01))
    model.fit(X, batch_size=5, epochs=2, verbose=0)
    reloaded = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(model)
    )
    reloaded.set_weights(model.get_weights())
    for each in (model, reloaded):
        each.latent.seed_generator.state.assign([1, 2])
        each.fit(X, batch_size=5, epochs=1, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), reloaded.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_an_encoder_of_dicts_is_refused():
    x = keras.Input((DIM,))
    heads = {
        "z_mean": keras.layers.Dense(LATENT)(x),
        "z_log_var": keras.layers.Dense(LATENT)(x),
    }
    with pytest.raises(ValueError, match="whose order is plain"):
        VariationalAutoencoder(keras.Model(x, heads), decoder_of())


def test_a_decoder_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(None, 6\).*\(None, 1\)"):
        VariationalAutoencoder(encoder_of(), decoder_of((1,)))


def test_a_loss_from_logits_needs_logits():
    with pytest.raises(ValueError, match="from_logits=True"):
        vae(loss=BernoulliReconstruction(from_logits=True))


def test_no_data_and_class_weights_are_refused():
    with pytest.raises(ValueError, match="x=None"):
        vae().fit()
    with pytest.raises(ValueError, match="`class_weight` must be None"):
        vae().fit(X, class_weight={0: 1.0})


def test_reconstruct_names_what_the_encoder_takes():
    with pytest.raises(ValueError, match="the 1 arrays.*Received: 2"):
        vae().reconstruct([X, X])
    model = vae(prior=ClassMeans(CLASSES))
    np.testing.assert_array_equal(
        model.reconstruct([X, LABELS]), model.reconstruct(X)
    )


def test_a_generator_may_give_its_inputs_in_a_list():
    model = vae(prior=ClassMeans(CLASSES))
    batches = (([X, LABELS],) for _ in range(2))
    history = model.fit(batches, steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_a_saved_model_has_no_other_signature(tmp_path):
    with pytest.raises(TypeError, match="input_signature"):
        vae().export(tmp_path, input_signature=[])


def test_two_wide_targets_in_the_unit_interval_are_no_classes():
    model = vae(encoder=encoder_of((2,)), decoder=decoder_of((2,)))
    x = np.full((4, 2), 0.5, "float32")
    assert np.isfinite(model.fit(x, x, verbose=0).history["loss"]).all()


@pytest.mark.thorough
def test_fractional_classes_are_refused():
    x = keras.Input((5,))
    heads = [keras.layers.Dense(LATENT)(x) for _ in range(2)]
    decoder = keras.Sequential(
        [
            keras.Input((LATENT,)),
            keras.layers.Dense(5 * 4),
            keras.layers.Reshape((5, 4)),
            keras.layers.Activation("softmax"),
        ]
    )
    model = vae(CategoricalReconstruction(), keras.Model(x, heads), decoder)
    tokens = np.arange(10, dtype="float32").reshape(2, 5) % 4
    model.fit(tokens, verbose=0)
    with pytest.raises(ValueError, match="integer classes"):
        model.fit(tokens / 2, verbose=0)
    with pytest.raises(ValueError, match=r"must lie in \[0, 3\]"):
        model.fit(tokens + 1, verbose=0)
