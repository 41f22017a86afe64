"""Routings that are attention, and the one without agreement."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_capsvae import exponential_squash
from keras_capsvae import routing
from tests import capsule_oracles as oracles
from tests.helpers import TOLERANCES
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.oracles import central_differences

RANDOM = np.random.default_rng(0)
VOTES = RANDOM.normal(size=(3, 7, 4, 5))
LOGITS = RANDOM.normal(size=(3, 7, 4))
ACTIVATIONS = RANDOM.random((3, 7))
BIAS = RANDOM.normal(size=(7, 4))
GAIN, OFFSET = RANDOM.normal(size=(2, 5))
MASK = RANDOM.random((3, 7)) > 0.4


def self_attention(votes, **options):
    return routing.self_attention_routing(votes, **options)


def inverted_attention(votes, **options):
    return routing.inverted_attention_routing(votes, **options)


def self_routing(votes, **options):
    return routing.self_routing(
        votes, LOGITS, activations=ACTIVATIONS, **options
    )


CASES = {
    "self_attention": (self_attention, oracles.self_attention),
    "inverted_attention": (
        inverted_attention,
        lambda votes, **options: oracles.inverted_attention(
            votes, 2, **options
        ),
    ),
    "self_routing": (
        self_routing,
        lambda votes, **options: oracles.self_routing(
            votes, LOGITS, ACTIVATIONS, **options
        ),
    ),
}
all_cases = pytest.mark.parametrize("name", CASES)


@all_cases
@pytest.mark.parametrize("mask", [None, MASK])
def test_values(name, mask):
    function, oracle = CASES[name]
    received = numpy_of(function(VOTES.astype("float32"), mask=mask))
    expected = oracle(VOTES, mask=mask)
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("routings", [1, 2, 3, 4])
def test_iterations_gain_and_offset_of_inverted_attention(routings):
    received = routing.inverted_attention_routing(
        VOTES, routings, gain=GAIN, offset=OFFSET
    )
    expected = oracles.inverted_attention(VOTES, routings, GAIN, OFFSET)
    np.testing.assert_allclose(numpy_of(received), expected, atol=1e-5)


@pytest.mark.parametrize("bias", [BIAS, BIAS[0]])
def test_the_bias_of_self_attention_is_added_to_the_couplings(bias):
    received = routing.self_attention_routing(VOTES, bias=bias)
    expected = oracles.self_attention(VOTES, bias)
    np.testing.assert_allclose(numpy_of(received), expected, atol=1e-5)


def test_self_attention_is_that_of_the_gram_matrix_of_many_votes():
    votes = np.random.default_rng(1).normal(scale=0.3, size=(2, 300, 10, 16))
    received = routing.self_attention_routing(
        votes.astype("float32"), activation=exponential_squash
    )
    gram = np.einsum("bijd,bkjd->bjik", votes, votes)
    logits = gram.sum(-1).swapaxes(1, 2) / 4.0
    couplings = np.array([oracles.softmax_over_outputs(one) for one in logits])
    sums = np.einsum("bij,bijd->bjd", couplings, votes)
    expected = oracles.ACTIVATIONS["exponential_squash"](sums)
    np.testing.assert_allclose(numpy_of(received), expected, rtol=0, atol=1e-5)


@all_cases
@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
def test_gradients(name, dtype, tolerance):
    function, oracle = CASES[name]
    weights = np.random.default_rng(1).normal(size=(3, 4, 5))

    def loss(votes):
        product = ops.multiply(function(votes), weights.astype(dtype))
        return ops.sum(product)

    (received,) = gradient(loss, VOTES.astype(dtype))
    expected = central_differences(
        lambda votes: (oracle(votes) * weights).sum(), VOTES.copy()
    )
    np.testing.assert_allclose(
        received, expected, rtol=tolerance, atol=tolerance
    )


@all_cases
def test_masked_inputs_do_not_count(name):
    function, _ = CASES[name]
    changed = np.where(MASK[..., None, None], VOTES, 9.0)
    one, other = (numpy_of(function(v, mask=MASK)) for v in (VOTES, changed))
    np.testing.assert_array_equal(one, other)


@all_cases
def test_couplings_share_each_input_out_among_the_outputs(name):
    function, _ = CASES[name]
    _, couplings = function(VOTES, return_couplings=True, mask=MASK)
    sums = numpy_of(couplings).sum(-1)
    np.testing.assert_allclose(sums, MASK, rtol=1e-5)


@all_cases
def test_temperature_hardens_the_couplings(name):
    function, _ = CASES[name]
    cold, warm = (
        numpy_of(function(VOTES, temperature=t, return_couplings=True)[1])
        for t in (1e-4, 1e4)
    )
    np.testing.assert_allclose(np.sort(cold)[..., -1], 1.0, atol=1e-3)
    np.testing.assert_allclose(warm, 0.25, atol=1e-2)


def test_lengths_of_self_routing_are_shares():
    lengths = np.linalg.norm(numpy_of(self_routing(VOTES)), axis=-1)
    np.testing.assert_allclose(lengths.sum(-1), 1.0, rtol=1e-5)
    nobody = routing.self_routing(VOTES, LOGITS, mask=np.zeros((3, 7)))
    np.testing.assert_array_equal(numpy_of(nobody), 0.0)


@all_cases
def test_zero_votes_have_finite_values_and_gradients(name):
    function, _ = CASES[name]
    zero = np.zeros(VOTES.shape, "float32")
    assert np.array_equal(numpy_of(function(zero)), zero[:, 0])
    (received,) = gradient(lambda v: ops.sum(function(v)), zero)
    assert np.isfinite(received).all()


@all_cases
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_short_floats_are_routed_in_float32(name, dtype):
    function, oracle = CASES[name]
    votes = ops.cast(VOTES, dtype)
    received = function(votes)
    assert keras.backend.standardize_dtype(received.dtype) == "float32"
    expected = oracle(numpy_of(votes))
    np.testing.assert_allclose(numpy_of(received), expected, rtol=0, atol=1e-5)


@all_cases
def test_bad_arguments(name):
    function, _ = CASES[name]
    with pytest.raises(ValueError, match="batch, inputs, outputs, dims"):
        function(VOTES[0])
    with pytest.raises(ValueError, match="`temperature` must be positive"):
        function(VOTES, temperature=0.0)
    with pytest.raises(ValueError, match=r"\(3, 7\).*shape \(3, 6\)"):
        function(VOTES, mask=MASK[:, 1:])
    with pytest.raises(ValueError, match=r"\(3, 7\).*shape \(1, 7\)"):
        function(VOTES, mask=MASK[:1])


def test_other_bad_arguments():
    with pytest.raises(ValueError, match="routings=0"):
        inverted_attention(VOTES, routings=0)
    with pytest.raises(ValueError, match=r"logits of shape \(3, 7\)"):
        routing.self_routing(VOTES, ACTIVATIONS)
    with pytest.raises(ValueError, match=r"activations of shape \(1, 7\)"):
        routing.self_routing(VOTES, LOGITS, activations=ACTIVATIONS[:1])
    with pytest.raises(ValueError, match=r"gain of shape \(1,\)"):
        inverted_attention(VOTES, gain=np.ones(1))
    with pytest.raises(ValueError, match=r"bias of shape \(1,\)"):
        routing.self_attention_routing(VOTES, bias=np.ones(1))
    with pytest.raises(TypeError, match="activation='squash'"):
        routing.self_attention_routing(VOTES, activation="squash")
