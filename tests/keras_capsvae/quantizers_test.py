"""Codes against NumPy: values, gradients, moving averages, starts, resets."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import FiniteScalarQuantizer
from keras_capsvae import KLWarmUp
from keras_capsvae import ResidualQuantizer
from keras_capsvae import VariationalAutoencoder
from keras_capsvae import VectorQuantizer
from keras_capsvae import quantization
from tests import codes_oracles as oracles
from tests.helpers import SIXTEEN_BIT_POLICIES
from tests.helpers import gradient
from tests.helpers import numpy_of

K, DIM = 5, 3
RANDOM = np.random.default_rng(0)
Z = RANDOM.normal(size=(4, 2, 3, DIM)).astype("float32")
CODES = RANDOM.normal(size=(K, DIM)).astype("float32")
UNMOVED = {"k_means_start": False, "reset_below": 0.0}
KINDS = [
    {"codebook": "ema"},
    {"codebook": "loss"},
    {"codebook": "simvq"},
    {"gradient": "rotation"},
    {"gradient": "diveq"},
]


def quantizer(**options):
    """With the codes CODES."""
    latent = VectorQuantizer(K, DIM, seed=0, **{**UNMOVED, **options})
    latent.build(Z.shape)
    codebook = latent.codebook
    if latent.codebook_name == "ema":
        codebook.sums.assign(CODES)
    else:
        codebook.codes.assign(CODES)
    if latent.codebook_name == "simvq":
        codebook.matrix.assign(np.eye(DIM))
    return latent


def vectors_of(latent):
    return numpy_of(latent.codebook.vectors())


@pytest.mark.parametrize("options", KINDS)
def test_nearest_codes_and_their_penalty(options):
    latent = quantizer(**options)
    z, divergence, penalty = numpy_of(latent(Z))
    codes = oracles.nearest(Z, CODES)
    np.testing.assert_array_equal(numpy_of(latent.value([Z])), codes)
    np.testing.assert_allclose(z, CODES[codes], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(divergence, 6 * np.log(K), rtol=1e-6)
    error = ((Z - CODES[codes]) ** 2).sum((1, 2, 3))
    weight = 0.25 + (options.get("codebook") in ("loss", "simvq"))
    weight *= options.get("gradient") != "diveq"
    np.testing.assert_allclose(penalty, weight * error, rtol=1e-5)
    np.testing.assert_array_equal(
        numpy_of(latent.embedded(codes)), CODES[codes]
    )


@pytest.mark.parametrize("name", ["straight_through", "rotated"])
def test_gradients_through_the_choice(name):
    z, q = Z[0, 0], CODES[:3]
    weights = RANDOM.normal(size=(3, DIM)).astype("float32")
    function = getattr(quantization, name)
    codes, upstream = map(ops.convert_to_tensor, (q, weights))
    (received,) = gradient(lambda z: ops.sum(upstream * function(z, codes)), z)
    matrices = {
        "straight_through": lambda z, q: np.eye(DIM),
        "rotated": oracles.rotation,
    }
    expected = [matrices[name](a, b).T @ w for a, b, w in zip(z, q, weights)]
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)


def test_a_rotation_of_what_has_no_direction():
    z = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]], "float32")
    q = np.array([[3.0, 1.0], [-2.0, 0.0], [0.0, 0.0]], "float32")
    np.testing.assert_allclose(
        numpy_of(quantization.rotated(z, q)), q, atol=1e-6
    )
    (received,) = gradient(
        lambda z: ops.sum(quantization.rotated(z, ops.convert_to_tensor(q))), z
    )
    assert np.isfinite(received).all()


def test_diveq_reaches_inputs_and_codes():
    z, q = Z[0, 0], CODES[:3]
    weights = RANDOM.normal(size=(3, DIM)).astype("float32")
    received = gradient(
        lambda z, q: ops.sum(weights * quantization.along_the_error(z, q)), z, q
    )
    unit = (q - z) / np.linalg.norm(q - z, axis=-1, keepdims=True)
    along = unit * (unit * weights).sum(-1, keepdims=True)
    np.testing.assert_allclose(received[0], weights - along, atol=1e-5)
    np.testing.assert_allclose(received[1], along, atol=1e-5)
    (at_a_code,) = gradient(
        lambda z: ops.sum(quantization.along_the_error(z, 1 * z)), z
    )
    assert np.isfinite(at_a_code).all()


def test_moving_averages_start_from_the_codes():
    latent = quantizer(decay=0.9)
    counts, sums = np.ones(K), CODES
    for batch in (Z, Z[:1] + 0.5, -Z):
        codes = oracles.nearest(batch, vectors_of(latent))
        latent(batch, training=True)
        counts, sums = oracles.moving_averages(counts, sums, batch, codes, 0.9)
        np.testing.assert_allclose(
            numpy_of(latent.codebook.counts), counts, rtol=1e-5
        )
        np.testing.assert_allclose(
            vectors_of(latent), sums / counts[:, None], rtol=1e-4, atol=1e-5
        )


def test_nothing_is_learnt_in_inference_nor_by_what_is_frozen():
    latent = quantizer()
    latent(Z)
    latent(Z, training=False)
    latent.trainable = False
    latent(Z, training=True)
    np.testing.assert_array_equal(vectors_of(latent), CODES)


def test_unused_codes_stay_where_they_are_for_ever():
    latent = quantizer(decay=0.01)
    far = CODES.copy()
    far[0] += 1000
    latent.codebook.sums.assign(far)
    for _ in range(20):
        latent(Z, training=True)
    np.testing.assert_allclose(vectors_of(latent)[0], far[0], rtol=1e-5)


def test_k_means():
    vectors = Z.reshape(-1, DIM)
    received = numpy_of(quantization.k_means(vectors, ops.array(CODES), 4))
    expected = oracles.k_means(vectors, CODES, 4)
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("codebook", ["ema", "loss"])
def test_the_first_batch_starts_the_codes(codebook):
    latent = VectorQuantizer(K, DIM, codebook=codebook, seed=0)
    latent(Z)  # not in training: nothing has started
    assert float(latent.started) == 0
    latent(Z, training=True)
    started = vectors_of(latent)
    codes = oracles.nearest(Z, started)
    for k in range(K):
        mean = Z[codes == k].mean(0)
        np.testing.assert_allclose(started[k], mean, rtol=1e-4, atol=1e-5)
    latent(10 * Z, training=True)  # which starts them no more
    assert abs(vectors_of(latent)).max() < 2 * abs(started).max()


@pytest.mark.parametrize("codebook", ["ema", "loss"])
def test_a_dead_code_becomes_an_input(codebook):
    latent = quantizer(codebook=codebook, reset_below=0.5, decay=0.5)
    places = CODES.copy()
    places[2] = 30
    vectors = "sums" if codebook == "ema" else "codes"
    getattr(latent.codebook, vectors).assign(places)
    latent(Z, training=True)
    distances = abs(vectors_of(latent)[2] - Z.reshape(-1, DIM)).sum(-1)
    assert distances.min() < 1e-4


def test_fewer_inputs_than_codes():
    latent = VectorQuantizer(50, DIM, seed=0)
    z, _, penalty = numpy_of(latent(Z[:1, :1], training=True))
    assert np.isfinite(z).all() and np.isfinite(penalty).all()
    assert np.isfinite(vectors_of(latent)).all()


@pytest.mark.parametrize("levels", [(2, 3), (8, 5, 5), (4,)])
def test_finite_scalars(levels):
    latent = FiniteScalarQuantizer(levels)
    dim, count = len(levels), np.prod(levels)
    z = RANDOM.normal(0, 2, size=(3, 4, dim)).astype("float32")
    received, divergence, penalty = numpy_of(latent(z))
    highest = np.array(levels) - 1
    digits = np.round(highest / (1 + np.exp(-z.astype("float64"))))
    np.testing.assert_allclose(received, 2 * digits / highest - 1, atol=1e-6)
    np.testing.assert_allclose(divergence, 4 * np.log(count), rtol=1e-6)
    assert not penalty.any()
    every = oracles.finite_scalars(levels)
    vectors = numpy_of(latent.embedded(np.arange(count)))
    np.testing.assert_allclose(vectors, 2 * every / highest - 1, atol=1e-6)
    codes = numpy_of(latent.value(z))
    np.testing.assert_array_equal(every[codes], digits)
    np.testing.assert_array_equal(
        numpy_of(latent.nearest_codes(vectors)), np.arange(count)
    )


def test_the_gradient_of_finite_scalars_is_that_of_the_sigmoid():
    latent = FiniteScalarQuantizer((5, 3, 2))
    (received,) = gradient(lambda z: ops.sum(latent(z)[0]), Z)
    sigmoid = 1 / (1 + np.exp(-Z))
    expected = 2 * sigmoid * (1 - sigmoid)
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6)


def test_residuals():
    parts = [quantizer(), quantizer()]
    parts[1].codebook.sums.assign(0.3 * CODES)
    latent = ResidualQuantizer(parts)
    z, divergence, penalty = numpy_of(latent(Z))
    first = oracles.nearest(Z, CODES)
    rest = Z - CODES[first]
    second = oracles.nearest(rest, 0.3 * CODES)
    expected = CODES[first] + 0.3 * CODES[second]
    codes = numpy_of(latent.value(Z))
    np.testing.assert_array_equal(codes, np.stack([first, second], -1))
    np.testing.assert_allclose(z, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(divergence, 12 * np.log(K), rtol=1e-6)
    errors = rest**2 + (rest - 0.3 * CODES[second]) ** 2
    np.testing.assert_allclose(penalty, 0.25 * errors.sum((1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(
        numpy_of(latent.embedded(codes)), expected, rtol=1e-5, atol=1e-6
    )
    assert latent.code_shape == (2, 3, 2)
    (received,) = gradient(lambda z: ops.sum(latent(z)[0]), Z)
    np.testing.assert_allclose(received, np.ones_like(Z), rtol=1e-5)


def test_perplexity():
    codes = RANDOM.integers(K, size=(3, 4, 5))
    received = numpy_of(quantizer().perplexity(ops.array(codes)))
    np.testing.assert_allclose(received, oracles.perplexity(codes), rtol=1e-5)


def net(latent, optimizer="adam"):
    """Vectors of 8 × DIM, whose encoder and decoder do as little as can be."""
    x, z = keras.Input((4, 2, DIM)), keras.Input((4, 2, latent_dim_of(latent)))
    encoded = layers.Dense(latent_dim_of(latent), use_bias=False)(x)
    decoded = layers.Dense(DIM, "sigmoid")(z)
    model = VariationalAutoencoder(
        keras.Model(x, encoded), keras.Model(z, decoded), latent
    )
    model.compile(optimizer, loss=BernoulliReconstruction(), jit_compile=False)
    return model


def latent_dim_of(latent):
    return len(getattr(latent, "levels", range(DIM)))


X = RANDOM.random((10, 4, 2, DIM)).astype("float32")


@pytest.mark.parametrize("codebook", ["loss", "simvq"])
def test_trained_codes_follow_the_codebook_loss(codebook):
    latent = quantizer(codebook=codebook)
    model = net(latent, optimizer=keras.optimizers.SGD(0.01))
    (z,) = model.posterior(X)
    codes = oracles.nearest(z, CODES)
    slope = np.zeros((K, DIM))
    for vector, code in zip(z.reshape(-1, DIM), codes.ravel()):
        slope[code] += 2 * (CODES[code] - vector) / len(X)
    model.fit(X, batch_size=10, verbose=0)
    moved = CODES - 0.01 * slope
    if codebook == "simvq":
        moved = CODES @ (np.eye(DIM) - 0.01 * CODES.T @ slope)
    np.testing.assert_allclose(vectors_of(latent), moved, rtol=1e-4, atol=1e-5)


@pytest.mark.thorough
def test_training_goes_on_from_a_file_as_without(tmp_path):
    keras.utils.set_random_seed(0)
    kinds = [{}, {"codebook": "loss"}]
    parts = [VectorQuantizer(K, DIM, seed=1, **options) for options in kinds]
    model = net(ResidualQuantizer(parts))
    model.fit(X, batch_size=5, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for one in (model, again):
        history = one.fit(X, batch_size=5, shuffle=False, verbose=0).history
    for one, other in zip(again.get_weights(), model.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert 1 <= history["perplexity"][0] <= K
    for one, other in zip(again.latent.quantizers, parts, strict=True):
        assert one.get_config() == other.get_config()


@pytest.mark.parametrize("policy", SIXTEEN_BIT_POLICIES)
@pytest.mark.parametrize(
    "build",
    [
        lambda policy: VectorQuantizer(K, DIM, dtype=policy),
        lambda policy: FiniteScalarQuantizer((8, 8, 8), dtype=policy),
    ],
)
def test_sixteen_bits(policy, build):
    latent = build(policy)
    z = ops.cast(1e4 * Z, latent.compute_dtype)
    quantized, divergence, penalty = latent(z, training=True)
    assert keras.backend.standardize_dtype(quantized.dtype) in policy
    assert np.isfinite(numpy_of(divergence + penalty)).all()
    codes = numpy_of(latent.value(z))
    assert 0 <= codes.min() <= codes.max() < latent.num_codes


def test_codes_of_a_model():
    model = net(quantizer())
    codes = model.encode(X)
    assert codes.shape == (10, 4, 2) and codes.dtype == "int32"
    np.testing.assert_allclose(
        model.decode(codes), model.reconstruct(X), rtol=1e-5
    )
    np.testing.assert_allclose(
        model.interpolate(X[0], X[1], 3)[[0, 2]],
        model.reconstruct(X[:2]),
        rtol=1e-5,
    )
    figures = model.evaluate(X, verbose=0, return_dict=True)
    bound = figures["reconstruction_loss"] + 8 * np.log(K)
    np.testing.assert_allclose(figures["negative_elbo"], bound, rtol=1e-5)
    np.testing.assert_allclose(model.score_samples(X).mean(), bound, rtol=1e-5)
    with pytest.raises(ValueError, match="latent with densities"):
        model.score_samples(X, num_samples=5)


def test_single_codes_of_flat_latents():
    latent = VectorQuantizer(4, 2, seed=0)
    x, z = keras.Input((6,)), keras.Input((2,))
    model = VariationalAutoencoder(
        keras.Model(x, layers.Dense(2)(x)),
        keras.Model(z, layers.Dense(6, "sigmoid")(z)),
        latent,
    )
    model.compile("adam", loss=BernoulliReconstruction())
    model.fit(X[:, 0].reshape(10, 6), verbose=0)
    assert model.encode(X[:, 0].reshape(10, 6)).shape == (10,)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: VectorQuantizer(1, 4), "`num_codes` must be at least 2"),
        (lambda: VectorQuantizer(8, 0), "`dim` must be at least 1"),
        (
            lambda: VectorQuantizer(8, 4, decay=1.0),
            r"`decay` must lie in \[0, 1\)",
        ),
        (lambda: VectorQuantizer(8, 4, gradient="st"), "`gradient` must be on"),
        (lambda: VectorQuantizer(8, 4, codebook="k"), "`codebook` must be one"),
        (
            lambda: VectorQuantizer(8, 4, codebook="ema", gradient="diveq"),
            "'loss' or 'simvq' under DiVeQ",
        ),
        (lambda: FiniteScalarQuantizer((8, 1)), "`levels` must be at least 2"),
        (lambda: FiniteScalarQuantizer(()), "`levels` must be a sequence"),
        (lambda: FiniteScalarQuantizer((4,) * 16), "at most 2147483647 codes"),
        (lambda: ResidualQuantizer([]), "at least one, alike"),
        (lambda: VectorQuantizer(8, 4)(Z), "vectors of 4 dims.*2, 3, 3"),
        (lambda: FiniteScalarQuantizer((4, 4))(Z), "give 2 numbers.*2, 3, 3"),
    ],
)
def test_what_cannot_be(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_warm_up_has_nothing_to_move():
    with pytest.raises(ValueError, match="whose divergence has a weight"):
        net(quantizer()).fit(X, verbose=0, callbacks=[KLWarmUp(2)])
