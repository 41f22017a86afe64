import pathlib
import re

import numpy as np
import pytest
from keras import ops

import keras_capsvae
from keras_capsvae.routing import em_routing
from keras_capsvae.routing.em.fitting import fit_gaussians
from keras_capsvae.routing.em.settings import EPSILON
from keras_capsvae.routing.em.settings import EMSettings
from keras_capsvae.routing.em.sharing import AllParents
from tests import em_oracles
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.oracles import central_differences

SPREADS = (1e-4, 1e-2, 1.0, 30.0, 1e3)
EPSILONS = (1e-6, EPSILON)  # squares as they are, and expanded


def case(seed, n=6, k=3, h=4, batch=2, mean=0.0, spread=1.0):
    """votes, activations, β_a, β_u in float64."""
    random = np.random.default_rng(seed)
    return (
        mean + spread * random.normal(size=(batch, n, k, h)),
        random.random((batch, n)),
        random.normal(size=k),
        random.normal(size=k),
    )


def test_code_and_derivation_number_the_same_equations():
    root = pathlib.Path(keras_capsvae.__file__).parents[1]
    page = (root / "docs" / "matrix_capsules.md").read_text()
    derived = re.findall(r"^\| \((\d+)\) \|", page, re.MULTILINE)
    assert derived == [str(number + 1) for number in range(len(derived))]
    code = "".join(
        path.read_text()
        for path in (root / "keras_capsvae" / "routing" / "em").glob("*.py")
    )
    named = re.findall(r"(?:# |\"|^Equation )\((\d+)\)", code, re.MULTILINE)
    assert set(named) == set(derived)


def float32(arrays):
    return [np.asarray(array, "float32") for array in arrays]


def error(arrays, routings, epsilon=1e-6, **settings):
    """Largest error of means and activations, relative above 1."""
    arrays = float32(arrays)
    received = numpy_of(
        em_routing(*arrays, routings, epsilon=epsilon, **settings)
    )
    expected = em_oracles.em_routing(
        *arrays, routings, epsilon=epsilon, **settings
    )
    return max(
        np.max(np.abs(one - other) / np.maximum(np.abs(other), 1))
        for one, other in zip(received, expected, strict=True)
    )


def sizes_of(random):
    return {
        "n": random.integers(4, 33),
        "k": random.integers(1, 7),
        "h": random.choice([4, 9, 16]),
    }


def errors_of_random_cases(count, epsilon):
    random = np.random.default_rng(0)
    return [
        error(
            case(seed, **sizes_of(random)), int(random.integers(1, 6)), epsilon
        )
        for seed in range(count)
    ]


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_value(epsilon):
    errors = errors_of_random_cases(60, epsilon)
    assert np.max(errors) <= 1e-3
    assert np.median(errors) <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", EPSILONS)
def test_value_of_a_thousand_cases(epsilon):
    errors = errors_of_random_cases(1000, epsilon)
    assert np.max(errors) <= 1e-3
    assert np.median(errors) <= 1e-5


# After more iterations at 0.01 some parents have lost nearly all votes, and
# their means fall from 100 to 0 with a mass that rounding decides.
@pytest.mark.parametrize(
    ("epsilon", "routings"),
    [
        *((1e-6, routings) for routings in (1, 2, 3, 5)),
        *((EPSILON, routings) for routings in (1, 2, 3)),
    ],
)
def test_votes_far_from_zero(routings, epsilon):
    for seed in range(5):
        arrays = case(seed, 24, 4, 16, mean=100.0, spread=0.01)
        assert error(arrays, routings, epsilon) <= 1e-3


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_half_of_the_votes_have_converged(epsilon):
    for seed in range(5):
        arrays = case(seed, 24, 3, 16)
        votes = arrays[0]
        votes[:, ::2] = votes[:, :1] + 0.01 * votes[:, ::2]
        assert error(arrays, 3, epsilon) <= 1e-4


@pytest.mark.parametrize(
    "settings",
    [
        {"final_lambda": 1.0},
        {"mass_scale": 50.0},
        {"final_lambda": 0.5, "mass_scale": 0.1, "epsilon": 1e-2},
    ],
)
def test_settings_reach_the_value(settings):
    arrays = case(3)
    assert error(arrays, 3, **settings) <= 1e-5
    plain = numpy_of(em_routing(*float32(arrays), epsilon=1e-6))[1]
    other = numpy_of(em_routing(*float32(arrays), **settings))[1]
    assert np.max(np.abs(plain - other)) > 1e-3


def test_a_worked_example():
    """Votes 0 and 2: mass 2, mean 1, variance 1; λ₀ = 0.01 · 0.05."""
    votes = np.array([0.0, 2.0]).reshape(1, 2, 1, 1)
    means, active = numpy_of(
        em_routing(votes, np.ones((1, 2)), [1000.0], [100.0], 1, epsilon=1e-9)
    )
    np.testing.assert_allclose(means, [[[1.0]]], rtol=1e-6)
    expected = 1 / (1 + np.exp(-0.0005 * (1000 - 2 * 100)))
    np.testing.assert_allclose(active, [[expected]], rtol=1e-6)


