"""The forms of data that Keras takes, and lists, in fit, evaluate, predict."""

import keras
import numpy as np
import pandas
import pytest
import scipy.sparse

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import Classifier
from keras_capsvae import LabelAccuracy
from keras_capsvae import LabelCrossentropy
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.validation.forms import as_array
from tests.helpers import tensorflow_only

COUNT, DIM, CLASSES = 10, 6, 3
X = np.random.default_rng(0).random((COUNT, DIM)).astype("float32")
LABELS = np.arange(COUNT) % CLASSES
WEIGHTS = np.linspace(0.0, 2.0, COUNT, dtype="float32")


def made_classifier():
    x = keras.Input((DIM,), name="x")
    scores = keras.layers.Dense(CLASSES, "softmax")(x)
    model = Classifier(x, scores)
    model.compile(
        keras.optimizers.SGD(0.0),
        LabelCrossentropy(),
        metrics=[LabelAccuracy()],
    )
    return model


@pytest.fixture(scope="module")
def classifier():
    return made_classifier()


@pytest.fixture(scope="module")
def vae():
    x, z = keras.Input((DIM,), name="x"), keras.Input((2,))
    encoder = keras.Model(x, [keras.layers.Dense(2)(x) for _ in range(2)])
    decoder = keras.Model(z, keras.layers.Dense(DIM, "sigmoid")(z))
    model = VariationalAutoencoder(encoder, decoder)
    model.compile(keras.optimizers.SGD(0.0), BernoulliReconstruction())
    return model


class Batches(keras.utils.PyDataset):
    def __init__(self, *arrays, **options):
        super().__init__(**options)
        self.arrays = arrays

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return tuple(array[5 * i : 5 * i + 5] for array in self.arrays)


def generator(*arrays):
    return (batch for batch in list(Batches(*arrays)))


def loader(*arrays):
    torch = pytest.importorskip("torch")
    tensors = [torch.as_tensor(array) for array in arrays]
    return torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(*tensors), batch_size=5
    )


def tf_data(*arrays):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays).batch(5)


def distributed(*arrays):
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    return strategy.experimental_distribute_dataset(tf_data(*arrays))


def variable(x):
    import tensorflow as tf

    return tf.Variable(x)


def jax_array(x):
    return pytest.importorskip("jax.numpy").asarray(x)


def torch_tensor(x):
    torch = pytest.importorskip("torch")
    return torch.tensor(x)


def memory_map(x, folder):
    path = folder / "x.npy"
    np.save(path, x)
    return np.load(path, mmap_mode="r")


ARRAYS = {
    "list": lambda x: x.tolist(),
    "float64": lambda x: x.astype("float64"),
    "float16": lambda x: x.astype("float16"),
    "DataFrame": pandas.DataFrame,
    "mixed DataFrame": lambda x: pandas.DataFrame(x).astype({0: object}),
    "tensor": keras.ops.convert_to_tensor,
    "torch": torch_tensor,
    "jax": jax_array,
    "tf.Variable": variable,
    "[x]": lambda x: [x],
}
STREAMS = {
    "PyDataset": Batches,
    "generator": generator,
    "DataLoader": loader,
    "tf.data": tf_data,
    "distributed tf.data": distributed,
}
OF_LABELS = {
    "list": lambda y: y.tolist(),
    "list of NumPy's": list,
    "column": lambda y: y[:, None],
    "float": lambda y: y.astype("float32"),
    "uint8": lambda y: y.astype("uint8"),
    "Series": pandas.Series,
    "DataFrame": lambda y: pandas.DataFrame({"label": y}),
    "tensor": keras.ops.convert_to_tensor,
    "[y]": lambda y: [y],
    "{name: y}": lambda y: {"scores": y},
    "one-hot": lambda y: np.eye(CLASSES)[y],
}
OF_WEIGHTS = {
    "list": lambda w: w.tolist(),
    "column": lambda w: w[:, None],
    "Series": pandas.Series,
    "[w]": lambda w: [w],
    "column of a tensor": lambda w: keras.ops.convert_to_tensor(w[:, None]),
}


