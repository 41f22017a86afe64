"""Tables in their own units: numbers, categories, statistics, new rows."""

import keras
import numpy as np
import pandas
import pytest
from keras import layers

import zoo
from keras_capsvae import GaussianMixture
from keras_capsvae import GaussianReconstruction
from keras_capsvae import StandardColumns
from keras_capsvae import TableColumns
from keras_capsvae import TableReconstruction
from keras_capsvae import TabularAutoencoder
from tests import oracles
from tests.helpers import BACKEND
from tests.helpers import check_layer
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.helpers import tensorflow_only

RANDOM = np.random.default_rng(0)
COUNT = 200
LENGTH = RANDOM.normal(size=(COUNT, 1))
# Columns of very different units, the third constant; the last three a
# category that the first column decides.
UNITS = np.array([1e6, 1e-3, 0.1])
CENTRES = np.array([5e6, 0.0, 7.0])
NUMBERS = CENTRES + UNITS * np.concatenate(
    [LENGTH, LENGTH + 0.3 * RANDOM.normal(size=(COUNT, 1)), 0 * LENGTH], 1
)
COLOURS = np.digitize(LENGTH[:, 0], [-0.5, 0.5])
TABLE = np.concatenate([NUMBERS, np.eye(3)[COLOURS]], 1).astype("float32")


def _vae(**arguments):
    usual = {"seed": 0, "learning_rate": 0.01, "jit_compile": False}
    sizes = (6, 2, 16)
    categories = {"colour": 3}
    return zoo.tabular_vae(*sizes, categories=categories, **usual, **arguments)


def _small(columns, **arguments):
    return zoo.tabular_vae(
        columns, 1, 4, seed=0, jit_compile=False, **arguments
    )


@pytest.fixture(scope="module")
def trained():
    model = _vae()
    model.history_of_fit = model.fit(
        TABLE, batch_size=50, epochs=40, verbose=0
    ).history["loss"]
    return model


@pytest.mark.parametrize("cls", [StandardColumns, TableColumns])
def test_layers(cls):
    check_layer(cls, {"categories": [2]}, (5,))


def test_loss_and_gradient_against_the_formula():
    x = np.array([[1.0, -2.0, 0.0, 1.0], [0.5, 3.0, 1.0, 0.0]], "float32")
    rows = np.array([[0.0, -1, 0.2, 0.8], [1.0, 1.0, 0.4, 0.6]], "float32")
    log_variance = np.array([0.3, -0.7], "float32")
    loss = TableReconstruction()
    gaussian = oracles.gaussian(
        x[:, :2], rows[:, :2], np.broadcast_to(np.exp(log_variance), (2, 2))
    )
    expected = gaussian - np.log([0.8, 0.4])
    received = numpy_of(loss.error(x, [rows, log_variance]))
    np.testing.assert_allclose(received, expected, rtol=1e-5)
    by_rows, by_variance = gradient(
        lambda *both: loss(x, list(both)), rows, log_variance
    )
    square = (x - rows)[:, :2] ** 2 * np.exp(-log_variance)
    np.testing.assert_allclose(
        by_variance, 0.5 * (1 - square).mean(0), rtol=1e-5
    )
    np.testing.assert_allclose(
        by_rows[:, :2], (rows - x)[:, :2] * np.exp(-log_variance) / 2, rtol=1e-5
    )
    np.testing.assert_allclose(
        by_rows[:, 2:], -x[:, 2:] / rows[:, 2:] / 2, rtol=1e-5, atol=1e-7
    )


def test_impossible_categories_stay_finite():
    x, rows = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    error = numpy_of(TableReconstruction().error(x, [rows, np.zeros(0)]))
    np.testing.assert_allclose(error, [-np.log(1e-30)], rtol=1e-5)


@pytest.mark.thorough
def test_learns_in_the_units_of_the_table(trained):
    assert np.isfinite(trained.history_of_fit).all()
    assert trained.history_of_fit[-1] < trained.history_of_fit[0] - 1
    rows = trained.reconstruct(TABLE)
    error = np.abs(rows - TABLE)[:, :3].mean(0) / UNITS
    assert error[2] < 0.1
    assert (error < 0.4).all()
    right = rows[:, 3:].argmax(1) == COLOURS
    assert right.mean() > 0.8
    np.testing.assert_allclose(rows[:, 3:].sum(1), 1, rtol=1e-5)


