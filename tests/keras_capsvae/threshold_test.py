"""Scores above a threshold are outliers, on every model that has scores."""

import keras
import numpy as np
import pytest

from keras_capsvae import GaussianReconstruction
from keras_capsvae import VariationalAutoencoder
from tests.helpers import numpy_of
from tests.helpers import tensorflow_only
from tests.own_nets import X
from tests.own_nets import compiled
from tests.own_nets import decoder
from tests.own_nets import encoder

OUTLIER = X[:1] + 40


@pytest.fixture
def model():
    # A posterior so narrow that scores do not depend on chance.
    net = VariationalAutoencoder(encoder(log_var=-40.0), decoder(), seed=0)
    return compiled(net, GaussianReconstruction())


def test_quantile_of_the_scores(model):
    model.set_threshold(X, quantile=0.5)
    scores = model.score_samples(X)
    assert model.threshold == pytest.approx(np.quantile(scores, 0.5))
    np.testing.assert_array_equal(
        model.predict_outliers(np.concatenate([X, OUTLIER])),
        [*(scores > np.median(scores)), True],
    )
    model.set_threshold(X, 1, num_samples=4)
    assert model.threshold == model.score_samples(X, 4).max()
    assert not model.predict_outliers(X).any()


def test_asked_before_it_is_set(model):
    assert not model.has_threshold
    for ask in (lambda: model.threshold, lambda: model.predict_outliers(X)):
        with pytest.raises(ValueError, match="must be set before.*set_thresh"):
            ask()


@pytest.mark.parametrize("quantile", [0, 1.1, -1, float("nan")])
def test_quantile_out_of_range(model, quantile):
    with pytest.raises(ValueError, match="`quantile` must be"):
        model.set_threshold(X, quantile)


def test_saved_with_the_model_and_its_weights(model, tmp_path):
    model.set_threshold(X, num_samples=3)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.threshold == model.threshold
    np.testing.assert_array_equal(
        again.predict_outliers(X), model.predict_outliers(X)
    )
    model.save_weights(tmp_path / "model.weights.h5")
    net = VariationalAutoencoder(encoder(), decoder())
    net.load_weights(tmp_path / "model.weights.h5")
    assert net.threshold == model.threshold
    with pytest.warns(UserWarning, match="`threshold` is of the scores before"):
        model.fit(X, verbose=0)


@tensorflow_only
def test_saved_model_scores(model, tmp_path):
    import tensorflow as tf

    model.set_threshold(X, 0.5)
    model.export(tmp_path)
    served = tf.saved_model.load(str(tmp_path))
    both = np.concatenate([X, OUTLIER])
    scores, is_outlier, threshold = map(numpy_of, served.score(both))
    np.testing.assert_allclose(scores, model.score_samples(both), rtol=1e-5)
    assert is_outlier[-1] and 3 <= is_outlier[:-1].sum() <= 5
    assert threshold == pytest.approx(model.threshold)
    names = served.signatures["score"].structured_outputs
    assert set(names) == {"score", "is_outlier", "threshold"}
