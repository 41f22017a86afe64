import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import LabelCrossentropy
from tests.helpers import numpy_of
from zoo.runs import cosine_decay

TEXTS = ["春眠不觉晓", "白日", "山，月"]
CHARACTERS = "春眠不觉晓白日山月"


def small(**arguments):
    return zoo.gated_cnn_classifier(
        **{"vocabulary": CHARACTERS, "hidden_dim": 8, "seed": 0, **arguments}
    )


def ids_of(count=12, steps=6):
    return np.random.default_rng(0).integers(1, 10, (count, steps))


@pytest.mark.thorough
@pytest.mark.parametrize("padding", [1, 5, 30])
def test_padding_changes_nothing(padding):
    model = small()
    ids = ids_of()
    model.fit(ids, np.arange(12) % 2, verbose=0, epochs=2)
    padded = np.pad(ids, [(0, 0), (0, padding)])
    expected = model.predict(ids, verbose=0)
    np.testing.assert_allclose(
        model.predict(padded, verbose=0), expected, rtol=1e-5
    )
    padded[:, -1] = 1  # no padding any more
    received = model.predict(padded, verbose=0)
    assert not np.allclose(received, expected, rtol=1e-3)


@pytest.mark.thorough
def test_texts_of_nothing_but_padding_are_finite():
    model = small()
    ids = np.zeros((4, 5), int)
    model.fit(ids, np.arange(4) % 2, verbose=0)
    assert np.isfinite(model.predict(ids, verbose=0)).all()
    assert all(np.isfinite(w).all() for w in model.get_weights())


@pytest.mark.thorough
def test_it_learns_the_order_of_characters():
    """Which of two characters comes first: no bag of characters knows."""
    ids = np.array([[1, 2, 3, 4], [1, 3, 2, 4]] * 16)
    labels = np.array([0, 1] * 16)
    model = small(learning_rate=0.01)
    model.fit(ids, labels, epochs=30, verbose=0)
    shifted = np.array([[4, 1, 2, 3, 4], [4, 1, 3, 2, 4]])
    assert model.evaluate(ids, labels, verbose=0, return_dict=True)[
        "accuracy"
    ] == pytest.approx(1)
    assert (model.predict(shifted, verbose=0).argmax(-1) == [0, 1]).all()


def test_texts_become_padded_ids(tmp_path):
    model = small()
    ids = model.encode_text(TEXTS)
    np.testing.assert_array_equal(
        ids, [[1, 2, 3, 4, 5], [6, 7, 0, 0, 0], [8, 9, 0, 0, 0]]
    )
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.encode_text(TEXTS), ids)
    np.testing.assert_array_equal(again.predict(ids), model.predict(ids))
    with pytest.raises(ValueError, match="'花'"):
        again.encode_text(["花"])
    known = small(unknown="□").encode_text(["花"])
    np.testing.assert_array_equal(known, [[10]])


@pytest.mark.parametrize(
    ("characters", "text", "kept"),
    [
        ("CONcon()=#[]12", "CC(=O)O", "CC(=O)O"),
        ("CONcon()=#[]12", "[C] N.", "[C]N"),
        ("abcdeo, .", "a code, a bode.", "a code, a bode."),
        ("abcdeo", "a code, a bode.", "acodeabode"),
        ("春眠，", "春，眠。", "春，眠"),
    ],
)
def test_characters_of_the_vocabulary_stay(characters, text, kept, tmp_path):
    model = small(vocabulary=characters, compile=False)
    model.save(tmp_path / "model.keras")
    for one in (model, keras.models.load_model(tmp_path / "model.keras")):
        ids = one.encode_text(np.array([text]))
        assert one.vocabulary.decode(ids) == [kept]


def test_dilations_are_those_asked_for():
    model = small(dilations=[1, 3])
    convolutions = [model.get_layer(f"conv_{block}") for block in (1, 2)]
    assert [one.dilation_rate for one in convolutions] == [1, 3]
    assert small(dilations=[]).count_params() < model.count_params()
    with pytest.raises(ValueError, match=r"dilations\[1\]"):
        small(dilations=[1, 0])


