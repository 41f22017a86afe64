import keras
import numpy as np
import pytest
from keras import ops

from keras_capsvae import ClassMatrixCapsuleEM
from keras_capsvae import ConvMatrixCapsuleEM
from keras_capsvae import MatrixCapsuleEM
from keras_capsvae import PrimaryMatrixCapsules
from keras_capsvae.layers import em_capsules
from tests import em_oracles
from tests.helpers import SIXTEEN_BIT_POLICIES
from tests.helpers import check_layer
from tests.helpers import dtype_policy
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.oracles import central_differences

SPATIAL = [(7, 6, 2, 4, 4), (7, 6, 2)]
CONV_GEOMETRIES = [
    # map, window, stride
    ((6, 5), (3, 3), (1, 1)),
    ((7, 6), (3, 3), (2, 2)),
    ((6, 7), (3, 2), (1, 2)),
    ((5, 5), (2, 2), (2, 2)),
    ((6, 6), (2, 2), (3, 3)),
    ((3, 3), (3, 3), (1, 1)),
]


def capsules(*shape, p=4, seed=0, batch=2):
    random = np.random.default_rng(seed)
    poses = random.normal(size=(batch, *shape, p, p)).astype("float32")
    return [poses, random.random((batch, *shape)).astype("float32")]


def with_random_weights(layer, inputs, seed=1):
    random = np.random.default_rng(seed)
    layer.build([array.shape for array in inputs])
    for weight in layer.weights:
        weight.assign(0.5 * random.normal(size=weight.shape))
    return layer


def weights_of(layer):
    return [
        numpy_of(weight.value).astype("float64")
        for weight in (layer.kernel, layer.beta_a, layer.beta_u)
    ]


def routed(layer, pairs_of, inputs, weights, mass_scale=None):
    """The oracle's poses and activations of a batch."""
    kernel, beta_a, beta_u = weights
    outputs = []
    for poses, active in zip(*inputs):
        pairs = pairs_of(poses, active, kernel)
        if mass_scale is None:
            children = len(set(pairs[1]))
            scale = np.prod(pairs[-1]) / (layer.final_lambda * children)
        else:
            scale = mass_scale
        outputs.append(
            em_oracles.routed(
                pairs,
                beta_a,
                beta_u,
                routings=layer.routings,
                final_lambda=layer.final_lambda,
                epsilon=layer.epsilon,
                mass_scale=scale,
            )
        )
    return [np.array(one) for one in zip(*outputs)]


def dense_pairs(poses, active, kernel):
    n, k, p, _ = kernel.shape
    votes = np.einsum("iab,ijbc->ijac", poses, kernel).reshape(n * k, p * p)
    return (
        votes,
        np.repeat(np.arange(n), k),
        np.tile(np.arange(k), n),
        active,
        (k,),
    )


def conv_pairs(strides):
    return lambda *arrays: em_oracles.conv_pairs(*arrays, strides)


def outputs_with(layer, weights, inputs):
    """Outputs of the layer with these tensors in place of its weights."""
    variables = [layer.kernel, layer.beta_a, layer.beta_u]
    tensors = map(ops.convert_to_tensor, weights)
    with keras.StatelessScope(list(zip(variables, tensors))):
        return layer(inputs)


def check_gradients(layer, pairs_of, inputs, mass_scale=None):
    """Gradients by inputs and weights, against differences of the oracle."""
    random = np.random.default_rng(7)
    shapes = layer.compute_output_shape([array.shape for array in inputs])
    factors = [random.normal(size=shape) for shape in shapes]
    arrays = [*inputs, *weights_of(layer)]
    arrays = [np.asarray(array, "float64") for array in arrays]

    def of_layer(poses, active, *weights):
        outputs = outputs_with(layer, weights, [poses, active])
        weighted = [
            ops.sum(ops.multiply(output, factor.astype("float32")))
            for output, factor in zip(outputs, factors)
        ]
        return weighted[0] + weighted[1]

    def of_oracle(poses, active, *weights):
        outputs = routed(layer, pairs_of, (poses, active), weights, mass_scale)
        return sum(np.sum(o * f) for o, f in zip(outputs, factors))

    received = gradient(of_layer, *(a.astype("float32") for a in arrays))
    for index, one in enumerate(received):
        expected = central_differences(
            lambda array: of_oracle(
                *arrays[:index], array, *arrays[index + 1 :]
            ),
            arrays[index],
            step=1e-6,
        )
        scale = np.max(np.abs(expected))
        assert scale > 1e-4
        np.testing.assert_allclose(one, expected, atol=2e-3 * scale)


