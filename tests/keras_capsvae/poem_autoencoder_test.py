import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import GaussianMixture
from keras_capsvae import PoemAutoencoder
from keras_capsvae.models import poem_autoencoder
from keras_capsvae.models.latent_search import search
from keras_capsvae.vocabulary import characters_of
from tests.helpers import numpy_of
from tests.helpers import tensorflow_only
from tests.poems import CHARACTERS
from tests.poems import COUPLETS
from tests.poems import small
from tests.poems import trained


@pytest.mark.thorough
def test_it_reconstructs_what_it_knows():
    assert trained().reconstruct(COUPLETS) == COUPLETS
    bare = [characters_of(couplet) for couplet in COUPLETS]
    assert trained().reconstruct(bare) == COUPLETS


def test_ids_come_back_as_probabilities():
    model = trained()
    ids = model.encode_text(COUPLETS)
    probabilities = model.reconstruct(ids)
    assert probabilities.shape == (6, 10, len(CHARACTERS))
    np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(probabilities.argmax(-1), ids)


def test_ids_and_texts_are_inverse():
    model = small(compile=False)
    ids = model.encode_text(COUPLETS)
    assert ids.shape == (6, 10)
    assert model.decode_text(ids) == COUPLETS


def test_texts_may_be_strings_of_numpy():
    model = trained()
    texts = np.array(COUPLETS)
    assert model.reconstruct(texts) == model.reconstruct(COUPLETS)
    assert model.interpolate(*texts[:2], 3) == model.interpolate(
        *COUPLETS[:2], 3
    )
    line = COUPLETS[0][:5]
    few = {"draws": 8, "rounds": 2, "seed": 0}
    assert model.complete(np.str_(line), **few) == model.complete(line, **few)


@pytest.mark.parametrize("vocabulary", ["。山日月水，", "山日月水 ", "CO(=)12"])
@pytest.mark.parametrize("length", [4, 5])
def test_all_that_is_generated_can_be_encoded_again(vocabulary, length):
    model = zoo.poem_vae(vocabulary, length, 2, 4, seed=0, compile=False)
    texts = model.generate(20, seed=0, temperature=1.0)
    assert any(not text.isalnum() for text in texts)
    ids = model.encode_text(texts)
    assert model.decode_text(ids) == texts


@pytest.mark.parametrize("given", [{"seed": 1}, {"temperature": 0.5}])
def test_nothing_is_drawn_of_ids(given):
    (name,) = given
    model = small(compile=False)
    with pytest.raises(ValueError, match=f"{name}={given[name]}.*with ids"):
        model.reconstruct(model.encode_text(COUPLETS), **given)


def test_generation_is_fixed_by_the_seed():
    model = trained()
    for temperature in (0.0, 1.0):
        one, same, other = (
            model.generate(20, seed=seed, temperature=temperature)
            for seed in (1, 1, 2)
        )
        assert one == same != other
        assert all(len(text) == 12 and text[5] == "，" for text in one)
        assert all(text.endswith("。") for text in one)
        assert {c for t in one for c in characters_of(t)} <= set(CHARACTERS)
    assert model.generate(5) != model.generate(5)


def test_generation_takes_the_most_probable_characters():
    model = trained()
    z = np.random.default_rng(3).standard_normal((4, 8)).astype("float32")
    expected = model.decoder.predict(z, verbose=0).argmax(-1)
    assert model.generate(4, seed=3) == model.decode_text(expected)
    assert model.generate(4, seed=3, temperature=1e-4) == model.generate(
        4, seed=3
    )


def test_temperature_one_draws_from_the_probabilities():
    model = small(compile=False)
    counts = np.zeros((10, len(CHARACTERS)))
    z = np.zeros((4000, 8), "float32")
    ids = model.encode_text(model._text_of(z, seed=0, temperature=1.0))
    for position in range(10):
        counts[position] = np.bincount(
            ids[:, position], minlength=len(CHARACTERS)
        )
    expected = model.decoder.predict(z[:1], verbose=0)[0]
    deviation = np.sqrt(expected * (1 - expected) / 4000)
    assert np.all(np.abs(counts / 4000 - expected) < 5 * deviation)


def test_texts_do_not_depend_on_the_parts_they_are_decoded_in(monkeypatch):
    model = trained()
    whole = model.generate(7, seed=1, temperature=0.7)
    monkeypatch.setattr(
        "keras_capsvae.models.poem_autoencoder.DECODED_AT_ONCE", 3
    )
    assert model.generate(7, seed=1, temperature=0.7) == whole


