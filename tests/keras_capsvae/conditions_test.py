"""Conditions of encoder, decoder and prior."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_capsvae import ClassMeans
from keras_capsvae import GaussianLatent
from keras_capsvae import VariationalAutoencoder
from tests.helpers import tensorflow_only
from tests.own_nets import LABELS
from tests.own_nets import NUMBERS
from tests.own_nets import ONE_HOT
from tests.own_nets import X
from tests.own_nets import check_cycle
from tests.own_nets import compiled
from tests.own_nets import decoder
from tests.own_nets import embedded_label_vae
from tests.own_nets import encoder
from tests.own_nets import given


@pytest.mark.thorough
@pytest.mark.parametrize("names", [("label", "label"), ("label", "c")])
def test_a_label_in_encoder_and_decoder(names, tmp_path):
    """Matched by name, or by position where the names differ."""
    seen, told = given(names[0]), given(names[1])
    model = VariationalAutoencoder(encoder((6,), *seen), decoder(*told))
    compiled(model)
    assert len(model.inputs) == 2
    check_cycle(model, [X, ONE_HOT], tmp_path)
    twos = model.generate(3, label=2, seed=0)
    np.testing.assert_array_equal(
        twos, model.generate(3, condition=ONE_HOT[2], seed=0)
    )
    np.testing.assert_array_equal(  # a list of the only condition
        twos, model.generate(3, condition=[ONE_HOT[2]], seed=0)
    )
    assert not np.allclose(twos, model.generate(3, label=0, seed=0))
    with pytest.raises(ValueError, match="condition"):
        model.generate(3)
    with pytest.raises(ValueError, match="condition"):
        model.decode(np.zeros((1, 2)))


def test_an_integer_label_in_an_embedding(tmp_path):
    embedded = [keras.Input((), dtype="int32", name="label") for _ in range(2)]
    seen, told = (layers.Embedding(3, 4)(label) for label in embedded)
    x, z = keras.Input((6,)), keras.Input((2,))
    h = layers.Concatenate()([x, seen])
    heads = [layers.Dense(2)(h), layers.Dense(2)(h)]
    decoded = layers.Dense(6, "sigmoid")(layers.Concatenate()([z, told]))
    model = VariationalAutoencoder(
        keras.Model([x, embedded[0]], heads),
        keras.Model([z, embedded[1]], decoded),
    )
    check_cycle(compiled(model), [X, LABELS], tmp_path)
    twos = model.generate(3, condition=2, seed=0)
    several = model.generate(3, condition=np.array([2, 2, 2]), seed=0)
    np.testing.assert_array_equal(twos, several)


def test_several_conditions_are_matched_by_name():
    model = VariationalAutoencoder(
        encoder((6,), *given("label", "numbers")),
        decoder(*given("numbers", "label")),
    )
    compiled(model).fit([X, ONE_HOT, NUMBERS], verbose=0)
    assert [tensor.name for tensor in model.inputs[1:]] == ["label", "numbers"]
    received = model.generate(8, condition=[ONE_HOT, NUMBERS], seed=0)
    z = model.draw_latents(8, condition=[ONE_HOT, NUMBERS], seed=0)
    expected = model.decoder.predict([z, NUMBERS, ONE_HOT], verbose=0)
    np.testing.assert_allclose(received, expected, rtol=1e-6)
    one = model.generate(2, condition=[ONE_HOT[0], NUMBERS[0]], seed=0)
    assert one.shape == (2, 6)


def _conditional():
    seen, told = given("label"), given("label")
    return compiled(
        VariationalAutoencoder(encoder((6,), *seen), decoder(*told))
    )


def test_a_blend_of_classes_leaves_classes_what_they_are():
    model = _conditional()
    model.fit([X, ONE_HOT], verbose=0)
    twos = model.generate(2, label=2, seed=0)
    model.generate(1, condition=[0.5, 0.5, 0.0])
    model.encode([X, 0.9 * ONE_HOT])
    np.testing.assert_array_equal(model.generate(2, label=2, seed=0), twos)
    model.fit([X, 0.9 * ONE_HOT], verbose=0)  # no classes, it turns out
    with pytest.raises(ValueError, match="no single condition with classes"):
        model.generate(2, label=2)


def test_numbers_of_classes_are_no_vector():
    model = _conditional()
    for wrong in ([0, 1, 2], [2, 0, 1, 1]):
        with pytest.raises(ValueError, match=f"`label` takes.*{wrong[-1]}"):
            model.generate(len(wrong), condition=wrong)
    for use in (model.encode, model.fit, model.score_samples):
        with pytest.raises(ValueError, match="`.*label.*to_categorical"):
            use([X, LABELS])


def test_conditions_by_name_and_of_other_shapes():
    names = ("label", "numbers")
    model = VariationalAutoencoder(
        encoder((6,), *given(*names)), decoder(*given(*names))
    )
    both = {"label": ONE_HOT, "numbers": NUMBERS}
    np.testing.assert_array_equal(
        model.generate(8, condition=both, seed=0),
        model.generate(8, condition=[ONE_HOT, NUMBERS], seed=0),
    )
    with pytest.raises(ValueError, match="must hold .*'numbers'.*Received"):
        model.generate(8, condition={"label": ONE_HOT})
    with pytest.raises(ValueError, match=r"label.*Received: shape \(\)"):
        model.generate(3, condition=[1, NUMBERS[0]])


def test_a_condition_of_the_encoder_alone_is_not_asked_for():
    model = VariationalAutoencoder(encoder((6,), *given("c")), decoder())
    compiled(model).fit([X, ONE_HOT], verbose=0)
    assert model.generate(3, seed=0).shape == (3, 6)
    assert model.reconstruct([X, ONE_HOT]).shape == (8, 6)


def test_a_label_that_is_the_prior_s_too():
    latent = GaussianLatent(prior=ClassMeans(3))
    model = VariationalAutoencoder(
        encoder((6,), *given("label")), decoder(), latent
    )
    compiled(model).fit([X, ONE_HOT], verbose=0)
    assert len(model.inputs) == 2
    assert model.generate(3, label=[0, 1, 2]).shape == (3, 6)


@tensorflow_only
def test_signatures_of_a_conditional_model(tmp_path):
    import tensorflow as tf

    x, z = keras.Input((6,), name="image"), keras.Input((2,), name="z")
    seen, told = given("label", "label")
    h = layers.Concatenate()([x, seen])
    decoded = layers.Dense(6, "sigmoid")(layers.Concatenate()([z, told]))
    model = VariationalAutoencoder(
        keras.Model([x, seen], [layers.Dense(2)(h), layers.Dense(2)(h)]),
        keras.Model([z, told], decoded),
    )
    model.export(tmp_path)
    served = tf.saved_model.load(tmp_path)
    expected = {
        "serve": ({"image", "label"}, {"reconstruction"}),
        "encode": ({"image", "label"}, {"z_mean", "z_log_var"}),
        "decode": ({"z", "label"}, {"reconstruction"}),
        "generate": ({"n", "label"}, {"reconstruction"}),
    }
    for name, (inputs, outputs) in expected.items():
        signature = served.signatures[name]
        assert set(signature.structured_input_signature[1]) == inputs, name
        assert set(signature.structured_outputs) == outputs, name
    heads = served.signatures["encode"](
        image=tf.constant(X), label=tf.constant(ONE_HOT)
    )
    mean, log_var = model.posterior([X, ONE_HOT])
    np.testing.assert_allclose(heads["z_mean"], mean, atol=1e-5)
    np.testing.assert_allclose(heads["z_log_var"], log_var, atol=1e-5)
    assert served.generate(tf.constant(3), tf.constant(1)).shape == (3, 6)
    with pytest.raises(tf.errors.InvalidArgumentError, match="label"):
        served.generate(tf.constant(3), tf.constant(9))


@pytest.mark.parametrize("data", [0.5 * ONE_HOT, ONE_HOT])
def test_files_keep_whether_a_condition_is_of_classes(data, tmp_path):
    model = compiled(
        VariationalAutoencoder(encoder((6,), *given("c")), decoder(*given("c")))
    )
    model.fit([X, data], verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.num_classes == model.num_classes
    assert model.num_classes == (3 if data.max() == 1 else None)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_label_that_is_embedded(shape):
    model = embedded_label_vae(shape)
    assert model.num_classes == 4
    model.fit([X, LABELS], verbose=0)
    model.fit([X, LABELS[:, None]], verbose=0)
    np.testing.assert_array_equal(
        model.generate(2, label=3, seed=0),
        model.generate(2, condition=np.full((2, *shape), 3), seed=0),
    )
    three = model.generate(3, label=[0, 1, 2], seed=0)
    column = model.generate(3, label=[[0], [1], [2]], seed=0)
    np.testing.assert_array_equal(three, column)
    assert np.ptp(three, axis=0).min() > 0
    np.testing.assert_allclose(
        model.relabel([X, LABELS], LABELS), model.reconstruct([X, LABELS])
    )
    assert model.score_samples([X, LABELS]).shape == (8,)
    for wrong in (4, -1, 1.5):
        with pytest.raises((TypeError, ValueError), match="label"):
            model.generate(1, label=wrong)
    with pytest.raises(ValueError, match=r"\[0, 3\]"):
        model.fit([X, LABELS + 4], verbose=0)


@tensorflow_only
def test_a_saved_model_of_an_embedded_label(tmp_path):
    import tensorflow as tf

    model = embedded_label_vae((1,))
    model.export(tmp_path)
    served = tf.saved_model.load(tmp_path)
    assert served.generate(tf.constant(3), tf.constant(2)).shape == (3, 6)


def test_a_prior_of_another_label():
    latent = GaussianLatent(ClassMeans(4))
    model = embedded_label_vae((1,))
    with pytest.raises(ValueError, match=r"\(None, 4\), which the prior"):
        VariationalAutoencoder(model.encoder, model.decoder, latent)


def test_conditions_must_not_be_masked():
    model = compiled(
        VariationalAutoencoder(encoder((6,), *given("c")), decoder(*given("c")))
    )
    masked = np.ma.masked_less(np.array([[0.1, 0.5, 0.4]]), 0.3)
    with pytest.raises(ValueError, match="1 masked"):
        model.generate(1, condition=masked)
