"""One model used by several threads at once."""

import sys
import threading

import keras
import numpy as np
import pytest

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import VariationalAutoencoder
from tests.helpers import BACKEND
from tests.helpers import numpy_of

THREADS = 8
X = np.random.default_rng(0).random((8, 6), "float32")
LABELS = np.eye(3, dtype="float32")[np.arange(8) % 3]


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    x, label = keras.Input((6,)), keras.Input((3,), name="label")
    h = keras.layers.Concatenate()([x, label])
    h = keras.layers.Dense(8, activation="relu")(h)
    heads = [keras.layers.Dense(2)(h), keras.layers.Dense(2)(h)]
    z, given = keras.Input((2,)), keras.Input((3,), name="label")
    h = keras.layers.Concatenate()([z, given])
    decoded = keras.layers.Dense(6, activation="sigmoid")(h)
    model = VariationalAutoencoder(
        keras.Model([x, label], heads), keras.Model([z, given], decoded)
    )
    model.compile("sgd", loss=BernoulliReconstruction())
    return model


def _calls(model):
    z = np.linspace(-1, 1, 16, dtype="float32").reshape(8, 2)
    return {
        "encode": lambda: model.encode([X, LABELS]),
        "decode": lambda: model.decode(z, label=1),
        "reconstruct": lambda: model.reconstruct([X, LABELS]),
        "generate": lambda: model.generate(4, label=2, seed=3),
    }


def _in_threads(work):
    """Run `work` in all threads at once; raise the first error of any."""
    errors = []

    def guarded():
        try:
            work()
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=guarded) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    if errors:
        raise errors[0]


@pytest.mark.parametrize(
    "count", [3, pytest.param(200, marks=pytest.mark.slow)]
)
def test_methods_give_what_they_give_alone(model, count, tmp_path):
    expected = {name: call() for name, call in _calls(model).items()}
    weights = model.get_weights()

    def work():
        for _ in range(count):
            for name, call in _calls(model).items():
                np.testing.assert_allclose(call(), expected[name], rtol=1e-6)

    _in_threads(work)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(after, before)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    history = again.fit([X, LABELS], verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_forward_passes_are_finite(model):
    if BACKEND == "jax":
        pytest.skip("JAX traces one thread's call at a time")

    def work():
        for _ in range(10):
            assert np.isfinite(numpy_of(model([X, LABELS]))).all()

    _in_threads(work)


def test_each_thread_scores_its_own_forward_pass(model):
    """Were the passes mixed up, the loss would refuse or score another's."""
    start = threading.Barrier(THREADS)

    def work():
        for _ in range(5):
            y_pred = model([X, LABELS])
            start.wait()
            loss = model.compute_loss([X, LABELS], None, y_pred)
            assert np.isfinite(numpy_of(loss))

    _in_threads(work)