def named(table):
    return [
        pytest.param(
            form, id=name, marks=[tensorflow_only] if "tf." in name else []
        )
        for name, form in table.items()
    ]


def loss(model, *data, **options):
    result = model.evaluate(*data, verbose=0, return_dict=True, **options)
    return result["loss"]


def fitted(model, *data, **options):
    history = model.fit(*data, verbose=0, shuffle=False, **options).history
    return {name: values[-1] for name, values in history.items()}


@pytest.mark.parametrize("form", named(ARRAYS))
def test_arrays_of_every_form(classifier, form):
    expected = loss(classifier, X, LABELS)
    tolerance = 1e-3 if form is ARRAYS["float16"] else 1e-5
    received = [
        loss(classifier, form(X), LABELS),
        fitted(classifier, form(X), LABELS)["loss"],
        fitted(classifier, X, LABELS, validation_data=(form(X), LABELS))[
            "val_loss"
        ],
    ]
    np.testing.assert_allclose(received, [expected] * 3, rtol=tolerance)
    np.testing.assert_allclose(
        classifier.predict(form(X), verbose=0),
        classifier.predict(X, verbose=0),
        rtol=tolerance,
    )


@pytest.mark.parametrize("form", named(OF_LABELS))
def test_labels_of_every_form(classifier, form):
    expected = loss(classifier, X, LABELS)
    received = [
        loss(classifier, X, form(LABELS)),
        fitted(classifier, X, form(LABELS))["loss"],
        fitted(classifier, X, LABELS, validation_data=(X, form(LABELS)))[
            "val_loss"
        ],
        classifier.test_on_batch(X, form(LABELS), return_dict=True)["loss"],
    ]
    np.testing.assert_allclose(received, [expected] * 4, rtol=1e-5)


@pytest.mark.parametrize("form", named(OF_WEIGHTS))
def test_weights_of_every_form(classifier, form):
    expected = loss(classifier, X, LABELS, sample_weight=WEIGHTS)
    given = form(WEIGHTS)
    received = [
        loss(classifier, X, LABELS, sample_weight=given),
        fitted(classifier, X, LABELS, sample_weight=given)["loss"],
        fitted(classifier, X, LABELS, validation_data=(X, LABELS, given))[
            "val_loss"
        ],
        classifier.test_on_batch(X, LABELS, given, return_dict=True)["loss"],
        classifier.train_on_batch(X, LABELS, given, return_dict=True)["loss"],
    ]
    np.testing.assert_allclose(received, [expected] * 5, rtol=1e-5)


@pytest.mark.parametrize("form", named(STREAMS))
@pytest.mark.parametrize("column", [False, True])
def test_streams_of_every_form(classifier, form, column):
    weights = WEIGHTS[:, None] if column else WEIGHTS
    data = X, LABELS, weights
    expected = loss(classifier, X, LABELS, sample_weight=WEIGHTS, batch_size=5)
    if column and form is distributed:
        pytest.skip("a distributed data set is handed on as it is")
    received = [
        loss(classifier, form(*data)),
        fitted(classifier, form(*data))["loss"],
        fitted(classifier, X, LABELS, validation_data=form(*data))["val_loss"],
    ]
    np.testing.assert_allclose(received, [expected] * 3, rtol=1e-5)
    if not column:
        np.testing.assert_allclose(
            classifier.predict(form(X), verbose=0),
            classifier.predict(X, verbose=0),
            rtol=1e-5,
        )


@tensorflow_only
@pytest.mark.parametrize("nest", [tuple, lambda y: {"scores": y[0]}])
def test_targets_of_tf_data_in_a_tuple_or_a_dict(classifier, nest):
    import tensorflow as tf

    data = tf_data(X, LABELS).map(lambda x, y: (x, nest([y])))
    expected = loss(classifier, X, LABELS)
    assert loss(classifier, data) == pytest.approx(expected, rel=1e-5)
    assert isinstance(data, tf.data.Dataset)


def test_a_memory_map_is_read_by_a_sample(classifier, tmp_path):
    x = memory_map(X, tmp_path)
    expected = loss(classifier, X, LABELS)
    assert loss(classifier, x, LABELS) == pytest.approx(expected, rel=1e-6)


