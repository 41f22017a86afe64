import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from keras import ops

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import CategoricalReconstruction
from keras_capsvae import GaussianReconstruction
from keras_capsvae import LabelCrossentropy
from keras_capsvae import MarginLoss
from keras_capsvae import SpreadLoss
from tests import capsule_oracles
from tests import oracles
from tests.helpers import gradient
from tests.helpers import numpy_of

quick = settings(max_examples=8, deadline=None)
shapes = st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple)
seeds = st.integers(0, 2**32 - 1)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def softmax(logits):
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(-1, keepdims=True)


def images(shape, seed):
    """Targets in [0, 1] and logits."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, shape).astype("float32")
    return random.random(shape, "float32"), logits


@quick
@given(shapes, seeds)
def test_bernoulli(shape, seed):
    x, logits = images(shape, seed)
    expected = oracles.bernoulli_from_logits(x, logits).mean()
    by_logits = BernoulliReconstruction(from_logits=True)(x, logits)
    np.testing.assert_allclose(numpy_of(by_logits), expected, rtol=1e-5)
    probabilities = sigmoid(logits).astype("float32")
    expected = oracles.bernoulli_from_probabilities(x, probabilities).mean()
    received = BernoulliReconstruction()(x, probabilities)
    np.testing.assert_allclose(numpy_of(received), expected, rtol=1e-5)


@quick
@given(shapes, seeds, st.sampled_from([0.1, 1.0, 3.0]))
def test_gaussian(shape, seed, variance):
    x, mean = images(shape, seed)
    received = GaussianReconstruction(variance)(x, mean)
    expected = oracles.gaussian(x, mean, variance).mean()
    np.testing.assert_allclose(
        numpy_of(received), expected, rtol=1e-5, atol=1e-5
    )


@quick
@given(shapes, seeds)
def test_categorical(shape, seed):
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (*shape, 4)).astype("float32")
    classes = random.integers(4, size=shape)
    expected = oracles.categorical_from_logits(classes, logits).mean()
    one_hot = np.eye(4, dtype="float32")[classes]
    for x in (classes, one_hot):
        by_logits = CategoricalReconstruction(from_logits=True)(x, logits)
        np.testing.assert_allclose(numpy_of(by_logits), expected, rtol=1e-5)
        by_probabilities = CategoricalReconstruction()(x, softmax(logits))
        np.testing.assert_allclose(
            numpy_of(by_probabilities), expected, rtol=1e-5
        )


GRADIENTS = {
    "bernoulli": (
        BernoulliReconstruction(from_logits=True),
        lambda x, a: sigmoid(a) - x,
    ),
    "gaussian": (GaussianReconstruction(0.5), lambda x, a: (a - x) / 0.5),
    "categorical": (
        CategoricalReconstruction(from_logits=True),
        lambda x, a: softmax(a) - x,
    ),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    loss, derivative = GRADIENTS[name]
    random = np.random.default_rng(0)
    outputs = random.normal(size=(3, 2, 4)).astype("float32")
    x = np.eye(4, dtype="float32")[random.integers(4, size=(3, 2))]
    (received,) = gradient(lambda tensor: loss(x, tensor), outputs)
    expected = derivative(x, outputs.astype("float64")) / len(x)
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-7)


def test_bernoulli_gradient_from_probabilities():
    x, logits = images((3, 5), seed=0)
    probabilities = sigmoid(logits)
    (received,) = gradient(
        lambda tensor: BernoulliReconstruction()(x, tensor), probabilities
    )
    expected = oracles.central_differences(
        lambda p: oracles.bernoulli_from_probabilities(x, p).mean(),
        probabilities,
    )
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)


def test_sums_over_dims_and_averages_over_the_batch():
    x, logits = images((4, 3, 2), seed=0)
    loss = BernoulliReconstruction(from_logits=True)
    one = numpy_of(loss(x, logits))
    twice = numpy_of(loss(np.tile(x, (2, 1, 1)), np.tile(logits, (2, 1, 1))))
    wider = numpy_of(loss(np.tile(x, (1, 1, 2)), np.tile(logits, (1, 1, 2))))
    np.testing.assert_allclose(twice, one, rtol=1e-6)
    np.testing.assert_allclose(wider, 2 * one, rtol=1e-6)


@pytest.mark.parametrize("logit", [-300.0, 300.0])
def test_confident_mistakes_from_logits(logit):
    x = np.full((1, 2), float(logit < 0), "float32")
    logits = np.full((1, 2), logit, "float32")
    loss = BernoulliReconstruction(from_logits=True)
    assert float(loss(x, logits)) == 600
    (slope,) = gradient(lambda tensor: loss(x, tensor), logits)
    np.testing.assert_allclose(slope, np.sign(logit), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bit_outputs_are_computed_in_float32(dtype):
    x = np.zeros((1, 1000), "float32")
    logits = ops.cast(np.full((1, 1000), 200.0, "float32"), dtype)
    loss = BernoulliReconstruction(from_logits=True)(x, logits)
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    assert float(loss) == 200_000


@pytest.mark.parametrize(
    "loss",
    [
        BernoulliReconstruction(from_logits=True, name="bernoulli"),
        CategoricalReconstruction(from_logits=True),
        GaussianReconstruction(0.25),
    ],
)
def test_config_round_trip(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    x, outputs = images((2, 3), seed=0)
    assert float(again(x, outputs)) == float(loss(x, outputs))


@pytest.mark.parametrize(
    "loss",
    [
        BernoulliReconstruction(),
        GaussianReconstruction(),
        CategoricalReconstruction(),
    ],
)
def test_shapes_must_agree(loss):
    with pytest.raises(ValueError, match=r"\(2, 3\).*Received.*\(2, 4\)"):
        loss.call(np.ones((2, 4), "float32"), np.ones((2, 3), "float32"))


@pytest.mark.parametrize("variance", [0, -1.0, float("nan")])
def test_variance_must_be_positive(variance):
    with pytest.raises(ValueError, match=f"variance={variance}"):
        GaussianReconstruction(variance)


def margin_case():
    random = np.random.default_rng(0)
    scores = random.random((6, 4))
    labels = random.integers(4, size=6)
    return labels, scores


@pytest.mark.parametrize("form", ["integer", "column", "one-hot"])
@pytest.mark.parametrize("weight", [0.25, 0.5])
def test_margin_loss(form, weight):
    labels, scores = margin_case()
    present = np.eye(4)[labels]
    given = {
        "integer": labels,
        "column": labels[:, None],
        "one-hot": present,
    }[form]
    loss = MarginLoss(negative_weight=weight)
    expected = capsule_oracles.margin_loss(present, scores, weight=weight)
    received = float(loss(given, scores))
    np.testing.assert_allclose(received, expected.mean(), rtol=1e-5)


def test_margin_loss_of_several_labels_and_other_margins():
    _, scores = margin_case()
    present = (np.random.default_rng(1).random((6, 4)) > 0.5) * 1
    loss = MarginLoss(0.7, 0.2, 1.5)
    expected = capsule_oracles.margin_loss(present, scores, 0.7, 0.2, 1.5)
    received = float(loss(present, scores))
    np.testing.assert_allclose(received, expected.mean(), rtol=1e-5)


def test_margin_loss_gradient():
    labels, scores = margin_case()
    (received,) = gradient(
        lambda s: MarginLoss()(labels, s), scores.astype("float32")
    )
    expected = oracles.central_differences(
        lambda s: capsule_oracles.margin_loss(np.eye(4)[labels], s).mean(),
        scores,
    )
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"positive_margin": 0.1}, "negative_margin < positive_margin"),
        ({"negative_margin": -0.1}, "negative_margin < positive_margin"),
        ({"negative_weight": -1}, "negative_weight=-1"),
    ],
)
def test_margin_loss_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        MarginLoss(**arguments)


def test_margin_loss_refuses_labels_of_another_shape():
    with pytest.raises(ValueError, match=r"\(batch, 4\)"):
        MarginLoss()(np.zeros((6, 3)), margin_case()[1])


def test_margin_loss_config():
    loss = MarginLoss(0.8, 0.2, 0.25)
    again = MarginLoss.from_config(loss.get_config())
    assert again.get_config() == loss.get_config()


@pytest.mark.parametrize("loss", [SpreadLoss(), LabelCrossentropy()])
def test_losses_that_compare_classes_refuse_a_single_one(loss):
    with pytest.raises(ValueError, match="at least 2.*MarginLoss"):
        loss(np.array([[1.0]]), np.array([[0.7]]))