@pytest.mark.parametrize(
    "arguments",
    [
        {"num_capsules": 3},
        {
            "num_capsules": 2,
            "routings": 1,
            "mass_scale": 2.0,
            "epsilon": 1e-3,
            "final_lambda": 0.1,
            "rematerialize": True,
            "kernel_initializer": keras.initializers.Orthogonal(),
            "kernel_regularizer": keras.regularizers.L2(),
        },
    ],
)
def test_contract(arguments):
    check_layer(MatrixCapsuleEM, arguments, [(5, 4, 4), (5,)])


@pytest.mark.thorough
@pytest.mark.parametrize(
    "arguments",
    [
        {"num_capsules": 3, "kernel_size": 3, "strides": 2},
        {"num_capsules": 2, "kernel_size": 2, "rematerialize": True},
    ],
)
def test_conv_contract(arguments):
    check_layer(ConvMatrixCapsuleEM, arguments, SPATIAL)


@pytest.mark.thorough
def test_class_contract():
    check_layer(ClassMatrixCapsuleEM, {"num_classes": 3}, SPATIAL)
    arguments = {"num_classes": 3, "mass_scale": 0.5, "routings": 2}
    check_layer(ClassMatrixCapsuleEM, arguments, SPATIAL)


def test_primary_contract():
    check_layer(PrimaryMatrixCapsules, {"num_capsules": 3}, (5, 4, 6))
    arguments = {"num_capsules": 1, "pose_size": 2, "use_bias": False}
    check_layer(PrimaryMatrixCapsules, arguments, (5, 4, 6))