def test_new_rows(trained):
    rows = trained.generate(2000, seed=0)
    np.testing.assert_array_equal(rows, trained.generate(2000, seed=0))
    few = trained.generate(20, seed=0)
    np.testing.assert_allclose(rows[:20], few, rtol=1e-4)
    assert set(np.unique(rows[:, 3:])) == {0, 1}
    np.testing.assert_array_equal(rows[:, 3:].sum(1), 1)
    spread = rows[:, :2].std(0) / TABLE[:, :2].std(0)
    assert ((spread > 0.7) & (spread < 1.4)).all()
    np.testing.assert_allclose(rows[:, 2], 7, atol=0.1)
    shares = rows[:, 3:].mean(0) - TABLE[:, 3:].mean(0)
    assert (np.abs(shares) < 0.15).all()


def test_scores_find_what_does_not_belong_together(trained):
    odd = TABLE[:1].copy()
    odd[0, 1] -= 6 * UNITS[1]
    both = np.concatenate([TABLE, odd])
    trained.set_threshold(TABLE, 0.98, num_samples=10)
    assert trained.predict_outliers(both)[-1]
    assert trained.predict_outliers(both).sum() <= 8
    values = trained.score_values(both)
    assert values[-1].argmax() == 1
    np.testing.assert_array_equal(values[:, 3:] > 0, both[:, 3:] == 1)


def test_first_fit_sets_the_statistics_and_later_ones_do_not():
    model = _vae()
    assert not model.is_adapted
    model.fit(TABLE, batch_size=100, verbose=0)
    assert model.is_adapted
    standard, columns = model.column_layers
    expected = TABLE[:, :3].astype("float64")
    np.testing.assert_allclose(standard.mean, expected.mean(0), rtol=1e-5)
    np.testing.assert_allclose(
        standard.scale, [*expected.std(0)[:2], 7], rtol=1e-5
    )
    np.testing.assert_allclose(columns.scale[2], 7e-5, rtol=1e-5)
    before = numpy_of(columns.scale)
    model.fit(TABLE[:50] * [2, 2, 2, 1, 1, 1], batch_size=50, verbose=0)
    np.testing.assert_array_equal(columns.scale, before)
    model.adapt(TABLE * [2, 2, 2, 1, 1, 1])
    np.testing.assert_allclose(columns.scale[:2], 2 * before[:2], rtol=1e-5)


def test_a_stream_needs_statistics_first():
    model = _vae()
    batches = zoo.datasets.Batches(TABLE, batch_size=100)
    with pytest.raises(ValueError, match=r"model\.adapt\(rows\)"):
        model.fit(batches, verbose=0)
    model.adapt(TABLE)
    model.fit(batches, verbose=0)


def test_saved_and_reloaded(trained, tmp_path):
    trained.set_threshold(TABLE, num_samples=2)
    trained.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is TabularAutoencoder
    assert again.categories == {"colour": 3} and again.is_adapted
    assert again.threshold == trained.threshold
    np.testing.assert_allclose(
        again.score_samples(TABLE), trained.score_samples(TABLE), rtol=1e-4
    )
    trained.save_weights(tmp_path / "own.weights.h5")
    built = _vae(weights=tmp_path / "own.weights.h5")
    np.testing.assert_array_equal(
        built.generate(3, seed=1), trained.generate(3, seed=1)
    )


@pytest.mark.thorough
def test_frames_are_read_by_the_names_of_their_columns(tmp_path):
    names = ["mass", "width", "rate", "red", "green", "blue"]
    frame = pandas.DataFrame(TABLE, columns=names)
    turned = frame[names[::-1]]
    model = _vae()
    both = (turned, [turned])
    model.fit(frame, batch_size=100, validation_data=both, verbose=0)
    assert model.column_names == tuple(names)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.column_names == tuple(names)
    for one in (model, again):
        scores = one.score_samples(TABLE)
        for rows in (turned, frame, pandas.DataFrame(TABLE)):
            np.testing.assert_array_equal(one.score_samples(rows), scores)
        z = one.encode(TABLE)
        np.testing.assert_array_equal(one.encode(turned), z)
        np.testing.assert_array_equal(one.encode({"row": turned}), z)
    model.adapt(turned)
    standard, _ = model.column_layers
    np.testing.assert_allclose(standard.mean, TABLE[:, :3].mean(0), rtol=1e-4)
    model.fit(turned, turned, batch_size=100, verbose=0)
    other = turned.rename(columns={"rate": "speed"})
    for use in (model.fit, model.adapt, model.score_samples, model.predict):
        with pytest.raises(
            ValueError, match="mass, width.*without rate and with speed besides"
        ):
            use(other)
    twice = frame[[*names, "mass"]]
    with pytest.raises(ValueError, match="with some twice"):
        model.encode(twice)