def test_interpolation_runs_from_one_to_the_other():
    texts = trained().interpolate(COUPLETS[0], COUPLETS[3], 5)
    assert len(texts) == 5
    assert (texts[0], texts[-1]) == (COUPLETS[0], COUPLETS[3])
    with pytest.raises(ValueError, match="steps=1"):
        trained().interpolate(*COUPLETS[:2], 1)


@pytest.mark.parametrize("couplet", COUPLETS[:3])
def test_completion_finds_the_couplet_it_knows(couplet):
    model = trained()
    assert model.complete(couplet[:5], seed=0) == [couplet]


def test_completions_are_different_and_keep_the_beginning():
    line = COUPLETS[0][:5]
    texts = trained().complete(line, 4, seed=1, draws=64, rounds=2)
    assert 1 < len(set(texts)) == len(texts) <= 4
    assert all(text.startswith(f"{line}，") for text in texts)
    assert texts == trained().complete(line, 4, seed=1, draws=64, rounds=2)


@pytest.mark.parametrize(
    ("first_line", "message"),
    [
        ("", "'' of 0"),
        ("，。", "of 0"),
        (COUPLETS[0], "must have 5 characters.*of 10"),
        ("白日依山", "must have 5 characters.*of 4"),
        ("白日依山夜", "'夜'"),
    ],
)
def test_first_lines_that_cannot_be_completed(first_line, message):
    with pytest.raises(ValueError, match=message):
        small(compile=False).complete(first_line)


def test_search_finds_the_posterior_mean():
    """Of z ~ N(0, 1) and x = z + noise of variance v: x / (1 + v)."""
    target, variance = np.array([2.0, -1.0, 0.5]), 0.25

    def log_posterior(z):
        likelihood = -0.5 * np.sum((z - target) ** 2, -1) / variance
        return likelihood - 0.5 * np.sum(z**2, -1)

    random = np.random.default_rng(0)
    start = random.standard_normal((200, 3)).astype("float32")
    z, values = search(log_posterior, start, rounds=15, random=random)
    np.testing.assert_allclose(z[0], target / (1 + variance), atol=0.05)
    assert (np.diff(values) <= 0).all()
    assert values[0] == pytest.approx(log_posterior(z[:1])[0], rel=1e-5)


def far_mixture(**arguments):
    """A poet whose prior has its three clusters far from 0."""
    far = keras.initializers.RandomNormal(20.0, 1.0, seed=0)
    return small(prior=GaussianMixture(3, mean_initializer=far), **arguments)


def test_texts_are_completed_under_the_prior_of_the_model(monkeypatch):
    model, searched = far_mixture(), []

    def found(score, z, rounds, random):
        best, values = search(score, z, rounds, random)
        searched.append(best[0])
        return best, values

    monkeypatch.setattr(poem_autoencoder, "search", found)
    model.complete("".join(CHARACTERS[:5]), seed=0, draws=64, rounds=6)
    assert 15 < np.abs(searched[0]).mean() < 25


def test_texts_of_a_cluster():
    model = far_mixture()
    texts = model.generate(2, cluster=1, seed=0)
    z = model.draw_latents(2, cluster=1, seed=0)
    assert texts == model.decode_text(model.most_probable(z))
    with pytest.raises(ValueError, match="cluster"):
        model.generate(1, cluster=3)
    ids = model.encode_text(texts)
    np.testing.assert_allclose(
        model.reconstruct(ids, 8), model.reconstruct(ids), atol=1e-6
    )


@pytest.mark.parametrize("length", [3, 7, 14])
def test_texts_of_other_lengths(length):
    text = "".join(CHARACTERS[i % 30] for i in range(length))
    model = small(sentence_length=length)
    ids = model.encode_text([text] * 4)
    model.fit(ids, verbose=0)
    (printed,) = model.generate(1, seed=0)
    if length == 14:
        assert len(printed) == 16 and printed[7] == "，"
    else:
        assert len(printed) == length + 1 and "，" not in printed
    assert model.encode_text([printed]).shape == (1, length)


def test_characters_outside_the_vocabulary():
    text = "白日依山夜，黄河入海流。"
    with pytest.raises(ValueError, match="'夜'.*row 0.*`unknown`"):
        small(compile=False).reconstruct([text])
    model = small(compile=False, unknown="□")
    ids = model.encode_text([text])
    assert ids[0, 4] == len(CHARACTERS)
    assert model.decode_text(ids) == ["白日依山□，黄河入海流。"]