@pytest.mark.parametrize("routings", [1, 2, 3, 5])
def test_value(routings):
    inputs = capsules(9)
    layer = MatrixCapsuleEM(4, routings=routings, epsilon=1e-6)
    with_random_weights(layer, inputs)
    expected = routed(layer, dense_pairs, inputs, weights_of(layer), 1.0)
    for one, other in zip(numpy_of(layer(inputs)), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("epsilon", [1e-6, 1e-2])
@pytest.mark.parametrize("routings", [1, 3])
@pytest.mark.parametrize(("sides", "window", "strides"), CONV_GEOMETRIES)
def test_conv_value(sides, window, strides, routings, epsilon):
    """Squares are expanded at the larger ε and not at the smaller."""
    inputs = capsules(*sides, 2)
    layer = ConvMatrixCapsuleEM(
        3, window, strides, routings=routings, epsilon=epsilon
    )
    with_random_weights(layer, inputs)
    expected = routed(layer, conv_pairs(strides), inputs, weights_of(layer))
    assert np.ptp(expected[1]) > 0.01
    for one, other in zip(numpy_of(layer(inputs)), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_conv_in_blocks(monkeypatch):
    inputs = capsules(6, 5, 2)
    layer = ConvMatrixCapsuleEM(5, 3)
    with_random_weights(layer, inputs)
    whole = numpy_of(layer(inputs))
    assert np.std(whole[0]) > 0.05
    monkeypatch.setattr(em_capsules, "BLOCK_VALUES", 2 * 12 * 18 * 16)
    for one, other in zip(numpy_of(layer(inputs)), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=2e-5)


def test_a_child_is_shared_by_all_windows_it_lies_in():
    """Normalised over types alone, the shares of a window would be others."""
    inputs = capsules(3, 2, 1)
    layer = ConvMatrixCapsuleEM(1, 2, routings=2, mass_scale=1.0)
    with_random_weights(layer, inputs)
    overlapping = numpy_of(layer(inputs))
    for row in range(2):
        alone = numpy_of(layer([a[:, row : row + 2] for a in inputs]))
        gap = np.abs(alone[0][:, 0] - overlapping[0][:, row])
        assert np.max(gap) > 1e-3


@pytest.mark.parametrize("routings", [1, 3])
def test_class_value(routings):
    inputs = capsules(3, 4, 2)
    layer = ClassMatrixCapsuleEM(3, routings=routings, epsilon=1e-6)
    with_random_weights(layer, inputs)
    expected = routed(layer, em_oracles.class_pairs, inputs, weights_of(layer))
    for one, other in zip(numpy_of(layer(inputs)), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("cls", [ConvMatrixCapsuleEM, ClassMatrixCapsuleEM])
def test_the_cost_weighs_the_same_whatever_lambda_is(cls):
    inputs = capsules(3, 4, 2)
    layers = [cls(3, final_lambda=one, routings=1) for one in (0.01, 2.0)]
    for layer in layers:
        with_random_weights(layer, inputs).beta_a.assign([0.0, 0.0, 0.0])
    one, other = (numpy_of(layer(inputs)) for layer in layers)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    layers[1].beta_a.assign([0.0, 0.0, -100.0])  # alone, it silences a parent
    _, active = numpy_of(layers[1](inputs))
    assert active[..., 2].max() < 1e-3 < one[1][..., 2].min()


def test_coordinates_are_those_of_the_only_active_child():
    poses, active = capsules(4, 5, 1)
    active[:] = 0
    active[:, 2, 1] = 1
    layer = ClassMatrixCapsuleEM(2, epsilon=1e-6)
    layer.build([poses.shape, active.shape])
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    expected = np.zeros((4, 4))
    expected[:2, 3] = 2.5 / 4, 1.5 / 5
    received, _ = numpy_of(layer([poses, active]))
    for one in received.reshape(-1, 4, 4):
        np.testing.assert_allclose(one, expected, rtol=1e-3)


def test_gradients():
    inputs = capsules(4, p=2)
    layer = MatrixCapsuleEM(3, epsilon=1e-6)
    with_random_weights(layer, inputs)
    check_gradients(layer, dense_pairs, inputs, 1.0)


@pytest.mark.parametrize("rematerialize", [False, True])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
def test_conv_gradients(strides, rematerialize):
    inputs = capsules(4, 3, 2, p=2, batch=1)
    layer = ConvMatrixCapsuleEM(
        2, 2, strides, epsilon=1e-6, rematerialize=rematerialize
    )
    with_random_weights(layer, inputs)
    check_gradients(layer, conv_pairs(strides), inputs)


def test_class_gradients():
    inputs = capsules(2, 3, 2, p=2, batch=1)
    layer = ClassMatrixCapsuleEM(3, epsilon=1e-6)
    with_random_weights(layer, inputs)
    check_gradients(layer, em_oracles.class_pairs, inputs)


def test_primary_value():
    image = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    layer = PrimaryMatrixCapsules(2, pose_size=3)
    poses, active = numpy_of(layer(image.astype("float32")))
    kernel, bias = (numpy_of(w.value) for w in layer.pose.weights)
    expected = image @ kernel[0, 0] + bias
    np.testing.assert_allclose(
        poses, expected.reshape(2, 3, 4, 2, 3, 3), rtol=1e-4, atol=1e-5
    )
    kernel, bias = (numpy_of(w.value) for w in layer.activation.weights)
    expected = 1 / (1 + np.exp(-(image @ kernel[0, 0] + bias)))
    np.testing.assert_allclose(active, expected, rtol=1e-4, atol=1e-5)


def test_assignments_are_those_that_gave_the_poses():
    inputs = capsules(6)
    layer = with_random_weights(MatrixCapsuleEM(4, epsilon=1e-5), inputs)
    shares, active = map(numpy_of, layer.assignments(inputs))
    np.testing.assert_allclose(shares.sum(-1), 1.0, rtol=1e-5)
    assert active.shape == (3, 2, 4)

    votes = np.einsum("bnij,nkjl->bnkil", inputs[0], weights_of(layer)[0])
    weights = shares * inputs[1][..., None]
    sums = np.einsum("bnk,bnkil->bkil", weights, votes)
    means = sums / (weights.sum(1) + 1e-5)[..., None, None]
    poses, last = map(numpy_of, layer(inputs))
    np.testing.assert_allclose(poses, means, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(active[-1], last, rtol=1e-5)


def test_assignments_of_a_child_add_up_over_its_windows():
    inputs = capsules(6, 5, 2)
    layer = with_random_weights(ConvMatrixCapsuleEM(3, 3), inputs)
    shares, active = map(numpy_of, layer.assignments(inputs))
    assert shares.shape == (2, 4, 3, 9 * 2, 3)
    assert active.shape == (3, 2, 4, 3, 3)
    totals = np.zeros((30, 2))
    of_windows = shares[1].sum(-1).reshape(12, 9, 2)
    np.add.at(totals, layer.windows(6, 5).cells, of_windows)
    np.testing.assert_allclose(totals, 1.0, rtol=1e-4)


def test_votes_are_about_the_poses_at_first():
    layer = MatrixCapsuleEM(16)
    layer.build([(None, 128, 4, 4), (None, 128)])
    noise = numpy_of(layer.kernel.value) - np.eye(4)
    assert abs(noise.mean()) < 0.001
    assert noise.std() == pytest.approx(0.02, rel=0.05)


LAYERS = {
    "dense": (lambda: MatrixCapsuleEM(3), (4,)),
    "one parent": (lambda: MatrixCapsuleEM(1), (4,)),
    "one child": (lambda: MatrixCapsuleEM(3, routings=5), (1,)),
    "conv": (lambda: ConvMatrixCapsuleEM(2, 2), (4, 3, 2)),
    "one window": (lambda: ConvMatrixCapsuleEM(2, 1), (1, 1, 1)),
    "class": (lambda: ClassMatrixCapsuleEM(3), (2, 3, 2)),
}


def check_finite(name, policy, spread, kind, seed):
    build, shape = LAYERS[name]
    poses, active = capsules(*shape, seed=seed)
    poses *= spread
    if kind == "identical":
        poses[:] = poses[:1].mean(axis=tuple(range(poses.ndim - 2)))
    elif kind == "inactive":
        active[:] = 0
    elif kind == "some inactive":
        active *= active > 0.5
    with dtype_policy(policy):
        layer = build()
    with_random_weights(layer, [poses, active], seed)

    def total(poses, active, *weights):
        means, activations = outputs_with(layer, weights, [poses, active])
        return ops.sum(ops.cast(means, "float32")) + ops.sum(
            ops.cast(activations, "float32")
        )

    for output in numpy_of(layer([poses, active])):
        assert np.isfinite(output).all(), (name, policy, spread, kind, seed)
    weights = [weight.astype("float32") for weight in weights_of(layer)]
    for one in gradient(total, poses, active, *weights):
        assert np.isfinite(one).all(), (name, policy, spread, kind, seed)


@pytest.mark.parametrize("epsilon", [1e-4, 1e-2])
@pytest.mark.parametrize("name", LAYERS)
def test_an_empty_batch(name, epsilon):
    """As plain Keras layers: no capsules, and no gradient by the weights."""
    build, shape = LAYERS[name]
    layer = build()
    layer.epsilon = epsilon
    with_random_weights(layer, capsules(*shape))
    empty = capsules(*shape, batch=0)
    expected = layer.compute_output_shape([array.shape for array in empty])
    assert [tuple(one.shape) for one in layer(empty)] == expected
    shares, active = layer.assignments(empty)
    assert 0 in shares.shape and 0 in active.shape

    def total(*weights):
        means, active = outputs_with(layer, weights, empty)
        return ops.sum(means) + ops.sum(active)

    weights = [weight.astype("float32") for weight in weights_of(layer)]
    for one, weight in zip(gradient(total, *weights), weights, strict=True):
        np.testing.assert_array_equal(one, np.zeros_like(weight))


def test_the_float16_policy_routes_in_float32():
    inputs = capsules(5)
    layer = with_random_weights(MatrixCapsuleEM(3, dtype="float16"), inputs)
    exact = MatrixCapsuleEM(3)
    exact.build([array.shape for array in inputs])
    for one, other in zip(exact.weights, layer.weights, strict=True):
        one.assign(ops.cast(other.value, "float32"))
    short = [numpy_of(ops.cast(one, "float16")) for one in inputs]
    for one, other in zip(layer(inputs), numpy_of(exact(short)), strict=True):
        assert keras.backend.standardize_dtype(one.dtype) == "float16"
        np.testing.assert_allclose(numpy_of(one), other, rtol=1e-3, atol=1e-3)


def hard_cases(count):
    policies = ("float32", "float16", *SIXTEEN_BIT_POLICIES)
    spreads = (1e-4, 1e-2, 1.0, 30.0, 1e3)
    kinds = ("random", "identical", "inactive", "some inactive")
    random = np.random.default_rng(3)
    for seed in range(count):
        yield (
            list(LAYERS)[seed % len(LAYERS)],
            str(random.choice(policies)),
            float(random.choice(spreads)),
            str(random.choice(kinds)),
            seed,
        )


@pytest.mark.slow
def test_no_nan_at_the_edges():
    for one in hard_cases(200):
        check_finite(*one)


@pytest.mark.slow
def test_no_nan_in_thousands_of_cases():
    for one in hard_cases(10_000):
        check_finite(*one)


@pytest.mark.parametrize("policy", SIXTEEN_BIT_POLICIES)
def test_short_policies_route_in_float32(policy):
    inputs = capsules(5)
    short = [numpy_of(ops.cast(one, policy[6:])) for one in inputs]
    exact = with_random_weights(MatrixCapsuleEM(3), inputs)
    layer = with_random_weights(MatrixCapsuleEM(3, dtype=policy), inputs)
    assert {str(w.dtype) for w in layer.weights} == {"float32"}
    for one, other in zip(
        numpy_of(layer(inputs)), numpy_of(exact(short)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        (MatrixCapsuleEM(3), [(2, 5, 4, 3), (2, 5)]),
        (MatrixCapsuleEM(3), [(2, 5, 4, 4), (2, 6)]),
        (MatrixCapsuleEM(3), [(2, 5, 4, 4)]),
        (MatrixCapsuleEM(3), (2, 5, 4, 4)),
        (MatrixCapsuleEM(3), [(2, 0, 4, 4), (2, 0)]),
        (MatrixCapsuleEM(3), [(2, 5, 16), (2, 5)]),
        (ConvMatrixCapsuleEM(3), [(2, 5, 5, 2, 4, 3), (2, 5, 5, 2)]),
        (ConvMatrixCapsuleEM(3), [(2, 5, 5, 2, 4, 4), (2, 5, 4, 2)]),
        (ConvMatrixCapsuleEM(3), [(2, 5, 4, 4), (2, 5)]),
        (ConvMatrixCapsuleEM(3), [(2, None, 5, 2, 4, 4), (2, None, 5, 2)]),
        (ClassMatrixCapsuleEM(3), [(2, 5, 5, 2, 4, 4), (2, 5, 5, 3)]),
        (PrimaryMatrixCapsules(3), (2, 5, 5)),
    ],
)
def test_bad_input(layer, shapes):
    with pytest.raises(ValueError, match="expects .*Received: input shape"):
        layer.build(shapes)


def test_map_smaller_than_the_window():
    inputs = capsules(2, 5, 2)
    with pytest.raises(ValueError, match="at least 3 × 3.*Received: 2 × 5"):
        ConvMatrixCapsuleEM(3)(inputs)


def test_poses_too_small_for_coordinates():
    with pytest.raises(ValueError, match="at least 2 × 2"):
        ClassMatrixCapsuleEM(3)(capsules(2, 2, 1, p=1))


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (MatrixCapsuleEM, {"num_capsules": 0}),
        (MatrixCapsuleEM, {"num_capsules": 3, "routings": 0}),
        (MatrixCapsuleEM, {"num_capsules": 3, "epsilon": 0.0}),
        (MatrixCapsuleEM, {"num_capsules": 3, "epsilon": 1e-46}),
        (ConvMatrixCapsuleEM, {"num_capsules": 3, "kernel_size": 0}),
        (ConvMatrixCapsuleEM, {"num_capsules": 3, "strides": (1, 2, 3)}),
        (ConvMatrixCapsuleEM, {"num_capsules": 3, "mass_scale": -1.0}),
        (ClassMatrixCapsuleEM, {"num_classes": 0}),
        (PrimaryMatrixCapsules, {"num_capsules": 3, "pose_size": 0}),
    ],
)
def test_bad_arguments(cls, arguments):
    with pytest.raises(ValueError, match="Received"):
        cls(**arguments)


def test_arguments_of_a_bad_type():
    with pytest.raises(TypeError, match="Received: epsilon='a' of type str"):
        MatrixCapsuleEM(3, epsilon="a")


def test_the_geometry_can_be_taken_out_of_any_layer():
    inputs = capsules(8)
    results = []
    for mass_scale in (None, 3 / (8 * 0.01)):
        layer = MatrixCapsuleEM(3, mass_scale=mass_scale)
        results.append(numpy_of(with_random_weights(layer, inputs)(inputs)))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_function_can_draw_the_primary_kernels():
    ones = keras.initializers.Ones()
    layer = PrimaryMatrixCapsules(
        2, kernel_initializer=lambda shape, dtype=None: ones(shape, dtype)
    )
    poses, _ = layer(np.ones((1, 3, 3, 5), "float32"))
    np.testing.assert_array_equal(numpy_of(poses), 5)
