import numpy as np
import pytest

from keras_capsvae import Vocabulary
from keras_capsvae import vocabulary_of
from keras_capsvae.vocabulary import characters_of
from keras_capsvae.vocabulary import check_texts
from keras_capsvae.vocabulary import is_texts


def test_ids_are_places_in_the_string():
    vocabulary = Vocabulary("日月山水")
    assert vocabulary.size == len(vocabulary) == 4
    ids = vocabulary.encode(["山水", "日日"])
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(ids, [[2, 3], [0, 0]])
    assert vocabulary.decode(ids) == ["山水", "日日"]


def test_padding_takes_the_zero():
    vocabulary = Vocabulary("日月", padding=True)
    assert vocabulary.size == 3
    ids = vocabulary.encode(["日", "月日月"])
    np.testing.assert_array_equal(ids, [[1, 0, 0], [2, 1, 2]])
    assert vocabulary.decode(ids) == ["日", "月日月"]
    assert vocabulary.encode(["日"], length=4).shape == (1, 4)


@pytest.mark.parametrize("padding", [False, True])
def test_the_unknown_character_comes_last(padding):
    vocabulary = Vocabulary("日月", unknown="□", padding=padding)
    ids = vocabulary.encode(["日花", "□月"])
    assert ids[0, 1] == ids[1, 0] == vocabulary.size - 1 == 2 + padding
    assert vocabulary.decode(ids) == ["日□", "□月"]


def test_characters_outside_are_refused_by_name():
    with pytest.raises(ValueError, match="'花' in '日花', row 1") as error:
        Vocabulary("日月").encode(["日月", "日花"])
    assert "unknown" in str(error.value)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["日月", "日"], "must have 2 characters.*'日' of 1 in row 1"),
        ([], "no text"),
    ],
)
def test_texts_that_do_not_fit(texts, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary("日月").encode(texts)


def test_an_empty_text_has_no_ids():
    with pytest.raises(ValueError, match="1 to 2 characters.*'' of 0"):
        Vocabulary("日月", padding=True).encode(["日月", ""])
    with pytest.raises(ValueError, match="1 to 1 characters"):
        Vocabulary("日月", padding=True).encode(["日月"], length=1)


@pytest.mark.parametrize(
    "texts", ["日月", b"x", [1], 3, ["日", None], np.array("日"), None]
)
def test_texts_must_be_a_list_of_strings(texts):
    with pytest.raises(TypeError, match="list of strings"):
        Vocabulary("日月").encode(texts)


@pytest.mark.parametrize("ids", [[[2]], [[-1]]])
def test_ids_out_of_range(ids):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        Vocabulary("日月").decode(ids)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("",), ValueError, "is empty"),
        (("日月日",), ValueError, "'日' twice"),
        (("日月", "月"), ValueError, "unknown='月'"),
        (("日月", "未知"), ValueError, "unknown='未知'"),
        (("日月", "?"), ValueError, "punctuation.*unknown='\\?'"),
        ((["日", "月"],), TypeError, "must be a string"),
    ],
)
def test_bad_vocabularies(arguments, error, message):
    with pytest.raises(error, match=message):
        Vocabulary(*arguments)


def test_vocabulary_of_a_corpus_depends_on_its_texts_alone():
    texts = ["山月，水。", "水月", "水\u3000风"]
    assert vocabulary_of(texts).characters == "水月山风"
    assert vocabulary_of(texts[::-1]).characters == "水月山风"
    assert vocabulary_of(["日□"], unknown="□").characters == "日"


def test_punctuation_counts_where_it_is_asked_for():
    texts = ["to be, or not", "C(=O)"]
    assert set(vocabulary_of(texts).characters) == set("tobernC=O")
    everything = vocabulary_of(texts, punctuation=True)
    assert set(everything.characters) == set("".join(texts))
    assert everything.has_punctuation
    assert not vocabulary_of(texts).has_punctuation
    for text in texts:
        assert everything.bare(text) == text
        assert everything.decode(everything.encode([text])) == [text]


def test_a_text_keeps_the_punctuation_that_is_known():
    vocabulary = Vocabulary("CONcon()=#[]12")
    assert vocabulary.bare("[C](=O) O.\n") == "[C](=O)O"
    assert Vocabulary("日月").bare("日，月。") == "日月"
    assert Vocabulary("日月，").bare("日，月。") == "日，月"


def test_strings_of_numpy_become_those_of_python():
    vocabulary = Vocabulary(np.str_("日月"), unknown=np.str_("□"))
    assert type(vocabulary.characters) is type(vocabulary.unknown) is str
    texts = np.array(["日月", "月花"])
    np.testing.assert_array_equal(vocabulary.encode(texts), [[0, 1], [1, 2]])
    assert vocabulary_of(texts).characters == "月日花"
    assert all(type(text) is str for text in check_texts(texts))


def test_a_nul_is_a_character_like_others():
    vocabulary = Vocabulary("\0a")
    assert vocabulary.decode(vocabulary.encode(["a\0"])) == ["a\0"]


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ("日", True),
        (["日"], True),
        (("日",), True),
        (np.array(["日"]), True),
        (np.array(["日"], object), True),
        (np.zeros((2, 3)), False),
        ([[1, 2]], False),
        ([], False),
        (3, False),
        (np.array(3), False),
    ],
)
def test_what_is_text(x, expected):
    assert is_texts(x) is expected


def test_characters_of_drops_punctuation_alone():
    assert (
        characters_of(" 白日，依山尽。\r\n\u3000「Ab1」□") == "白日依山尽Ab1□"
    )