@pytest.mark.parametrize("routings", [1, 2, 3, 4])
@pytest.mark.parametrize(("epsilon", "mass_scale"), [(1e-6, 1.0), (1e-2, 30.0)])
def test_gradients(routings, epsilon, mass_scale):
    arrays = case(routings, n=5)
    random = np.random.default_rng(9)
    by_mean = random.normal(size=(2, 3, 4))
    by_activation = 100 * random.normal(size=(2, 3))
    settings = {
        "routings": routings,
        "epsilon": epsilon,
        "mass_scale": mass_scale,
    }

    def weighted(means, active):
        return np.sum(means * by_mean) + np.sum(active * by_activation)

    def of_routing(*inputs):
        means, active = em_routing(*inputs, **settings)
        factors = float32([by_mean, by_activation])
        means = ops.multiply(means, factors[0])
        return ops.sum(means) + ops.sum(ops.multiply(active, factors[1]))

    received = gradient(of_routing, *float32(arrays))
    for index, one in enumerate(received):
        expected = central_differences(
            lambda array: weighted(
                *em_oracles.em_routing(
                    *arrays[:index], array, *arrays[index + 1 :], **settings
                )
            ),
            arrays[index],
            step=1e-6,
        )
        scale = np.max(np.abs(expected))
        assert scale > 1e-3
        np.testing.assert_allclose(one, expected, atol=1e-3 * scale)


def test_blocks_of_parents_change_nothing():
    votes, activations, beta_a, beta_u = float32(case(1, k=5))
    votes = votes.transpose(2, 0, 1, 3)  # parents first
    settings = EMSettings(3, 0.01, 1e-4, 1.0)

    def total(blocks, *arrays):
        means, active = fit_gaussians(blocks, *arrays, AllParents(), settings)
        return ops.sum(ops.square(means)) + 100 * ops.sum(active)

    def of_blocks(votes, *arrays):
        return total([votes[:2], votes[2:3], votes[3:]], *arrays)

    whole = gradient(
        lambda votes, *arrays: total([votes], *arrays),
        votes,
        activations,
        beta_a,
        beta_u,
    )
    parts = gradient(of_blocks, votes, activations, beta_a, beta_u)
    for one, other in zip(whole, parts, strict=True):
        assert np.max(np.abs(one)) > 0
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def hard_cases(count):
    """Inputs at the edges: (spread, n, k, kind, seed)."""
    random = np.random.default_rng(5)
    kinds = ("random", "inactive", "some inactive", "identical", "one active")
    for seed in range(count):
        yield (
            SPREADS[seed % len(SPREADS)],
            int(random.choice([1, 2, 7])),
            int(random.choice([1, 2, 5])),
            kinds[seed // len(SPREADS) % len(kinds)],
            seed,
        )


def check_finite(spread, n, k, kind, seed):
    votes, activations, beta_a, beta_u = case(seed, n, k, 9, spread=spread)
    if kind == "inactive":
        activations[:] = 0
    elif kind == "some inactive":
        activations *= activations > 0.5
    elif kind == "identical":
        votes[:] = votes[:1, :1, :1]
    elif kind == "one active":
        activations[:] = 0
        activations[:, 0] = 1
    arrays = float32([votes, activations, spread * beta_a, beta_u])
    routings = 1 + seed % 5

    def total(*inputs):
        means, active = em_routing(*inputs, routings)
        return ops.sum(means) + ops.sum(active)

    means, active = numpy_of(em_routing(*arrays, routings))
    assert np.isfinite(means).all() and np.isfinite(active).all()
    assert (active >= 0).all() and (active <= 1).all()
    for one in gradient(total, *arrays):
        assert np.isfinite(one).all()


@pytest.mark.slow
def test_no_nan_at_the_edges():
    for one in hard_cases(100):
        check_finite(*one)


@pytest.mark.slow
def test_no_nan_in_thousands_of_cases():
    for one in hard_cases(10_000):
        check_finite(*one)


def test_runs_in_float32_at_least():
    arrays = case(0)
    short = [ops.cast(array, "bfloat16") for array in arrays]
    for received in em_routing(*short):
        assert "float32" in str(received.dtype)


@pytest.mark.parametrize("bad", [-0.1, 1.5, float("nan")])
def test_activations_outside_probabilities(bad):
    votes, activations, beta_a, beta_u = case(0)
    activations[1, 2] = bad
    with pytest.raises(ValueError, match=r"\[0, 1\].*Received: values in"):
        em_routing(votes, activations, beta_a, beta_u)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"routings": 0}, "routings.*at least 1.*Received: routings=0"),
        ({"epsilon": 0.0}, "epsilon.*above 0.*Received: epsilon=0.0"),
        ({"final_lambda": -1}, "final_lambda.*Received: final_lambda=-1"),
        ({"mass_scale": float("inf")}, "mass_scale.*Received: mass_scale=inf"),
    ],
)
def test_bad_numbers(arguments, message):
    with pytest.raises(ValueError, match=message):
        em_routing(*case(0), **arguments)


@pytest.mark.parametrize(
    ("index", "shape", "name"),
    [
        (0, (2, 6, 3), "votes"),
        (1, (2, 5), "activations"),
        (2, (4,), "beta_a"),
        (3, (3, 1), "beta_u"),
    ],
)
def test_bad_shapes(index, shape, name):
    arrays = list(case(0))
    arrays[index] = np.zeros(shape)
    with pytest.raises(ValueError, match=f"`{name}` must have shape"):
        em_routing(*arrays)
