import keras
import numpy as np
import pytest
from keras import ops

from keras_capsvae import routing
from keras_capsvae import squash
from keras_capsvae.routing.agreement import Agreement
from keras_capsvae.routing.named import ROUTINGS
from tests import capsule_oracles as oracles
from tests.helpers import TOLERANCES
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.oracles import central_differences


def squashed(function):
    return lambda *args, **kwargs: squash(function(*args, **kwargs))


FUNCTIONS = {
    name: squashed(getattr(routing, f"{name}_routing"))
    if algorithm.compare
    else getattr(routing, f"{name}_routing")
    for name, algorithm in ROUTINGS.items()
    if isinstance(algorithm, Agreement)
}
NAMES = sorted(FUNCTIONS)
SMOOTH = [name for name in NAMES if name != "hard_kmeans"]


def test_every_routing_has_its_oracle():
    assert set(FUNCTIONS) == set(oracles.ROUTINGS)


def random_votes(batch=3, inputs=7, outputs=4, dims=5, seed=0):
    shape = (batch, inputs, outputs, dims)
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("routings", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", NAMES)
def test_values(name, routings):
    votes = random_votes()
    received = numpy_of(FUNCTIONS[name](votes.astype("float32"), routings))
    expected = oracles.ROUTINGS[name](votes, routings)
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("routings", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_go_through_every_iteration(name, routings, dtype, tolerance):
    votes = random_votes(batch=2, inputs=4, outputs=3, dims=2)
    weights = np.random.default_rng(1).normal(size=(2, 3, 2))

    def loss(tensor):
        capsules = FUNCTIONS[name](tensor, routings)
        return ops.sum(ops.multiply(capsules, weights.astype(dtype)))

    (received,) = gradient(loss, votes.astype(dtype))
    expected = central_differences(
        lambda array: (oracles.ROUTINGS[name](array, routings) * weights).sum(),
        votes,
    )
    np.testing.assert_allclose(
        received, expected, rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("name", NAMES)
def test_routings_differ_from_each_other_and_from_one_iteration(name):
    votes = random_votes()
    three = numpy_of(FUNCTIONS[name](votes, 3))
    for other, routings in [(n, 3) for n in NAMES if n != name] + [(name, 1)]:
        assert (
            np.abs(three - numpy_of(FUNCTIONS[other](votes, routings))).max()
            > 1e-3
        )


@pytest.mark.parametrize("name", SMOOTH)
def test_stop_gradient_keeps_the_values_and_the_last_iteration(name):
    votes = random_votes(batch=1, inputs=4, outputs=3, dims=2)
    np.testing.assert_allclose(
        numpy_of(FUNCTIONS[name](votes, 3, stop_gradient=True)),
        numpy_of(FUNCTIONS[name](votes, 3)),
        rtol=1e-6,
    )

    def loss(tensor, stopped):
        return ops.sum(FUNCTIONS[name](tensor, 3, stop_gradient=stopped))

    through_last, through_all = (
        gradient(lambda v: loss(v, stopped), votes.astype("float32"))[0]
        for stopped in (True, False)
    )
    _, couplings = getattr(routing, f"{name}_routing")(
        votes, 3, return_couplings=True
    )
    couplings = numpy_of(couplings)
    centres = np.einsum("bij,bijd->bjd", couplings, votes)
    slope = central_differences(lambda c: oracles.squash(c).sum(), centres)
    expected = couplings[..., None] * slope[:, None]
    np.testing.assert_allclose(through_last, expected, rtol=1e-3, atol=1e-5)
    assert np.abs(through_last - through_all).max() > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_couplings_share_each_input_out_among_the_outputs(name):
    function = getattr(routing, f"{name}_routing")
    votes = random_votes()
    capsules, couplings = function(votes, 3, return_couplings=True)
    couplings = numpy_of(couplings)
    assert couplings.shape == votes.shape[:3]
    np.testing.assert_allclose(couplings.sum(-1), 1.0, rtol=1e-5)
    centres = np.einsum("bij,bijd->bjd", couplings, votes)
    expected = centres if ROUTINGS[name].compare else oracles.squash(centres)
    np.testing.assert_allclose(numpy_of(capsules), expected, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_masked_inputs_do_not_vote(name):
    votes = random_votes()
    mask = np.random.default_rng(2).random(votes.shape[:2]) > 0.4
    received = numpy_of(FUNCTIONS[name](votes, 3, mask=mask))
    expected = oracles.ROUTINGS[name](votes, 3, mask=mask)
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-5)
    for row, kept, capsules in zip(votes, mask, received):
        alone = numpy_of(FUNCTIONS[name](row[None, kept], 3))
        np.testing.assert_allclose(capsules, alone[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 5.0])
def test_temperature(temperature):
    votes = random_votes()
    received = squash(
        routing.kmeans_routing(
            votes.astype("float32"), 3, temperature=temperature
        )
    )
    expected = oracles.kmeans(votes, 3, temperature=temperature)
    np.testing.assert_allclose(numpy_of(received), expected, rtol=0, atol=3e-5)


def test_hard_kmeans_is_the_limit_of_low_temperature():
    votes = random_votes()
    hard, couplings = routing.hard_kmeans_routing(
        votes, 3, return_couplings=True
    )
    cold = routing.kmeans_routing(votes, 3, temperature=1e-4)
    np.testing.assert_allclose(numpy_of(hard), numpy_of(cold), atol=1e-4)
    assert set(np.unique(numpy_of(couplings))) == {0.0, 1.0}


def test_hard_kmeans_groups_what_lies_together():
    centres = np.array([[5.0, 0.0], [0.0, 5.0]])
    rng = np.random.default_rng(0)
    members = np.repeat([0, 1], 10)
    points = centres[members] + 0.1 * rng.normal(size=(20, 2))
    votes = np.stack([points, points @ [[0.8, 0.6], [-0.6, 0.8]]], 1)[None]
    _, couplings = routing.hard_kmeans_routing(votes, 5, return_couplings=True)
    groups = numpy_of(couplings)[0].argmax(-1)
    assert len(set(groups[:10])) == len(set(groups[10:])) == 1


def test_dynamic_routing_hardens_with_the_iterations():
    votes = random_votes(inputs=30)
    entropies = []
    for routings in (1, 3, 10):
        _, couplings = routing.dynamic_routing(
            votes, routings, return_couplings=True
        )
        couplings = numpy_of(couplings)
        entropies.append(-(couplings * np.log(couplings)).sum(-1).mean())
    assert entropies[0] > entropies[1] > entropies[2]


@pytest.mark.parametrize("name", NAMES)
def test_zero_votes_have_finite_values_and_gradients(name):
    zero = np.zeros((2, 3, 4, 5), "float32")
    assert np.array_equal(numpy_of(FUNCTIONS[name](zero)), zero[:, 0])
    (received,) = gradient(lambda v: ops.sum(FUNCTIONS[name](v)), zero)
    assert np.isfinite(received).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", NAMES)
def test_short_floats_are_routed_in_float32(name, dtype):
    votes = ops.cast(random_votes(), dtype)
    received = FUNCTIONS[name](votes)
    assert keras.backend.standardize_dtype(received.dtype) == "float32"
    expected = oracles.ROUTINGS[name](numpy_of(votes), 3)
    np.testing.assert_allclose(numpy_of(received), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["kmeans", "hard_kmeans", "dynamic"])
def test_bad_arguments(name):
    function = getattr(routing, f"{name}_routing")
    with pytest.raises(ValueError, match="routings=0"):
        function(random_votes(), 0)
    with pytest.raises(TypeError, match="routings=2.5"):
        function(random_votes(), 2.5)
    with pytest.raises(ValueError, match="batch, inputs, outputs, dims"):
        function(np.zeros((2, 3, 4)), 3)


@pytest.mark.parametrize("temperature", [0, -1, float("nan")])
def test_temperature_must_be_positive(temperature):
    with pytest.raises(ValueError, match="`temperature` must be positive"):
        routing.kmeans_routing(random_votes(), temperature=temperature)
