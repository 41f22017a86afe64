import keras
import numpy as np
import pytest
from keras import ops

from keras_capsvae import CapsuleLayer
from keras_capsvae import squash
from keras_capsvae.layers import votes
from keras_capsvae.routing import blocks
from keras_capsvae.routing.named import ROUTINGS
from tests import capsule_oracles as oracles
from tests.helpers import TOLERANCES
from tests.helpers import check_layer
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.oracles import central_differences

ITERATIONS = {
    **{name: (1, 2, 3, 4, 5) for name in oracles.ROUTINGS},
    "self_attention": (None,),
    "inverted_attention": (1, 2, 3),
    "self_routing": (None,),
}
every_routing = pytest.mark.parametrize("routing", ITERATIONS)
CASES = [
    (name, count) for name, counts in ITERATIONS.items() for count in counts
]


def test_every_routing_is_tested():
    assert list(ITERATIONS) == list(ROUTINGS)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"share_weights": False},
        {"routing": "dynamic", "routings": 2, "squash_constant": 1.0},
        {"routing": "agreement", "activation": "tanh_squash"},
        {"use_bias": True},
        {"share_weights": False, "use_bias": True, "rematerialize": True},
        {"stop_gradient": True, "activation": None},
        {"activation": squash, "squash_constant": 2.0},
        {"routing": "self_attention", "temperature": 2.0},
        {"routing": "self_routing", "share_weights": False},
        {"routing": "inverted_attention", "rematerialize": True},
    ],
)
def test_contract(arguments):
    arguments = {"num_capsules": 3, "dim_capsules": 4, **arguments}
    check_layer(CapsuleLayer, arguments, (6, 5))


def capsules_below(batch=3, n_in=6, d_in=5):
    return np.random.default_rng(0).normal(size=(batch, n_in, d_in))


def built(inputs, **arguments):
    layer = CapsuleLayer(4, 3, **arguments)
    layer.build(inputs.shape)
    random = np.random.default_rng(2)
    for weight in layer.routing_weights:
        weight.assign(random.normal(size=weight.shape))
    return layer


def weights_of(layer):
    return [numpy_of(weight) for weight in layer.trainable_weights]


@pytest.mark.parametrize("share_weights", [True, False])
@pytest.mark.parametrize(("routing", "routings"), CASES)
def test_values(routing, routings, share_weights):
    inputs = capsules_below()
    layer = built(
        inputs,
        routing=routing,
        routings=routings,
        share_weights=share_weights,
        squash_constant=1.0,
    )
    received = numpy_of(layer(inputs))
    expected = oracles.layer(
        routing, inputs, weights_of(layer), routings, constant=1.0
    )
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("rematerialize", [False, True])
@pytest.mark.parametrize("share_weights", [True, False])
@pytest.mark.parametrize(
    ("routing", "routings"), [case for case in CASES if case[1] in (2, 3, None)]
)
def test_gradients(
    routing, routings, share_weights, rematerialize, dtype, tolerance
):
    inputs = capsules_below(batch=2, n_in=3, d_in=2)
    layer = built(
        inputs,
        routing=routing,
        routings=routings,
        share_weights=share_weights,
        rematerialize=rematerialize,
        dtype=dtype,
    )
    arrays = [w.astype("float64") for w in (inputs, *weights_of(layer))]
    weights = np.random.default_rng(1).normal(size=(2, 4, 3))

    def loss(inputs, *own):
        capsules, _ = layer.stateless_call(list(own), [], inputs)
        return ops.sum(ops.multiply(capsules, weights.astype(dtype)))

    received = gradient(loss, *[array.astype(dtype) for array in arrays])

    def oracle(inputs, *own):
        capsules = oracles.layer(routing, inputs, own, routings)
        return (capsules * weights).sum()

    expected = [
        central_differences(
            lambda one: oracle(*arrays[:place], one, *arrays[place + 1 :]),
            array,
        )
        for place, array in enumerate(arrays)
    ]
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@every_routing
@pytest.mark.parametrize("share_weights", [True, False])
def test_blocks_of_votes_change_nothing(share_weights, routing, monkeypatch):
    monkeypatch.setattr(blocks, "computes_on_gpu", lambda: False)
    inputs = capsules_below()
    layer = built(
        inputs, share_weights=share_weights, routing=routing, use_bias=True
    )
    whole = numpy_of(layer(inputs))
    for values, count in ((2 * 6 * 3, 2), (1, 4)):
        monkeypatch.setattr(votes, "BLOCK_VALUES", values)
        assert len(blocks.blocks_of_parents(4, 6 * 3, values)) == count
        received = numpy_of(layer(inputs))
        np.testing.assert_allclose(received, whole, rtol=1e-5, atol=1e-6)