def test_a_row_and_a_call_go_by_names_too():
    names = list("abcdef")
    frame = pandas.DataFrame(TABLE, columns=names)
    model = _vae()
    model.fit(frame, batch_size=100, verbose=0)
    turned = frame[names[::-1]]
    expected = model.interpolate(TABLE[0], TABLE[1], 3)
    received = model.interpolate(turned.iloc[0], turned.iloc[1], 3)
    np.testing.assert_array_equal(received, expected)
    with pytest.raises(ValueError, match="without a"):
        model.interpolate(turned.iloc[0, :5], turned.iloc[1])
    assert model(turned).shape == TABLE.shape
    with pytest.raises(ValueError, match="without a"):
        model(frame[names[1:]])


@pytest.mark.parametrize(("constant", "other"), [(2024, 2025), (1.0, 1.001)])
def test_another_value_of_a_constant_column_is_an_outlier(constant, other):
    table = np.concatenate([np.full((COUNT, 1), constant), LENGTH], axis=1)
    model = _small(2)
    model.fit(table, epochs=3, verbose=0)
    model.set_threshold(table, 0.99)
    assert model.predict_outliers(table).mean() < 0.02
    table[:, 0] = other
    assert model.predict_outliers(table).all()


def test_what_float32_cannot_tell_is_warned_of():
    """Seconds since 1970 of one afternoon."""
    table = np.concatenate([1.7e9 + 20 * LENGTH, LENGTH], axis=1)
    frame = pandas.DataFrame(table, columns=["time", "length"])
    with pytest.warns(UserWarning, match="constant: time. Subtract"):
        _small(2).fit(frame, verbose=0)


def test_columns_of_integers_keep_their_range():
    """Counts, most of them 0, of which a Gaussian would draw −1."""
    counts = RANDOM.poisson(0.3, size=(COUNT, 1))
    table = np.concatenate([counts, LENGTH], axis=1).astype("float32")
    model = _small(2)
    model.fit(table, batch_size=COUNT, verbose=0)
    rows = model.generate(500, seed=0)
    assert rows[:, 0].min() == 0.0 and rows[:, 0].max() <= counts.max()
    _, columns = model.column_layers
    weights = dict(enumerate(map(numpy_of, columns.weights)))
    of_earlier = {str(at): one for at, one in weights.items() if at < 3}
    columns.load_own_variables(of_earlier)  # of version 0.4
    np.testing.assert_array_equal(numpy_of(columns.low), weights[3])


def test_a_model_fitted_on_an_array_reads_frames_by_position():
    model = _vae()
    model.adapt(TABLE)
    frame = pandas.DataFrame(TABLE, columns=list("fedcba"))
    np.testing.assert_array_equal(model.encode(frame), model.encode(TABLE))
    assert model.column_names is None
    with pytest.raises(ValueError, match="must have shape"):
        model.fit(frame[["f"]], verbose=0)
    assert model.column_names is None
    model.fit(frame, batch_size=COUNT, verbose=0)
    assert model.column_names == tuple("fedcba")


@tensorflow_only
def test_saved_model_writes_and_scores_rows(trained, tmp_path):
    import tensorflow as tf

    trained.set_threshold(TABLE, num_samples=2)
    trained.export(tmp_path)
    served = tf.saved_model.load(str(tmp_path))
    rows = numpy_of(served.generate(50))
    assert rows.shape == (50, 6)
    np.testing.assert_array_equal(rows[:, 3:].sum(1), 1)
    assert set(np.unique(rows[:, 3:])) == {0, 1}
    scores, _, threshold = served.score(TABLE)
    assert float(threshold) == pytest.approx(trained.threshold)
    expected = trained.score_samples(TABLE, 2)
    assert abs(numpy_of(scores).mean() - expected.mean()) < 0.5


