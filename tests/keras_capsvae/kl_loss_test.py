import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from keras_capsvae import KLLoss
from tests import oracles
from tests.helpers import SIXTEEN_BIT_POLICIES
from tests.helpers import check_layer
from tests.helpers import gradient
from tests.helpers import numpy_of

KL_ARGUMENTS = [
    {},
    {"weight": 0.0},
    {"weight": 0.25, "free_bits": 0.5},
    {"estimator": "monte_carlo"},
]
quick = settings(max_examples=8, deadline=None)
sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


def tensors(batch=5, dims=3, seed=0):
    """z_mean, z_log_var, z, prior_mean."""
    random = np.random.default_rng(seed)
    return random.normal(size=(4, batch, dims)).astype("float32")


def loss_of(layer, *inputs, **keywords):
    layer(list(inputs), **keywords)
    (loss,) = layer.losses
    return loss


@pytest.mark.parametrize("arguments", KL_ARGUMENTS)
def test_contract(arguments):
    count = 3 if "estimator" in arguments else 2
    check_layer(KLLoss, arguments, [(4,)] * count)
    check_layer(KLLoss, arguments, [(4,)] * count, prior_mean=(4,))


@quick
@given(sizes, sizes, seeds, st.sampled_from([0.0, 0.3, 1.0, 4.0]))
def test_analytic_value(batch, dims, seed, weight):
    z_mean, z_log_var, _, prior_mean = tensors(batch, dims, seed)
    for prior in ({}, {"prior_mean": prior_mean}):
        layer = KLLoss(weight)
        loss = numpy_of(loss_of(layer, z_mean, z_log_var, **prior))
        expected = oracles.gaussian_kl(z_mean, z_log_var, **prior).sum(-1)
        np.testing.assert_allclose(
            numpy_of(layer.compute([z_mean, z_log_var], **prior)),
            expected,
            rtol=1e-5,
            atol=1e-6,
        )
        np.testing.assert_allclose(
            loss, weight * expected.mean(), rtol=1e-5, atol=1e-6
        )


@quick
@given(sizes, sizes, seeds)
def test_monte_carlo_value(batch, dims, seed):
    z_mean, z_log_var, z, prior_mean = tensors(batch, dims, seed)
    for prior in ({}, {"prior_mean": prior_mean}):
        layer = KLLoss(2.0, "monte_carlo")
        loss = numpy_of(loss_of(layer, z_mean, z_log_var, z, **prior))
        expected = oracles.one_sample_kl(z_mean, z_log_var, z, **prior)
        np.testing.assert_allclose(
            loss, 2 * expected.sum(-1).mean(), rtol=1e-5, atol=1e-5
        )


def test_analytic_gradients():
    z_mean, z_log_var, _, prior_mean = tensors()
    layer = KLLoss(0.5)
    received = gradient(
        lambda mean, log_var, prior: loss_of(
            layer, mean, log_var, prior_mean=prior
        ),
        z_mean,
        z_log_var,
        prior_mean,
    )
    expected = oracles.gaussian_kl_gradients(z_mean, z_log_var, prior_mean)
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(
            one, 0.5 * other / len(z_mean), rtol=1e-5, atol=1e-7
        )


def test_monte_carlo_gradients():
    z_mean, z_log_var, z, _ = tensors()
    layer = KLLoss(estimator="monte_carlo")
    received = gradient(
        lambda *inputs: loss_of(layer, *inputs), z_mean, z_log_var, z
    )
    expected = oracles.one_sample_kl_gradients(z_mean, z_log_var, z)[:3]
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(
            one, other / len(z_mean), rtol=1e-5, atol=1e-6
        )


@quick
@given(sizes, sizes, seeds, st.floats(0.01, 3))
def test_free_bits_value(batch, dims, seed, nats):
    z_mean, z_log_var, _, _ = tensors(batch, dims, seed)
    loss = numpy_of(loss_of(KLLoss(free_bits=nats), z_mean, z_log_var))
    kl = oracles.gaussian_kl(z_mean, z_log_var)
    np.testing.assert_allclose(loss, oracles.free_bits(kl, nats), rtol=1e-5)


def test_free_dims_have_no_gradient_and_the_others_their_own():
    z_mean = np.array([[2.0, 0.1], [3.0, -0.2]], "float32")
    z_log_var = np.array([[0.5, 0.1], [-0.5, 0.05]], "float32")
    layer = KLLoss(free_bits=0.5)
    received = gradient(
        lambda *inputs: loss_of(layer, *inputs), z_mean, z_log_var
    )
    expected = oracles.gaussian_kl_gradients(z_mean, z_log_var)[:2]
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(one[:, 0], other[:, 0] / 2, rtol=1e-5)
        np.testing.assert_array_equal(one[:, 1], 0)