@pytest.mark.parametrize("text", ["白日依山尽", "白日依山尽，黄河入海流流。"])
def test_texts_of_a_wrong_length(text):
    with pytest.raises(ValueError, match="must have 10 characters"):
        small(compile=False).encode_text([text])


def test_bad_numbers():
    model = small(compile=False)
    with pytest.raises(ValueError, match="n=0"):
        model.generate(0)
    for temperature in (-1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="`temperature`"):
            model.generate(1, temperature=temperature)


def test_data_that_are_no_ids():
    model = small()
    ids = model.encode_text(COUPLETS)
    wrong = [
        (ids + len(CHARACTERS), r"must lie in \[0, "),
        (ids - 1, r"must lie in \[0, "),
        (ids + 0.5, "fractions|must lie"),
        (ids[:, :5], r"shape \(batch, 10"),
    ]
    for data, message in wrong:
        with pytest.raises(ValueError, match=message):
            model.fit(data, verbose=0)


def test_an_encoder_without_characters():
    ids = keras.Input((4,), dtype="int32")
    h = keras.layers.Flatten()(keras.layers.Embedding(5, 2)(ids))
    heads = [keras.layers.Dense(2)(h), keras.layers.Dense(2)(h)]
    z = keras.Input((2,))
    steps = keras.layers.Reshape((4, 1))(keras.layers.Dense(4)(z))
    decoder = keras.Model(z, keras.layers.Dense(5, "softmax")(steps))
    model = PoemAutoencoder(keras.Model(ids, heads), decoder)
    with pytest.raises(ValueError, match="CharacterEmbedding"):
        model.encode_text(["日月"])


GENERATE = """
import sys
import keras
import keras_capsvae

model = keras.models.load_model(sys.argv[1])
texts = [*model.generate(3, seed=5, temperature=0.5), model.vocabulary.unknown]
texts += model.reconstruct(["白日依山尽，黄河入海流。"])
texts += model.complete("床前明月光", seed=0)
sys.stdout.buffer.write("\\n".join(texts).encode())
"""


@pytest.mark.slow
def test_a_fresh_process_writes_the_same(tmp_path):
    model = small(unknown="□", learning_rate=0.01)
    model.fit(model.encode_text(COUPLETS), epochs=5, verbose=0)
    model.save(tmp_path / "model.keras")
    process = subprocess.run(
        [sys.executable, "-c", GENERATE, tmp_path / "model.keras"],
        capture_output=True,
        cwd=pathlib.Path(zoo.__file__).parents[1],
    )
    assert process.returncode == 0, process.stderr.decode()
    assert process.stdout.decode().split("\n") == [
        *model.generate(3, seed=5, temperature=0.5),
        "□",
        *model.reconstruct(COUPLETS[:1]),
        *model.complete("床前明月光", seed=0),
    ]


def test_free_bits_and_depth_reach_the_model():
    model = small(free_bits=0.2, decoder_blocks=3, compile=False)
    assert model.latent.free_bits == 0.2
    names = [layer.name for layer in model.decoder.layers]
    assert [n for n in names if "conv" in n] == [
        "decoder_conv_1",
        "decoder_conv_2",
        "decoder_conv_3",
    ]
    heads = numpy_of(model.encoder(model.encode_text(COUPLETS)))
    assert np.isfinite(heads).all()


def test_texts_are_taken_wherever_ids_are():
    model = small()
    ids = model.encode_text(COUPLETS)
    for method in (model.encode, model.score_samples, model.score_values):
        np.testing.assert_allclose(method(COUPLETS), method(ids), rtol=1e-5)
    assert model.predict(COUPLETS, verbose=0).shape == (6, 10, len(CHARACTERS))
    model.fit(COUPLETS, validation_data=(COUPLETS,), verbose=0)
    model.evaluate(np.array(COUPLETS), verbose=0)


def test_texts_are_their_own_targets():
    model = small()
    model.fit(COUPLETS, COUPLETS, sample_weight=np.ones(6), verbose=0)
    ids = model.encode_text(COUPLETS)
    model.evaluate({"ids": ids}, verbose=0)
    parts = (part for part in (ids[:2], ids[2:]))
    np.testing.assert_allclose(
        model.reconstruct(parts), model.reconstruct(ids), atol=1e-6
    )


@tensorflow_only
def test_a_dataset_of_ids():
    import tensorflow as tf

    model = small()
    ids = model.encode_text(COUPLETS)
    data = tf.data.Dataset.from_tensor_slices(ids).batch(3)
    model.fit(data, verbose=0)
    np.testing.assert_allclose(
        model.encode(data), model.encode(COUPLETS), rtol=1e-5, atol=1e-6
    )