def test_categories_alone_and_of_one_value():
    rows = np.eye(4, dtype="float32")[RANDOM.integers(4, size=40)]
    rows = np.concatenate([rows, np.ones((40, 1), "float32")], 1)
    model = _small(5, categories=[4, 1])
    history = model.fit(rows, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    np.testing.assert_array_equal(model.generate(6)[:, 4], 1)


def test_one_row_and_one_column():
    model = _small(1)
    history = model.fit(np.full((1, 1), 5.0), epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    np.testing.assert_allclose(model.reconstruct([[5.0]]), 5, atol=0.1)
    assert model.score_samples([[6.0]]) > model.score_samples([[5.0]]) + 100


def test_large_units_do_not_overflow():
    rows = TABLE[:, :2] / UNITS[:2] * 1e25
    model = _small(2)
    history = model.fit(rows, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (TABLE[:, :5], r"must have shape \(batch, 6\)"),
        (np.where(TABLE > 6e6, np.nan, TABLE), "must be finite"),
        (np.where(TABLE > 6e6, np.inf, TABLE), "must be finite"),
        (TABLE[:0], "must not be empty"),
        (TABLE * [1, 1, 1, 2, 2, 2], r"x \(colour\)` must be one-hot"),
    ],
)
def test_unusable_rows(rows, message):
    with pytest.raises(ValueError, match=message):
        _vae().fit(rows, verbose=0)


def test_unusable_sizes():
    with pytest.raises(ValueError, match="no more than the 4 columns"):
        zoo.tabular_vae(4, categories={"colour": 5})
    with pytest.raises(ValueError, match="`num_features` must be at least 1"):
        zoo.tabular_vae(0)


def test_own_nets_and_other_losses():
    row, z = keras.Input((6,)), keras.Input((2,))
    heads = [layers.Dense(2)(StandardColumns([3])(row)) for _ in range(2)]
    linear = layers.Dense(6)(z)
    decoder = keras.Model(z, TableColumns([3])(linear))
    with pytest.raises(ValueError, match="`encoder` must begin with"):
        TabularAutoencoder(keras.Model(row, heads), decoder)
    shared = StandardColumns([3])(row)
    heads = [layers.Dense(2)(shared), layers.Dense(2)(shared)]
    encoder = keras.Model(row, heads)
    with pytest.raises(ValueError, match="`decoder` must end in"):
        TabularAutoencoder(encoder, keras.Model(z, linear))
    other = keras.Model(z, TableColumns([2])(linear))
    with pytest.raises(ValueError, match="must be the same in encoder and"):
        TabularAutoencoder(encoder, other)
    model = TabularAutoencoder(encoder, decoder)
    model.compile("adam", loss=GaussianReconstruction(), jit_compile=False)
    model.adapt(TABLE)
    assert np.isfinite(model.evaluate(TABLE, verbose=0)[0])


@pytest.mark.skipif(BACKEND == "jax", reason="JAX has it behind a switch")
def test_mixed_precision_keeps_the_columns_in_float32():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = _vae()
        history = model.fit(TABLE, batch_size=100, verbose=0).history
    finally:
        keras.config.set_dtype_policy(before)
    assert np.isfinite(history["loss"]).all()
    assert model.reconstruct(TABLE[:2]).dtype == np.float32


@pytest.mark.parametrize(
    "arguments",
    [
        {"prior": GaussianMixture(2)},
        {"free_bits": 0.1, "normalised_mean": 0.5},
        {"regulariser": "mmd"},
        {"capacity": 2.0},
    ],
)
def test_latents_of_a_table_are_made_as_those_of_images(arguments, tmp_path):
    rows = np.random.default_rng(0).normal(size=(32, 3))
    model = zoo.tabular_vae(3, 2, 4, seed=0, **arguments)
    model.fit(rows, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.latent.get_config().keys() == model.latent.get_config().keys()
    np.testing.assert_allclose(again.encode(rows), model.encode(rows))
    if model.latent.num_clusters:
        assert model.predict_clusters(rows).shape == (32,)
