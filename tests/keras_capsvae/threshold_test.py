"""Scores, of examples and their values, and outliers by a threshold."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from keras_capsvae import BernoulliReconstruction
from keras_capsvae import GaussianReconstruction
from keras_capsvae import ReconstructionLoss
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


def bernoulli(x, mean):
    return -x * np.log(mean) - (1 - x) * np.log1p(-mean)


def gaussian(x, mean):
    return 0.5 * ((x - mean) ** 2 + np.log(2 * np.pi))


@pytest.mark.parametrize(
    ("loss", "activation", "formula"),
    [
        (BernoulliReconstruction(), "sigmoid", bernoulli),
        (GaussianReconstruction(), "sigmoid", gaussian),
        (
            BernoulliReconstruction(from_logits=True),
            "linear",
            lambda x, logits: bernoulli(x, 1 / (1 + np.exp(-logits))),
        ),
    ],
)
@pytest.mark.parametrize("count", [3, 70])
def test_scores_of_values(loss, activation, formula, count):
    net = VariationalAutoencoder(encoder(), decoder(activation=activation))
    x = np.random.default_rng(1).random((count, 6), "float32")
    values = compiled(net, loss).score_values(x)
    np.testing.assert_allclose(
        values, formula(x, net.reconstruct(x)), rtol=1e-5, atol=1e-6
    )


def test_values_and_divergence_make_the_score(model):
    score = model.score_values(X).sum(axis=1)
    mean, log_var = model.posterior(X)
    score += 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)
    np.testing.assert_allclose(model.score_samples(X), score, rtol=1e-5)


def test_values_of_codes_add_up():
    x = np.random.default_rng(2).random((3, 8, 8, 1), "float32")
    model = zoo.vq_vae((8, 8, 1), num_codes=4, filters=2, seed=0)
    uniform = 4 * np.log(4)  # of 2 × 2 codes
    values = model.score_values(x)
    assert values.shape == x.shape
    np.testing.assert_allclose(
        model.score_samples(x), values.sum(axis=(1, 2, 3)) + uniform, rtol=1e-5
    )


class WholeExamples(ReconstructionLoss):
    def error(self, x, reconstruction):
        return ops.max(ops.abs(x - reconstruction), axis=-1)


def test_a_loss_of_whole_examples_has_no_values():
    net = VariationalAutoencoder(encoder(), decoder())
    model = compiled(net, WholeExamples())
    model.fit(X, verbose=0)
    assert model.score_samples(X).shape == (8,)
    with pytest.raises(NotImplementedError, match="WholeExamples must define"):
        model.score_values(X)


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


def test_data_far_beyond_the_targets_are_told():
    """Of nets that scale inside, trained with fit(bytes, bytes / 255)."""
    model = compiled(VariationalAutoencoder(encoder(), decoder()))
    with pytest.warns(UserWarning, match="`x` reaches 255.*scale it"):
        model.score_samples(np.full((2, 6), 255))


def test_a_score_of_ones_own(model, tmp_path):
    model.set_threshold(score=np.float32(93.5), num_samples=3)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert (again.threshold, again.threshold_samples) == (93.5, 3)
    scores = model.score_samples(X, 3)
    np.testing.assert_array_equal(again.predict_outliers(X), scores > 93.5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Received: neither"),
        ({"x": X, "score": 1.0}, "Received: both"),
        ({"score": float("nan")}, "must be finite"),
    ],
)
def test_what_is_no_threshold(model, given, message):
    with pytest.raises(ValueError, match=message):
        model.set_threshold(**given)
    assert not model.has_threshold