def test_a_model_of_ids_alone_takes_no_texts():
    model = zoo.gated_cnn_classifier(20, 3, hidden_dim=4)
    assert model.vocabulary is None
    with pytest.raises(ValueError, match="without a vocabulary"):
        model.encode_text(TEXTS)
    assert model.predict(ids_of(2), verbose=0).shape == (2, 3)


@pytest.mark.parametrize("reload", [False, True])
@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[10]], r"\[0, 9\].*\[10, 10\]"),
        ([[-1]], r"\[0, 9\]"),
        ([[0.5]], "fractions"),
        ([[np.nan]], "finite"),
        ([1], r"shape \(batch, None\)"),
    ],
)
def test_ids_out_of_range(ids, message, reload, tmp_path):
    model = small()
    if reload:
        model.save(tmp_path / "model.keras")
        model = keras.models.load_model(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=message):
        model.fit(np.array(ids), np.array([0]), verbose=0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [([2], r"\[0, 1\]"), ([-1], r"\[0, 1\]"), (None, "labels, fit")],
)
def test_bad_labels(labels, message):
    labels = None if labels is None else np.array(labels)
    with pytest.raises(ValueError, match=message):
        small().fit(ids_of(1), labels, verbose=0)


def test_texts_are_no_ids():
    with pytest.raises(ValueError, match="encode_text"):
        small().fit(TEXTS, np.array([0, 1, 1]), verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden_dim": 6}, "hidden_dim=6, num_heads=4"),
        ({"num_classes": 0}, "num_classes=0"),
        ({"vocabulary_size": 0, "vocabulary": None}, "vocabulary_size=0"),
        ({"vocabulary_size": 9}, "vocabulary_size=9 with vocabulary='春眠"),
        ({"unknown": "□", "vocabulary": None}, "unknown='□' with voc"),
        ({"vocabulary": "日日"}, "twice"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments)


def test_labels_of_all_forms_give_the_same_loss():
    model, ids, labels = small(), ids_of(), np.arange(12) % 2
    results = [
        model.evaluate(ids, given, verbose=0)
        for given in (labels, labels[:, None], np.eye(2)[labels])
    ]
    np.testing.assert_allclose(results[1:], [results[0]] * 2, rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_label_crossentropy_is_the_formula(smoothing):
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(4), size=5)
    labels = np.array([0, 3, 1, 1, 2])
    targets = np.eye(4)[labels] * (1 - smoothing) + smoothing / 4
    expected = -np.mean(np.sum(targets * np.log(probabilities), -1))
    loss = LabelCrossentropy(smoothing)
    for given in (labels, labels[:, None], np.eye(4)[labels]):
        received = float(numpy_of(loss(given, probabilities)))
        assert received == pytest.approx(expected, rel=1e-5)
    again = LabelCrossentropy.from_config(loss.get_config())
    assert again.label_smoothing == smoothing
    with pytest.raises(ValueError, match="label_smoothing=1"):
        LabelCrossentropy(1)


@pytest.mark.thorough
def test_the_techniques_work_together(tmp_path):
    ids, labels = ids_of(16), np.arange(16) % 2
    model = small(
        optimizer=keras.optimizers.Adam(
            cosine_decay(8, warm_up=0.1), use_ema=True, ema_momentum=0.5
        ),
        loss=LabelCrossentropy(label_smoothing=0.1),
    )
    history = model.fit(
        ids,
        labels,
        batch_size=4,
        epochs=2,
        class_weight={0: 1.0, 1: 3.0},
        validation_data=(ids, labels),
        callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch=True)],
        verbose=0,
    ).history
    assert all(np.isfinite(values).all() for values in history.values())
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(ids), model.predict(ids))


@pytest.mark.thorough
def test_class_weights_weigh():
    ids, labels = ids_of(8), np.arange(8) % 2
    losses = []
    for weights in (None, {0: 1.0, 1: 3.0}, {0: 2.0, 1: 2.0}):
        history = small(learning_rate=0.0).fit(
            ids, labels, class_weight=weights, verbose=0
        )
        losses.append(history.history["loss"][0])
    assert losses[2] == pytest.approx(2 * losses[0], rel=1e-5)
    assert losses[1] > losses[0]