def test_blocks_are_larger_on_a_gpu(monkeypatch):
    whole = [slice(0, 4)]
    for is_gpu, parts in ((False, [slice(0, 2), slice(2, 4)]), (True, whole)):
        monkeypatch.setattr(blocks, "computes_on_gpu", lambda: is_gpu)
        assert blocks.blocks_of_parents(4, 18, limit=36) == parts


@pytest.mark.parametrize("share_weights", [True, False])
def test_bias_is_part_of_the_vote(share_weights):
    inputs = capsules_below()
    layer = built(
        inputs,
        share_weights=share_weights,
        use_bias=True,
        bias_initializer="random_normal",
    )
    assert layer.bias.shape == ((4, 3) if share_weights else (6, 4, 3))
    votes = oracles.votes(inputs, numpy_of(layer.kernel), numpy_of(layer.bias))
    expected = oracles.kmeans(votes, 3)
    np.testing.assert_allclose(numpy_of(layer(inputs)), expected, atol=1e-5)


def test_kernel_shapes():
    inputs = capsules_below()
    assert built(inputs).kernel.shape == (5, 4, 3)
    assert built(inputs, share_weights=False).kernel.shape == (6, 5, 4, 3)


@pytest.mark.parametrize("shape", [(64, 128), (1152, 8)])
@pytest.mark.parametrize("share_weights", [True, False])
def test_votes_have_the_spread_of_the_inputs(share_weights, shape):
    random = np.random.default_rng(0)
    inputs = random.normal(scale=0.3, size=(4, *shape))
    layer = CapsuleLayer(10, 16, share_weights=share_weights)
    layer.build(inputs.shape)
    votes = oracles.votes(inputs, numpy_of(layer.kernel))
    assert 0.27 < votes.std() < 0.33
    of_each_capsule = votes.std((0, 1, 3))
    assert of_each_capsule.max() < 1.3 * of_each_capsule.min()


@every_routing
def test_shared_weights_take_any_number_of_inputs(routing):
    layer = CapsuleLayer(4, 3, routing=routing)
    symbolic = keras.Input((None, 5))
    assert layer(symbolic).shape == (None, 4, 3)
    model = keras.Model(symbolic, layer(symbolic))
    for n_in in (1, 2, 9):
        inputs = capsules_below(n_in=n_in)
        expected = oracles.layer(routing, inputs, weights_of(layer))
        received = model.predict(inputs, verbose=0)
        np.testing.assert_allclose(received, expected, rtol=0, atol=1e-5)


@every_routing
def test_keras_masks_are_honoured(routing):
    inputs = capsules_below()
    inputs[0, 4:] = 0.0
    inputs[2, 2] = 0.0
    layer = CapsuleLayer(4, 3, routing=routing)
    tensor = keras.Input((None, 5))
    model = keras.Model(tensor, layer(keras.layers.Masking()(tensor)))
    mask = (inputs != 0).any(-1)
    assert not mask.all()
    received = model.predict(inputs, verbose=0)
    expected = oracles.layer(routing, inputs, weights_of(layer), mask=mask)
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-5)


@every_routing
def test_masked_inputs_weigh_nothing_though_votes_have_a_bias(routing):
    inputs = capsules_below()
    layer = built(
        inputs, use_bias=True, bias_initializer="ones", routing=routing
    )
    mask = np.array([[True] * 3 + [False] * 3] * 3)
    received = numpy_of(layer(inputs, mask=mask))
    np.testing.assert_allclose(
        received, numpy_of(layer(inputs[:, :3])), rtol=0, atol=1e-5
    )
    assert np.abs(received - numpy_of(layer(inputs))).max() > 1e-3


def test_couplings():
    inputs = capsules_below()
    layer = built(inputs)
    capsules, couplings = layer(inputs, return_couplings=True)
    np.testing.assert_array_equal(numpy_of(capsules), numpy_of(layer(inputs)))
    couplings = numpy_of(couplings)
    assert couplings.shape == (3, 6, 4)
    votes = oracles.votes(inputs, numpy_of(layer.kernel))
    centres = np.einsum("bij,bijd->bjd", couplings, votes)
    np.testing.assert_allclose(
        numpy_of(capsules), oracles.squash(centres), rtol=0, atol=1e-5
    )


