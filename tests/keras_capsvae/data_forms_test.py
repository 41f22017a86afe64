"""Every method of a VAE takes what Keras takes, with equal results."""

import keras
import numpy as np
import pytest

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.validation.forms import as_array
from tests.helpers import tensorflow_only

X = np.random.default_rng(0).random((12, 6)).astype("float32")
X *= X > 0.5

FORMS = {
    "float64": lambda x: x.astype("float64"),
    "list": lambda x: x.tolist(),
    "DataFrame": lambda x: pytest.importorskip("pandas").DataFrame(x),
    "scipy.sparse": lambda x: pytest.importorskip("scipy.sparse").csr_array(x),
    "tensor": keras.ops.convert_to_tensor,
    "in a list": lambda x: [x],
}
TENSORFLOW_FORMS = {
    "Variable": lambda tf, x: tf.Variable(x),
    "sparse tensor": lambda tf, x: tf.sparse.from_dense(x),
    "ragged tensor": lambda tf, x: tf.RaggedTensor.from_tensor(x),
}
METHODS = {
    "evaluate": lambda model, x: model.evaluate(x, verbose=0)[0],
    "fit": lambda model, x: model.fit(x, verbose=0).history["loss"],
    "encode": lambda model, x: model.encode(x),
    "reconstruct": lambda model, x: model.reconstruct(x),
    "score_samples": lambda model, x: model.score_samples(x, 3),
}


@pytest.fixture(scope="module")
def model():
    """A model whose noise vanishes and that does not learn."""
    x, z = keras.Input((6,)), keras.Input((2,))
    log_var = keras.layers.Dense(
        2,
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(-80.0),
    )
    encoder = keras.Model(x, [keras.layers.Dense(2)(x), log_var(x)])
    decoder = keras.Model(z, keras.layers.Dense(6, "sigmoid")(z))
    model = VariationalAutoencoder(encoder, decoder, seed=0)
    optimizer = keras.optimizers.SGD(0.0)
    model.compile(optimizer, loss=BernoulliReconstruction(), jit_compile=False)
    return model


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("form", FORMS)
def test_forms(model, form, method):
    received = METHODS[method](model, FORMS[form](X))
    np.testing.assert_allclose(received, METHODS[method](model, X), rtol=1e-5)


@tensorflow_only
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("form", TENSORFLOW_FORMS)
def test_forms_of_tensorflow(model, form, method):
    import tensorflow as tf

    received = METHODS[method](model, TENSORFLOW_FORMS[form](tf, X))
    np.testing.assert_allclose(received, METHODS[method](model, X), rtol=1e-5)


def test_a_table_with_texts_names_their_columns():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X).assign(colour="red", note=None)
    table["note"] = table["note"].astype("category")
    with pytest.raises(ValueError, match=r"in 'colour' \((object|str)\)"):
        as_array(table, "x")
    table = pandas.DataFrame({"age": pandas.array([1, None], dtype="Int64")})
    found = as_array(table.assign(flag=True), "x")  # refused as not finite
    np.testing.assert_array_equal(found, [[1, 1], [np.nan, 1]])


@tensorflow_only
@pytest.mark.parametrize("name", METHODS)
def test_ragged_rows_of_several_lengths(model, name):
    import tensorflow as tf

    rows = tf.ragged.constant([[0.5] * 6, [0.5] * 5])
    with pytest.raises(ValueError, match=r"x.to_tensor\(\).*ragged tensor"):
        METHODS[name](model, rows)


@tensorflow_only
def test_a_stream_of_ragged_rows(model):
    import tensorflow as tf

    def stream(*lengths):
        rows = tf.ragged.constant([[0.5] * length for length in lengths])
        return tf.data.Dataset.from_tensor_slices(rows).batch(2)

    expected = model.evaluate(np.full((2, 6), 0.5), verbose=0)
    received = model.evaluate(stream(6, 6), verbose=0)
    np.testing.assert_allclose(received, expected, rtol=1e-4)
    with pytest.raises(ValueError, match="rows of one shape.*ragged tensor"):
        model.evaluate(stream(6, 5), verbose=0)
