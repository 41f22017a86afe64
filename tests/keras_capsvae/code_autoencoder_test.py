"""A model of codes and the prior over them: drawing, measuring, files."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import zoo
from keras_capsvae import BernoulliReconstruction
from keras_capsvae import CausalBlock
from keras_capsvae import CodeAutoencoder
from keras_capsvae import CodePrior
from keras_capsvae import GaussianLatent
from keras_capsvae import ResidualQuantizer
from keras_capsvae import VariationalAutoencoder
from keras_capsvae import VectorQuantizer
from keras_capsvae.latents import NumpyRandom
from keras_capsvae.models.fitted_codes import FittedCodes
from tests.helpers import numpy_of
from tests.helpers import outputs_in_fresh_process
from tests.helpers import tensorflow_only
from tests.outputs import outputs_of
from zoo.export import export_litert
from zoo.export import export_onnx
from zoo.export import load_model

K = 5
RANDOM = np.random.default_rng(0)
X = RANDOM.random((12, 8, 8, 1)).astype("float32")
SMALL = {"num_layers": 1, "width": 8, "num_heads": 2}


def built(latent=None, cls=CodeAutoencoder):
    latent = latent or VectorQuantizer(K, 3, seed=0)
    x, z = keras.Input((8, 8, 1), name="image"), keras.Input((4, 4, 3))
    encoded = layers.Conv2D(3, 2, 2, data_format="channels_last")(x)
    decoded = layers.Conv2DTranspose(
        1, 2, 2, activation="sigmoid", data_format="channels_last"
    )(z)
    model = cls(keras.Model(x, encoded), keras.Model(z, decoded), latent)
    model.compile("adam", loss=BernoulliReconstruction(), jit_compile=False)
    return model


@pytest.fixture(scope="module")
def model():
    """Trained, with a prior."""
    keras.utils.set_random_seed(0)
    model = built()
    model.fit(X, batch_size=6, verbose=0)
    options = {"epochs": 2, "batch_size": 4, "seed": 0, "verbose": 0}
    history = model.fit_prior(X, validation_data=X[:4], **SMALL, **options)
    assert np.isfinite(history.history["val_loss"]).all()
    return model


@pytest.fixture(scope="module")
def prior(model):
    return model.fitted_prior


def log_chances(net, codes):
    """ln q of every code at each token after those before, in float64."""
    logits = numpy_of(net(codes)).astype("float64")
    largest = logits.max(-1, keepdims=True)
    return (
        logits
        - largest
        - np.log(np.exp(logits - largest).sum(-1, keepdims=True))
    )


def test_a_causal_block():
    block = CausalBlock(6, 2)
    x = RANDOM.normal(size=(3, 5, 6)).astype("float32")
    every = numpy_of(block(x))
    cache = block.empty_cache(3, 5)
    for step in range(5):
        one, cache = block.step(x[:, step : step + 1], cache, step)
        np.testing.assert_allclose(
            numpy_of(one)[:, 0], every[:, step], rtol=1e-4, atol=1e-5
        )
    later = numpy_of(block(np.concatenate([x[:, :3], 9 + x[:, 3:]], axis=1)))
    np.testing.assert_allclose(later[:, :3], every[:, :3], rtol=1e-5)
    with pytest.raises(ValueError, match="multiple of `num_heads`"):
        CausalBlock(6, 4)


@pytest.mark.thorough
def test_a_code_depends_on_those_before(prior):
    codes = RANDOM.integers(K, size=(4, 4, 4))
    others = codes.copy()
    others[:, 1, 2:] = (others[:, 1, 2:] + 1) % K  # from token 6 on
    ones, twos = (log_chances(prior.net, one) for one in (codes, others))
    np.testing.assert_allclose(twos[:, :7], ones[:, :7], atol=1e-5)
    assert abs(twos[:, 7:] - ones[:, 7:]).max() > 1e-4


def test_nats_are_the_cross_entropy(prior):
    codes = RANDOM.integers(K, size=(4, 4, 4))
    flat = codes.reshape(4, 16)
    chances = np.take_along_axis(
        log_chances(prior.net, codes), flat[..., None], axis=-1
    )
    np.testing.assert_allclose(
        numpy_of(prior.nats(codes)), -chances.sum((1, 2)), rtol=1e-5
    )


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_cached_draws_are_those_of_whole_passes(prior, temperature):
    drawn = prior.draw(NumpyRandom(3), 10, temperature=temperature)
    uniforms = NumpyRandom(3).uniform((10, 16))
    codes = np.zeros((10, 16), "int32")
    for token in range(16):
        logits = log_chances(prior.net, codes.reshape(10, 4, 4))[:, token]
        chances = np.exp(logits / temperature)
        limits = uniforms[:, token : token + 1] * chances.sum(-1, keepdims=True)
        codes[:, token] = (chances.cumsum(-1) <= limits).sum(-1)
    np.testing.assert_array_equal(drawn.reshape(10, 16), codes)


def test_generate(model):
    one, again = (model.generate(9, seed=1) for _ in range(2))
    assert one.shape == (9, 8, 8, 1)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, model.generate(9, seed=2))
    codes = model.draw_latents(9, seed=1)
    np.testing.assert_allclose(model.decode(codes), one, rtol=1e-5)
    uniform = model.draw_latents(500, seed=1, uniform=True)
    counts = np.bincount(uniform.ravel(), minlength=K)
    np.testing.assert_allclose(counts / counts.sum(), 1 / K, atol=0.03)
    with pytest.raises(ValueError, match="`temperature` must be positive"):
        model.generate(2, temperature=0.0)
    for method in (model.generate, model.draw_latents):
        with pytest.raises(TypeError, match="'temperature', 'uniform'.*bold=2"):
            method(2, bold=2)


def test_a_temperature_of_the_prior_goes_into_files(model, tmp_path):
    usual = model.draw_latents(9, seed=1)
    cool = model.draw_latents(9, seed=1, temperature=0.1)
    assert not np.array_equal(usual, cool)
    model.fitted_prior.temperature = 0.1
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.draw_latents(9, seed=1), cool)
    model.fitted_prior.temperature = 1.0
    np.testing.assert_array_equal(model.draw_latents(9, seed=1), usual)
    with pytest.raises(ValueError, match="temperature=-1"):
        model.fitted_prior.temperature = -1


def test_the_bound_is_that_of_the_prior(model):
    figures = model.evaluate(X, batch_size=5, verbose=0, return_dict=True)
    nats = numpy_of(model.fitted_prior.nats(model.encode(X))).mean()
    np.testing.assert_allclose(figures["kl_loss"], nats, rtol=1e-5)
    bound = figures["reconstruction_loss"] + nats
    np.testing.assert_allclose(figures["negative_elbo"], bound, rtol=1e-5)
    np.testing.assert_allclose(model.score_samples(X).mean(), bound, rtol=1e-5)
    prior, model.fitted_prior = model.fitted_prior, None
    figures = model.evaluate(X, batch_size=5, verbose=0, return_dict=True)
    np.testing.assert_allclose(figures["kl_loss"], 16 * np.log(K), rtol=1e-5)
    model.fitted_prior = prior


def test_files_hold_the_prior(model, tmp_path):
    expected = model.generate(9, seed=1)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.generate(9, seed=1), expected, rtol=1e-5)
    model.save_weights(tmp_path / "model.weights.h5")
    fresh = built()
    fresh.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(fresh.generate(9, seed=1), expected, rtol=1e-5)
    shapes = [tuple(weight.shape) for weight in fresh.weights]
    assert [tuple(weight.shape) for weight in again.weights] == shapes
    received = outputs_in_fresh_process(tmp_path / "model.keras", [X])
    for one, other in zip(received, numpy_of(outputs_of(model, [X]))):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.thorough
def test_a_prior_is_a_model_of_its_own(tmp_path):
    codes = RANDOM.integers(K, size=(9, 2, 3, 2))
    sizes = {"code_shape": (2, 3, 2), **SMALL}
    keras.utils.set_random_seed(0)
    net = CodePrior(K, **sizes)
    net.compile_for(1e-2)
    net.fit_codes(codes, epochs=1, batch_size=4, verbose=0)
    net.save(tmp_path / "prior.keras")
    again = keras.models.load_model(tmp_path / "prior.keras")
    for one in (net, again):
        options = {"epochs": 2, "initial_epoch": 1, "verbose": 0}
        one.fit_codes(codes, batch_size=4, **options)
    np.testing.assert_allclose(
        numpy_of(again(codes)), numpy_of(net(codes)), rtol=1e-4, atol=1e-5
    )
    assert FittedCodes(net).draw(NumpyRandom(0), 3).shape == (3, 2, 3, 2)


def conditional(condition, given):
    """Two kinds of images, black and white; the decoder alone is told which."""
    x, z = keras.Input((4, 4, 1), name="image"), keras.Input((2, 2, 2))
    encoded = layers.Conv2D(2, 2, 2, data_format="channels_last")(x)
    told = layers.Reshape((1, 1, -1))(given(condition))
    mixed = layers.Concatenate()([z, layers.UpSampling2D(2)(told)])
    decoded = layers.Conv2DTranspose(1, 2, 2, activation="sigmoid")(mixed)
    model = CodeAutoencoder(
        keras.Model(x, encoded),
        keras.Model([z, condition], decoded),
        VectorQuantizer(K, 2, seed=0),
    )
    model.compile("adam", loss=BernoulliReconstruction(), jit_compile=False)
    return model


def test_codes_under_classes(tmp_path):
    """The prior is the histogram of the codes of each class."""
    keras.utils.set_random_seed(0)
    kinds = np.arange(64) % 2
    x = np.broadcast_to(kinds[:, None, None, None], (64, 4, 4, 1)) * 1.0
    one_hot = np.eye(2)[kinds]
    model = conditional(keras.Input((2,), name="kind"), lambda c: c)
    model.fit([x, one_hot], verbose=0)
    codes = model.encode([x, one_hot])
    black, white = codes[0], codes[1]
    assert not np.array_equal(black, white)
    options = {"epochs": 40, "learning_rate": 1e-2, "seed": 0, "verbose": 0}
    model.fit_prior([x, one_hot], **SMALL, **options)
    for label, expected in enumerate((black, white)):
        drawn = model.draw_latents(20, label=label, seed=1)
        assert (drawn == expected).mean() > 0.95
    mixed = model.draw_latents(2, condition=np.eye(2), seed=1)
    np.testing.assert_array_equal(mixed, [black, white])
    right, wrong = (
        model.evaluate([x, given], verbose=0, return_dict=True)["kl_loss"]
        for given in (one_hot, one_hot[::-1])
    )
    assert right < 0.5 < 4 < wrong
    scores = model.score_samples([x, one_hot])
    bound = model.evaluate([x, one_hot], verbose=0, return_dict=True)
    np.testing.assert_allclose(scores.mean(), bound["negative_elbo"], rtol=1e-4)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        again.generate(9, label=1, seed=1), model.generate(9, label=1, seed=1)
    )


@pytest.mark.thorough
def test_codes_under_ids_and_numbers(tmp_path):
    keras.utils.set_random_seed(0)
    ids = np.arange(32) % 3
    x = np.broadcast_to(ids[:, None, None, None], (32, 4, 4, 1)) / 2.0
    embedded = layers.Embedding(3, 2)
    model = conditional(keras.Input((), dtype="int32", name="id"), embedded)
    model.fit([x, ids], epochs=2, verbose=0)
    model.fit_prior([x, ids], epochs=1, verbose=0, **SMALL)
    assert model.fitted_prior.net.condition_sizes == (3,)
    assert model.generate(3, label=[0, 2, 1]).shape == (3, 4, 4, 1)
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(((x, ids),)).batch(8)
    model.fit_prior(data, epochs=1, verbose=0, validation_data=data, **SMALL)
    assert np.isfinite(model.score_samples([x, ids])).all()
    if keras.backend.backend() == "tensorflow":
        model.export(tmp_path / "served")
        served = load_model(tmp_path / "served")
        assert tuple(served.generate(2, 1).shape) == (2, 4, 4, 1)

    numbers = keras.Input((2, 3), name="numbers")
    model = conditional(numbers, layers.Flatten())
    given = RANDOM.normal(size=(32, 2, 3))
    model.fit([x, given], verbose=0)
    model.fit_prior([x, given], epochs=1, verbose=0, **SMALL)
    assert model.fitted_prior.net.condition_sizes == (6,)
    assert model.generate(4, condition=given[:4]).shape == (4, 4, 4, 1)


def test_conditions_of_a_prior_are_checked():
    model = conditional(keras.Input((2,), name="kind"), lambda c: c)
    x, one_hot = X[:, :4, :4], np.eye(2)[np.arange(12) % 2]
    model.fit([x, one_hot], verbose=0)
    for wrong, message in (
        (np.arange(12) % 2, "kind"),
        (np.concatenate([one_hot, one_hot]), "one length"),
        (one_hot * np.nan, "finite"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit_prior([x, wrong], epochs=1, verbose=0, **SMALL)
    net = CodePrior(K, (2, 2), condition_sizes=[3], **SMALL)
    with pytest.raises(ValueError, match=r"conditions \(3,\) for .*\(2,\)"):
        model.fitted_prior = FittedCodes(net)
    with pytest.raises(ValueError, match=r"conditions of dims \(3,\)"):
        net(np.zeros((1, 2, 2), "int32"))


def test_a_prior_of_other_codes_is_left_out(model, tmp_path):
    model.save_weights(tmp_path / "model.weights.h5")
    other = built(VectorQuantizer(K + 2, 3))
    with pytest.warns(UserWarning, match=f"left out: {K} codes for {K + 2}"):
        other.load_weights(tmp_path / "model.weights.h5", skip_mismatch=True)
    assert other.fitted_prior is None


def test_several_ids_are_one_hot_each():
    ids = [keras.Input((), dtype="int32", name=name) for name in "ab"]
    z, x = keras.Input((2, 2, 2)), keras.Input((4, 4, 1))
    told = layers.Concatenate()(
        [layers.Embedding(rows, 2)(one) for rows, one in zip((7, 3), ids)]
    )
    mixed = layers.Concatenate()(
        [z, layers.UpSampling2D(2)(layers.Reshape((1, 1, 4))(told))]
    )
    model = CodeAutoencoder(
        keras.Model(x, layers.Conv2D(2, 2, 2)(x)),
        keras.Model([z, *ids], layers.Conv2DTranspose(1, 2, 2)(mixed)),
        VectorQuantizer(K, 2),
    )
    assert model.conditions.vector_sizes() == [7, 3]
    first, second = model.conditions.as_vectors([np.array([6]), np.array([1])])
    assert numpy_of(first).argmax() == 6 and numpy_of(second).argmax() == 1


def test_conditions_of_any_size_are_none_of_a_prior():
    given = keras.Input((None, 2), name="series")
    model = conditional(given, layers.GlobalAveragePooling1D())
    x, series = X[:, :4, :4], np.zeros((12, 3, 2))
    model.fit([x, series], verbose=0)
    with pytest.raises(ValueError, match="size of the conditions.*series"):
        model.fit_prior([x, series])


def test_an_untrained_model_is_warned_of():
    quantizers = [VectorQuantizer(K, 3, seed=0) for _ in range(2)]
    model = built(ResidualQuantizer(quantizers))
    with pytest.warns(UserWarning, match="neither trained nor given weights"):
        model.fit_prior(X, epochs=1, verbose=0, **SMALL)
    assert model.encode(X).shape == (12, 4, 4, 2)


@pytest.mark.thorough
@tensorflow_only
def test_endpoints_give_and_take_codes(model, tmp_path):
    model.export(tmp_path / "served")
    served = load_model(tmp_path / "served")
    codes = model.encode(X)
    for count in (1, 5):
        received = served.encode(X[:count])
        np.testing.assert_array_equal(received, codes[:count])
        np.testing.assert_allclose(
            served.decode(received), model.reconstruct(X[:count]), rtol=1e-5
        )
    assert received.dtype == "int32"
    drawn = [numpy_of(served.generate(n)) for n in (3, 3)]
    assert drawn[0].shape == (3, 8, 8, 1)
    assert not np.array_equal(*drawn)
    signatures = served.signatures
    assert list(signatures["encode"].structured_outputs) == ["codes"]
    without = built()
    without.export(tmp_path / "without")
    assert "generate" not in load_model(tmp_path / "without").signatures


@pytest.mark.thorough
@tensorflow_only
def test_onnx_and_litert(model, tmp_path):
    codes, pictures = model.encode(X), model.reconstruct(X)
    import tensorflow as tf

    paths = export_litert(model, tmp_path)
    for path, given, expected in zip(paths, (X, codes), (codes, pictures)):
        interpreter = tf.lite.Interpreter(str(path))
        place = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(place, given.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(place, given)
        interpreter.invoke()
        output = interpreter.get_output_details()[0]["index"]
        received = interpreter.get_tensor(output)
        np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)
    pytest.importorskip("tf2onnx", reason="the onnx extra is not installed")
    runtime = pytest.importorskip("onnxruntime")
    paths = export_onnx(model, tmp_path)
    for path, given, expected in zip(paths, (X, codes), (codes, pictures)):
        session = runtime.InferenceSession(path)
        name = session.get_inputs()[0].name
        (received,) = session.run(None, {name: given})
        np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda m: m.generate(2), "prior, which must be fitted.*fit_prior"),
        (lambda m: m.decode(np.full((1, 4, 4), K)), r"must lie in \[0, 4\]"),
        (lambda m: m.decode(np.full((1, 4, 4), -1)), r"must lie in \[0, 4\]"),
        (lambda m: m.decode(np.zeros((1, 3, 4))), "4, 4"),
        (lambda m: m.decode(np.full((1, 4, 4), 0.5)), "integer classes"),
        (lambda m: m.score_samples(X, num_samples=3), "densities"),
    ],
)
def test_what_cannot_be(use, message):
    model = built()
    with pytest.raises(ValueError, match=message):
        use(model)
    assert model.generate(2, uniform=True).shape == (2, 8, 8, 1)


def test_latents_without_codes_and_models_without_a_prior():
    with pytest.raises(TypeError, match="must have codes"):
        built(GaussianLatent())
    plain = built(cls=VariationalAutoencoder)
    plain.fit(X, verbose=0)
    for use in (lambda: plain.generate(2), lambda: plain.fit_prior(X)):
        with pytest.raises(ValueError, match="CodeAutoencoder"):
            use()


def test_images_of_any_size_have_no_prior():
    x, z = keras.Input((None, None, 1)), keras.Input((None, None, 3))
    model = CodeAutoencoder(
        keras.Model(x, layers.Conv2D(3, 2, 2)(x)),
        keras.Model(
            z, layers.Conv2DTranspose(1, 2, 2, activation="sigmoid")(z)
        ),
        VectorQuantizer(K, 3),
    )
    model.compile("adam", loss=BernoulliReconstruction())
    model.fit(X, verbose=0)
    codes = model.encode(X[:, :6])
    assert codes.shape == (12, 3, 4)
    assert model.decode(codes).shape == (12, 6, 8, 1)
    with pytest.raises(ValueError, match="images of one size"):
        model.fit_prior(X)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: zoo.vq_vae((28, 30, 1)), "width must be a multiple of 4"),
        (lambda: zoo.vq_vae((28, 28, 1), halvings=3), "multiple of 8"),
        (lambda: zoo.vq_vae(num_codes=1), "`num_codes` must be at least 2"),
        (lambda: zoo.fsq_vae(levels=(4, 1)), "`levels` must be at least 2"),
        (lambda: zoo.vq_vae(filters=0), "`filters` must be at least 1"),
    ],
)
def test_builders_refuse(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_sizes_of_the_post():
    model = zoo.vq_vae(
        (128, 128, 3), filters=128, residual_blocks=3, compile=False
    )
    assert model.latent.code_shape == (32, 32)
    assert tuple(ops.shape(model.latent.codebook.sums)) == (64, 128)
    coarse = zoo.fsq_vae((16, 24, 3), (8, 5), halvings=3, filters=4)
    assert coarse.latent.code_shape == (2, 3)


def test_series_of_any_length_are_scored():
    series, codes = keras.Input((None, 2)), keras.Input((None, 4))
    half = keras.layers.Conv1D(4, 4, strides=2, padding="same")
    whole = keras.layers.Conv1DTranspose(2, 4, strides=2, padding="same")
    model = CodeAutoencoder(
        keras.Model(series, half(series)),
        keras.Model(codes, whole(codes)),
        VectorQuantizer(8, 4),
    )
    model.compile("adam", loss="gaussian")
    for length in (16, 12):
        x = np.random.default_rng(0).normal(size=(8, length, 2))
        model.fit(x, verbose=0)
        assert np.isfinite(model.score_samples(x)).all()
