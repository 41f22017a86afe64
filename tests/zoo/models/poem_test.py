import numpy as np
import pytest

import zoo
from keras_capsvae import KLWarmUp
from keras_capsvae import PrintedText
from keras_capsvae import vocabulary_of
from tests.helpers import numpy_of
from tests.helpers import tensorflow_only
from tests.poems import CHARACTERS
from tests.poems import COUPLETS
from tests.poems import small
from tests.poems import trained
from zoo import datasets
from zoo import evaluation
from zoo.evaluation import texts as text_evaluation
from zoo.pretrained import manifest
from zoo.pretrained import vocabularies


def test_the_default_vocabulary_is_that_of_the_shipped_weights():
    model = zoo.poem_vae(compile=False)
    shipped = vocabularies.path_of("poem_vae").read_text(encoding="utf-8")
    assert model.vocabulary.characters == shipped.strip()
    model.encode_text(datasets.load_texts().x_train)


def test_without_shipped_characters_the_embedded_are_the_default(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(manifest, "FOLDER", tmp_path)
    model = zoo.poem_vae(compile=False)
    texts = datasets.load_texts()
    everything = [*texts.x_train, *texts.x_test]
    assert model.vocabulary.characters == vocabulary_of(everything).characters
    assert model.sentence_length == 10
    assert model.decoder.inputs[0].shape == (None, 64)
    assert model.encode_text(everything).max() == model.vocabulary.size - 1


def test_shipped_characters_become_the_default(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "FOLDER", tmp_path)
    vocabularies.ship("poem_vae", CHARACTERS)
    vocabularies.ship("poem_vae", CHARACTERS)
    model = zoo.poem_vae(compile=False, hidden_dim=4)
    assert model.vocabulary.characters == CHARACTERS
    with pytest.raises(ValueError, match="share one vocabulary.*1 characters"):
        vocabularies.ship("poem_vae", "日")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"vocabulary": ""}, ValueError, "is empty"),
        ({"vocabulary": "日日"}, ValueError, "twice"),
        ({"vocabulary": ["日"]}, TypeError, "must be a string"),
        ({"vocabulary": "日", "unknown": "日"}, ValueError, "unknown='日'"),
        ({"sentence_length": 0}, ValueError, "sentence_length=0"),
        ({"hidden_dim": 0}, ValueError, "hidden_dim=0"),
        ({"decoder_blocks": 0}, ValueError, "decoder_blocks=0"),
        ({"sentence_length": 2.5}, TypeError, "`sentence_length`"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        zoo.poem_vae(**arguments)


def test_compiled_as_the_original():
    model = small()
    assert type(model.optimizer).__name__ == "Adam"
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-3)
    assert float(model.latent.beta) == 1
    assert model.loss.name == "categorical_reconstruction"


def test_kl_warm_up_moves_the_weight():
    model = small()
    ids = model.encode_text(COUPLETS)
    seen = []
    watch = PrintedText(write=lambda _: seen.append(float(model.latent.beta)))
    model.fit(ids, epochs=3, verbose=0, callbacks=[KLWarmUp(2), watch])
    assert seen == [0.0, 0.5, 1.0]


def test_a_text_is_printed_after_each_epoch():
    model, lines = small(), []
    ids = model.encode_text(COUPLETS)
    printed = PrintedText(every=2, write=lines.append)
    model.fit(ids, epochs=4, verbose=0, callbacks=[printed])
    assert [line.strip().split(":")[0] for line in lines] == ["2", "4"]
    assert lines[1].strip() == f"4: {model.generate(1, seed=4)[0]}"
    with pytest.raises(ValueError, match="every=0"):
        PrintedText(every=0)


@pytest.mark.thorough
def test_figures_of_held_out_texts():
    model = trained()
    ids = model.encode_text(COUPLETS)
    figures = evaluation.evaluate(model, ids, verbose=0)
    assert figures["elbo_per_character"] == pytest.approx(-figures["loss"] / 10)
    assert figures["perplexity"] == pytest.approx(np.exp(figures["loss"] / 10))
    assert figures["accuracy"] == 1.0
    assert figures["active_units"] > 0
    wrong = ids.copy()
    wrong[:, 0] = (wrong[:, 0] + 1) % len(CHARACTERS)
    decoded = model.reconstruct(wrong).argmax(-1)
    accuracy = text_evaluation.reconstruction_accuracy(model, wrong)
    assert accuracy == pytest.approx((decoded == wrong).mean())


def test_novelty_and_distinct_runs():
    texts = ["日月。", "日月", "山，日"]
    assert text_evaluation.novelty(texts, ["日，月"]) == pytest.approx(1 / 3)
    assert text_evaluation.distinct(texts, 1) == pytest.approx(3 / 6)
    assert text_evaluation.distinct(texts, 2) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="at least 3"):
        text_evaluation.distinct(texts, 3)
    figures = text_evaluation.sample_figures(trained(), COUPLETS, count=20)
    samples = trained().generate(20, seed=0)
    assert figures["novel"] == np.mean([s not in COUPLETS for s in samples])
    assert figures["repeating_lines"] == text_evaluation.repeating_lines(
        samples, 5
    )
    assert figures["repeating_lines_of_corpus"] == 1 / 12


def test_repeating_lines():
    texts = ["日月山，日月日。", "山山山，日月山。"]
    assert text_evaluation.repeating_lines(texts, 3) == 2 / 4
    assert text_evaluation.repeating_lines(texts, 6) == 1


@tensorflow_only
def test_endpoints_take_and_give_ids(tmp_path):
    import tensorflow as tf

    model = trained()
    ids = model.encode_text(COUPLETS)
    model.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served")
    z_mean, _ = served.encode(ids)
    decoded = numpy_of(served.decode(z_mean)).argmax(-1)
    np.testing.assert_array_equal(decoded, ids)
    assert served.generate(4).shape == (4, 10, len(CHARACTERS))
    assert served.serve(ids[:1]).shape == (1, 10, len(CHARACTERS))


def test_a_text_of_another_length_brings_the_argument():
    model = zoo.poem_vae(CHARACTERS, compile=False)
    with pytest.raises(ValueError, match="10 characters.*sentence_length=58"):
        model.encode_text([CHARACTERS[0] * 58])