def test_couplings_in_a_functional_model():
    tensor = keras.Input((None, 5))
    outputs = CapsuleLayer(4, 3)(tensor, return_couplings=True)
    assert [output.shape for output in outputs] == [
        (None, 4, 3),
        (None, None, 4),
    ]
    model = keras.Model(tensor, outputs)
    capsules, couplings = model.predict(capsules_below(), verbose=0)
    assert capsules.shape == (3, 4, 3)
    np.testing.assert_allclose(couplings.sum(-1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_routing_runs_in_float32(policy):
    layer = CapsuleLayer(4, 3, dtype=policy)
    _, couplings = layer(capsules_below(), return_couplings=True)
    assert keras.backend.standardize_dtype(couplings.dtype) == "float32"
    tensor = keras.Input((6, 5))
    symbolic = layer(tensor, return_couplings=True)[1]
    assert symbolic.dtype == "float32"


@pytest.mark.parametrize("share_weights", [True, False])
@every_routing
def test_zero_input_has_a_finite_gradient(routing, share_weights):
    zero = np.zeros((2, 6, 5), "float32")
    layer = built(zero, routing=routing, share_weights=share_weights)
    received = gradient(lambda x: ops.sum(layer(x)), zero)[0]
    assert np.isfinite(received).all()


def test_own_activation_is_saved_by_its_registered_name(tmp_path):
    @keras.saving.register_keras_serializable(package="tests")
    def twice(x):
        return 2.0 * x

    tensor = keras.Input((6, 5))
    model = keras.Model(tensor, CapsuleLayer(4, 3, activation=twice)(tensor))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    inputs = capsules_below()
    np.testing.assert_array_equal(
        again.predict(inputs, verbose=0), model.predict(inputs, verbose=0)
    )


def test_unknown_number_of_inputs_needs_shared_weights():
    with pytest.raises(ValueError, match="fixed number of input capsules"):
        CapsuleLayer(4, 3, share_weights=False)(keras.Input((None, 5)))


def test_another_number_of_inputs_than_that_of_the_weights():
    layer = built(capsules_below(), share_weights=False)
    with pytest.raises(
        ValueError, match="axis 1 of input shape to have value 6"
    ):
        layer(capsules_below(n_in=7))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"routings": 0}, "routings=0"),
        ({"routing": "kmean"}, "one of .*'kmeans', .* 'self_routing'.*'kmean'"),
        (
            {"routing": "self_attention", "routings": 3},
            "must be None for routing='self_attention'.*routings=3",
        ),
        (
            {"routing": "self_routing", "stop_gradient": True},
            "`stop_gradient` must be False for routing='self_routing'",
        ),
        (
            {"routing": "inverted_attention", "activation": "tanh_squash"},
            "left out for routing='inverted_attention'.*'tanh_squash'",
        ),
        ({"routing": ["kmeans"]}, r"one of .*routing=\['kmeans'\]"),
        ({"temperature": 0.0}, "`temperature` must be positive"),
        (
            {"routing": "hard_kmeans", "temperature": 0.1},
            "must be 1 for routing='hard_kmeans'.*temperature=0.1",
        ),
        ({"num_capsules": 0}, "num_capsules=0"),
        ({"dim_capsules": -1}, "dim_capsules=-1"),
        ({"activation": "squish"}, "activation='squish'"),
        ({"squash_constant": 0}, "must be above 0"),
    ],
)
def test_bad_arguments(arguments, message):
    arguments = {"num_capsules": 3, "dim_capsules": 4, **arguments}
    with pytest.raises(ValueError, match=message):
        CapsuleLayer(**arguments)


def test_the_coupling_kernel_is_regularised_as_the_kernel_is():
    layer = CapsuleLayer(3, 4, routing="self_routing", kernel_regularizer="l2")
    layer(np.ones((2, 6, 5)))
    coupling_kernel = layer.routing_weights[0]
    expected = 0.01 * sum(
        np.sum(numpy_of(one) ** 2) for one in (layer.kernel, coupling_kernel)
    )
    np.testing.assert_allclose(numpy_of(sum(layer.losses)), expected, rtol=1e-5)


def test_poses_of_nothing_have_moderate_gradients():
    layer = CapsuleLayer(3, 4, routing="inverted_attention")
    zeros = np.zeros((2, 6, 5), "float32")
    layer(zeros)
    weights = ops.arange(1.0, 4.0)[:, None]
    (received,) = gradient(lambda x: ops.sum(layer(x) * weights), zeros)
    assert np.abs(received).max() < 1e6


@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 4, 5), (2, 3, None)])
def test_bad_shapes(shape):
    with pytest.raises(ValueError, match=r"batch, n_in, d_in"):
        CapsuleLayer(3, 4)(keras.Input(batch_shape=shape))


@pytest.mark.parametrize(
    ("routing", "routings"),
    [("kmeans", 3), ("self_attention", None), ("inverted_attention", 2)],
)
def test_iterations_are_those_of_the_routing_unless_given(routing, routings):
    layer = CapsuleLayer(4, 3, routing=routing)
    assert layer.routings == routings
    again = CapsuleLayer.from_config(layer.get_config())
    assert again.routings == routings


def test_temperature_of_the_layer():
    inputs = capsules_below()
    layer = built(inputs, temperature=0.2)
    voted = oracles.votes(inputs, numpy_of(layer.kernel))
    expected = oracles.kmeans(voted, 3, temperature=0.2)
    np.testing.assert_allclose(numpy_of(layer(inputs)), expected, atol=3e-5)


def test_masks_of_another_length():
    inputs = capsules_below()
    with pytest.raises(ValueError, match=r"\(3, 6\).*\(3, 5\)"):
        built(inputs)(inputs, mask=np.ones((3, 5), bool))