@pytest.mark.parametrize("estimator", ["analytic", "monte_carlo"])
def test_inputs_pass_through_unchanged(estimator):
    inputs = list(tensors()[: 3 if estimator == "monte_carlo" else 2])
    outputs = KLLoss(estimator=estimator)(inputs)
    assert isinstance(outputs, list)
    for output, array in zip(outputs, inputs, strict=True):
        np.testing.assert_array_equal(numpy_of(output), array)


def test_weight_is_a_variable_that_is_not_trained():
    layer = KLLoss(0.5)
    z_mean, z_log_var, _, _ = tensors()
    before = numpy_of(loss_of(layer, z_mean, z_log_var))
    assert layer.trainable_weights == []
    assert layer.non_trainable_weights == [layer.weight]
    layer.weight.assign(2.0)
    after = numpy_of(loss_of(layer, z_mean, z_log_var))
    np.testing.assert_allclose(after, 4 * before, rtol=1e-6)


def test_weight_survives_reload(tmp_path):
    inputs = [keras.Input((3,)), keras.Input((3,))]
    model = keras.Model(inputs, KLLoss(1.0, name="kl")(inputs))
    model.get_layer("kl").weight.assign(0.125)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    assert float(reloaded.get_layer("kl").weight) == 0.125


@pytest.mark.parametrize("policy", SIXTEEN_BIT_POLICIES)
def test_the_divergence_is_float32_in_16_bit(policy):
    z_mean, z_log_var, _, _ = tensors()
    layer = KLLoss(dtype=policy)
    loss = loss_of(layer, z_mean, z_log_var + 12)
    divergence = layer.compute([z_mean, z_log_var + 12])
    for tensor in (loss, divergence, layer.weight):
        assert keras.backend.standardize_dtype(tensor.dtype) == "float32"
    expected = oracles.gaussian_kl(z_mean, z_log_var + 12).sum(-1).mean()
    # The inputs themselves are rounded to 16 bits.
    np.testing.assert_allclose(numpy_of(loss), expected, rtol=0.05)


EXTREME = [
    ("float32", -80.0),
    ("float32", 80.0),
    ("float32", 500.0),
    ("mixed_bfloat16", -80.0),
    ("mixed_bfloat16", 80.0),
    ("mixed_float16", -10.0),
    ("mixed_float16", 10.0),
]


@pytest.mark.parametrize("estimator", ["analytic", "monte_carlo"])
@pytest.mark.parametrize(("policy", "log_var"), EXTREME)
def test_extreme_log_variances_stay_finite(policy, log_var, estimator):
    z_mean = np.array([[-3.0, 0.0, 3.0]], "float32")
    z_log_var = np.full_like(z_mean, log_var)
    inputs = [z_mean, z_log_var]
    if estimator == "monte_carlo":
        inputs.append(z_mean + np.float32(0.25))
    layer = KLLoss(estimator=estimator, dtype=policy)
    loss = loss_of(layer, *inputs)
    assert np.isfinite(numpy_of(loss))
    for one in gradient(lambda *tensors: loss_of(layer, *tensors), *inputs):
        assert np.isfinite(one).all()


@pytest.mark.parametrize("log_var", [-80.0, 80.0])
def test_the_value_is_finite_where_a_float16_gradient_cannot_be(log_var):
    # That gradient must overflow to infinity: loss scaling watches for it.
    z_mean = np.zeros((1, 3), "float32")
    loss = loss_of(KLLoss(dtype="mixed_float16"), z_mean, z_mean + log_var)
    expected = oracles.gaussian_kl(z_mean, z_mean + log_var).sum()
    np.testing.assert_allclose(numpy_of(loss), expected, rtol=1e-5)


@pytest.mark.parametrize("argument", ["weight", "free_bits"])
@pytest.mark.parametrize("value", [-0.1, float("nan")])
def test_negative_arguments(argument, value):
    with pytest.raises(ValueError, match=f"{argument}={value}"):
        KLLoss(**{argument: value})


def test_unknown_estimator():
    with pytest.raises(ValueError, match="analytic.*monte_carlo.*'exact'"):
        KLLoss(estimator="exact")


def test_inputs_must_fit_the_estimator():
    z = np.zeros((2, 3), "float32")
    with pytest.raises(ValueError, match=r"list \[z_mean, z_log_var\]"):
        KLLoss()([z, z, z])
    with pytest.raises(ValueError, match=r"list \[z_mean, z_log_var, z\]"):
        KLLoss(estimator="monte_carlo")([z, z])
    with pytest.raises(ValueError, match="of one shape"):
        KLLoss()([z, z[:, :2]])
