import pytest

import zoo
from keras_capsvae import vocabulary_of
from zoo import datasets

ENGLISH = [
    "Shall I compare thee to a summer's day?",
    "Thou art more lovely, and more temperate:",
    "Rough winds!",
]
RUSSIAN = ["Мороз и солнце; день чудесный!", "Ещё ты дремлешь"]
ARABIC = ["قِفا نَبْكِ", "مِن ذِكرى حَبيبٍ"]
JAPANESE = ["古池や蛙飛びこむ水の音", "閑さや岩にしみ入る"]
EMOJI = ["good 👍🏽 day ☀️", "bad 👎 day"]


def written(path, lines):
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("lines", [ENGLISH, RUSSIAN, ARABIC, JAPANESE, EMOJI])
@pytest.mark.filterwarnings("ignore:.*brought to")
def test_lines_of_any_script_stay_as_they_are(tmp_path, lines):
    path = written(tmp_path / "own.txt", lines)
    texts = datasets.load_texts(path)
    both = [*texts.x_train, *texts.x_test]
    longest = max(map(len, lines))
    assert {len(text) for text in both} == {longest}
    assert sorted(text.rstrip() for text in both) == sorted(lines)


@pytest.mark.filterwarnings("ignore:.*brought to")
def test_equal_lines_are_held_out_together(tmp_path):
    path = written(tmp_path / "own.txt", ENGLISH * 20)
    texts = datasets.load_texts(path)
    assert len(texts.x_train) == 40 and len(texts.x_test) == 20
    assert not set(texts.x_train) & set(texts.x_test)


def test_lines_are_cut_and_padded_with_a_word(tmp_path):
    path = written(tmp_path / "own.txt", ENGLISH)
    with pytest.warns(UserWarning, match="3 lines.*20 .*2 are cut, 1 are pad"):
        texts = datasets.load_texts(path, 20)
    assert {len(text) for text in [*texts.x_train, *texts.x_test]} == {20}


@pytest.mark.filterwarnings("ignore:.*brought to")
def test_long_lines_are_cut_at_60(tmp_path):
    path = written(tmp_path / "own.txt", ["ab " * 50, "cd"])
    assert len(datasets.load_texts(path).x_train[0]) == 60


@pytest.mark.filterwarnings("ignore:.*brought to")
def test_texts_of_a_table(tmp_path):
    rows = ["text,label", *(f'"{line}",1' for line in ENGLISH)]
    texts = datasets.load_texts(written(tmp_path / "own.csv", rows))
    both = [*texts.x_train, *texts.x_test]
    assert sorted(text.rstrip() for text in both) == sorted(ENGLISH)


def test_couplets_stay_the_reading_of_chinese():
    assert datasets.load_texts().x_train[0] == "白日依山尽黄河入海流"


def test_lines_that_are_no_couplets_have_none_to_alter(tmp_path):
    path = written(tmp_path / "own.txt", ENGLISH)
    with pytest.raises(ValueError, match="must be Chinese poems.*as a table"):
        datasets.load_real_or_fake(path)


def test_a_model_of_lines_takes_shorter_texts_and_any_beginning():
    padded = [line.ljust(45) for line in ENGLISH]
    characters = vocabulary_of(padded, punctuation=True).characters
    model = zoo.poem_vae(
        characters, 45, latent_dim=2, hidden_dim=4, compile=False
    )
    ids = model.encode_text(ENGLISH)
    assert ids.shape == (3, 45)
    assert model.decode_text(ids) == ENGLISH
    (text,) = model.complete("Shall I ", draws=8, rounds=1, seed=0)
    assert text.startswith("Shall I ")
