import keras
import numpy as np
import pytest

from keras_capsvae import CharacterEmbedding
from keras_capsvae import MaskedPooling
from keras_capsvae import PositionEmbedding
from tests.helpers import BACKEND
from tests.helpers import check_layer
from tests.helpers import dtype_policy
from tests.helpers import numpy_of


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (MaskedPooling, {}),
        (PositionEmbedding, {}),
        (PositionEmbedding, {"initial_scale": 0.5}),
    ],
)
def test_contract(cls, arguments):
    check_layer(cls, arguments, (7, 4))


@pytest.mark.thorough
@pytest.mark.parametrize("unknown", [None, "□"])
def test_contract_of_the_characters(unknown):
    arguments = {"characters": "日月山水", "output_dim": 3, "unknown": unknown}
    check_layer(CharacterEmbedding, arguments, (5,))


@pytest.mark.parametrize("mask_zero", [False, True])
def test_characters_survive_the_config(mask_zero):
    layer = CharacterEmbedding("日月", 3, "□", mask_zero=mask_zero)
    again = CharacterEmbedding.from_config(layer.get_config())
    assert again.vocabulary.characters == "日月"
    assert again.vocabulary.unknown == "□"
    assert again.vocabulary.padding is mask_zero
    assert again.input_dim == layer.input_dim == 3 + mask_zero


def test_rows_of_the_embedding_are_the_ids():
    layer = CharacterEmbedding("日月山", 2)
    ids = layer.vocabulary.encode(["山日"])
    embedded = numpy_of(layer(ids))
    np.testing.assert_array_equal(embedded[0], layer.get_weights()[0][[2, 0]])


def test_padding_is_masked():
    layer = CharacterEmbedding("日月", 2, mask_zero=True)
    mask = layer.compute_mask(np.array([[1, 2, 0]]))
    np.testing.assert_array_equal(numpy_of(mask), [[True, True, False]])


def test_mean_over_the_kept_steps():
    x = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
    mask = np.array([[1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], bool)
    pooled = numpy_of(MaskedPooling()(x, mask=mask))
    expected = [x[0, :2].mean(0), x[1, 3], [0, 0]]
    np.testing.assert_allclose(pooled, expected, rtol=1e-6)
    whole = numpy_of(MaskedPooling()(x))
    np.testing.assert_allclose(whole, x.mean(1), rtol=1e-5, atol=1e-7)


def test_waves_of_the_positions():
    layer = PositionEmbedding(initial_scale=2.0)
    received = numpy_of(layer(np.ones((1, 5, 6), "float32")))[0]
    for step in range(5):
        for dim in range(6):
            angle = step / 10_000 ** (dim // 2 * 2 / 6)
            wave = np.cos(angle) if dim % 2 else np.sin(angle)
            assert received[step, dim] == pytest.approx(1 + 2 * wave, abs=1e-6)


@pytest.mark.parametrize("cls", [MaskedPooling, PositionEmbedding])
def test_rank_is_three(cls):
    with pytest.raises(ValueError, match="ndim=3"):
        cls()(np.ones((2, 3)))


def test_the_mask_ends_at_the_pooling():
    ids = keras.Input((None,), dtype="int32")
    x = CharacterEmbedding("日月", 4, mask_zero=True)(ids)
    x = PositionEmbedding()(x)
    model = keras.Model(ids, MaskedPooling()(x))
    short, padded = np.array([[1, 2]]), np.array([[1, 2, 0, 0]])
    np.testing.assert_allclose(
        numpy_of(model(short)), numpy_of(model(padded)), rtol=1e-6
    )


@pytest.mark.skipif(BACKEND == "jax", reason="JAX has float64 behind a switch")
def test_positions_in_float64():
    with dtype_policy("float64"):
        layer = PositionEmbedding(0.5)
        received = layer(np.zeros((1, 3, 4)))
    assert keras.backend.standardize_dtype(received.dtype) == "float64"
    expected = PositionEmbedding(0.5)(np.zeros((1, 3, 4), "float32"))
    np.testing.assert_allclose(
        numpy_of(received), numpy_of(expected), atol=1e-6
    )


def test_positions_are_added_to_numpy_arrays_without_state():
    x = np.random.default_rng(0).random((2, 3, 4)).astype("float32")
    layer = PositionEmbedding()
    expected = numpy_of(layer(x))
    state = [
        [variable.value for variable in variables]
        for variables in (
            layer.trainable_variables,
            layer.non_trainable_variables,
        )
    ]
    received, _ = layer.stateless_call(*state, x)
    np.testing.assert_array_equal(numpy_of(received), expected)