def test_a_fault_between_the_rows_of_a_sample_is_named(tmp_path):
    x = np.zeros((1000, DIM), "float32")
    x[1] = np.nan
    x, labels = memory_map(x, tmp_path), np.zeros(1000)
    with pytest.raises(ValueError, match="loss of epoch 1 is nan.*`x` must be"):
        made_classifier().fit(x, labels, verbose=0)
    with pytest.raises(ValueError, match="loss is nan.*`x` must be finite"):
        made_classifier().evaluate(x, labels, verbose=0)


LATE = np.where(np.arange(COUNT)[:, None] == 7, np.nan, X).astype("float32")


@pytest.mark.parametrize("form", named(STREAMS))
def test_a_late_batch_is_refused(form):
    model = made_classifier()
    with pytest.raises(ValueError, match="must be finite"):
        model.fit(form(LATE, LABELS), verbose=0)
    model = made_classifier()
    with pytest.raises(ValueError, match="must be finite"):
        model.evaluate(form(LATE, LABELS), verbose=0)
    model = made_classifier()
    with pytest.raises(ValueError, match="must be finite"):
        model.fit(X, LABELS, validation_data=form(LATE, LABELS), verbose=0)


def test_a_training_that_fails_on_sound_data_goes_on():
    model = made_classifier()
    model.compile(keras.optimizers.SGD(float("inf")), LabelCrossentropy())
    history = model.fit(X, LABELS, epochs=2, verbose=0).history
    assert np.isnan(history["loss"][1])


def test_sparse_inputs(classifier):
    sparse = scipy.sparse.csr_matrix(X)
    expected = loss(classifier, X, LABELS)
    assert loss(classifier, sparse, LABELS) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="must be finite"):
        classifier.fit(sparse * np.nan, LABELS, verbose=0)
    with pytest.raises(ValueError, match=r"shape \(batch, 6\)"):
        classifier.predict(sparse[:, :3], verbose=0)


@tensorflow_only
def test_ragged_inputs():
    import tensorflow as tf

    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(5, 4)(ids)
    x = keras.layers.GlobalAveragePooling1D()(x)
    model = Classifier(ids, keras.layers.Dense(CLASSES, "softmax")(x))
    model.compile("sgd", LabelCrossentropy())
    ragged = tf.ragged.constant([[1, 2], [3], [4, 1, 2]])
    model.fit(ragged, [0, 1, 2], verbose=0)
    assert model.predict(ragged, verbose=0).shape == (3, CLASSES)
    with pytest.raises(ValueError, match=r"must lie in \[0, 4\]"):
        model.predict(ragged + 1, verbose=0)


@pytest.mark.parametrize("form", [Batches, generator, tf_data, loader])
def test_class_weights_of_streams(classifier, form):
    weights = {0: 1.0, 1: 3.0, 2: 0.5}
    if form is tf_data and keras.backend.backend() != "tensorflow":
        pytest.skip("tf.data of another backend")
    expected = np.array([1.0, 3.0, 0.5], "float32")[LABELS]
    if form in (generator, loader):
        with pytest.raises(ValueError, match="`class_weight` is not supported"):
            classifier.fit(form(X, LABELS), class_weight=weights, verbose=0)
        return
    received = fitted(classifier, form(X, LABELS), class_weight=weights)
    weighted = loss(classifier, X, LABELS, sample_weight=expected, batch_size=5)
    assert received["loss"] == pytest.approx(weighted, rel=1e-5)


def test_class_weights_of_what_is_no_single_class(classifier, vae):
    with pytest.raises(ValueError, match=r"`class_weight` must be None"):
        vae.fit(X, X, class_weight={0: 1.0}, verbose=0)
    several = np.ones((COUNT, CLASSES))
    with pytest.raises(ValueError, match="must be one-hot"):
        classifier.fit(X, several, class_weight={0: 2.0}, verbose=0)
    with pytest.raises(ValueError, match=r"`class_weight\[1\]` must be finite"):
        classifier.fit(X, LABELS, class_weight={1: np.nan}, verbose=0)


@pytest.mark.parametrize("weight", [np.inf, np.nan, -1.0])
@pytest.mark.parametrize("column", [False, True])
def test_weights_that_weigh_nothing_sensible(classifier, weight, column):
    weights = np.full((COUNT, 1) if column else COUNT, weight)
    for run in (classifier.fit, classifier.evaluate):
        with pytest.raises(ValueError, match="`sample_weight` must"):
            run(X, LABELS, sample_weight=weights, verbose=0)


REFUSED = {
    "objects": (X.astype(object), "must hold numbers.*object"),
    "complex": (X.astype("complex64"), "must hold numbers.*complex64"),
    "texts": (["a", "b"], "must have shape|must hold numbers"),
    "rows of other lengths": ([[1.0], [1.0, 2.0]], "rows of one shape"),
    "several arrays": ([X, X], "must hold 1 input"),
    "beyond float32": (X.astype("float64") * 1e300, "must be finite"),
    "missing in a table": (pandas.DataFrame(LATE), "must be finite"),
    "names in a table": (pandas.DataFrame({"a": ["b"]}), "must hold numbers"),
}


@pytest.mark.parametrize(("x", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(classifier, x, message):
    labels = LABELS[: len(x)]
    runs = [
        lambda: classifier.fit(x, labels, verbose=0),
        lambda: classifier.evaluate(x, labels, verbose=0),
        lambda: classifier.predict(x, verbose=0),
        lambda: classifier.fit(X, LABELS, validation_data=(x, labels)),
    ]
    for run in runs:
        with pytest.raises(ValueError, match=message):
            run()


def test_the_range_of_a_target_has_room_for_rounding(vae):
    edge = np.clip(2 * X, 0, 1)
    expected = fitted(vae, edge)["reconstruction_loss"]
    above = edge * np.float32(1.0000002)
    assert np.isfinite(expected)
    assert np.isfinite(fitted(vae, above)["reconstruction_loss"])
    with pytest.raises(ValueError, match=r"`x` must lie in \[0, 1\]"):
        vae.fit(edge * 1.001, verbose=0)
    error = BernoulliReconstruction()
    pixels = np.full((1, 2), 0.25, "float32")
    ends = np.array([[0.0, 1.0]], "float32")
    outside = np.array([[-1e-7, 1 + 1e-6]], "float32")
    assert float(error(outside, pixels)) == float(error(ends, pixels))


def test_the_range_of_an_input_is_free_where_it_is_not_the_target(vae):
    noisy = X + 3.0
    fitted(vae, noisy, X)
    vae.predict(noisy, verbose=0)
    with pytest.raises(ValueError, match=r"`y` must lie in \[0, 1\]"):
        vae.fit(X, noisy, verbose=0)
    with pytest.raises(ValueError, match=r"`x` must lie in \[0, 1\]"):
        vae.fit(noisy, verbose=0)


@pytest.mark.parametrize(
    "callback",
    [keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau],
)
def test_monitors_know_that_accuracy_rises(callback):
    watch = callback(monitor="val_accuracy")
    made_classifier().fit(
        X, LABELS, validation_data=(X, LABELS), callbacks=[watch], verbose=0
    )
    assert watch.monitor_op is keras.ops.greater


@pytest.mark.parametrize("kind", [list, np.array, pandas.Series])
def test_names_of_classes_bring_how_to_number_them(kind, classifier):
    names = kind(["cat", "dog"] * (len(X) // 2))
    with pytest.raises(ValueError, match="np.unique.*names of classes"):
        classifier.fit(X, names, verbose=0)
    assert np.unique(names, return_inverse=True)[1].max() == 1


def test_masked_values_are_refused():
    masked = np.ma.masked_equal(np.array([[1.0, 999.0], [2.0, 3.0]]), 999.0)
    with pytest.raises(ValueError, match="1 masked values"):
        as_array(masked, "x")
    whole = as_array(np.ma.masked_equal(masked.data, 5.0), "x")
    assert type(whole) is np.ndarray


def test_foreign_bytes_become_native():
    foreign = np.arange(3, dtype=">f4")
    native = as_array(foreign, "x")
    assert native.dtype.isnative and native.dtype == np.float32
    np.testing.assert_array_equal(native, foreign)
