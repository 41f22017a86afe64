import json

import pytest

from zoo import datasets
from zoo.datasets.couplets import texts_of
from zoo.datasets.poems import read_poems
from zoo.datasets.poems import split_poems

SPRING = "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。"
TOWER = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"
BATTLE = "秦时明月汉时关，万里长征人未还。但使龙城飞将在，不教胡马度阴山。"
COUPLETS = {
    "春眠不觉晓处处闻啼鸟",
    "夜来风雨声花落知多少",
    "白日依山尽黄河入海流",
    "欲穷千里目更上一层楼",
}
SHI = (
    "春晓 孟浩然\r\n　　春眠不觉晓，处处闻啼鸟。\r\n"
    "　　夜来风雨声，花落知多少。\r\n\r\n"
    "登鹳雀楼 王之涣\r\n　　白日依山尽，黄河入海流。\r\n"
    "　　欲穷千里目，更上一层楼。\r\n"
)
JSON = [
    {
        "author": "孟浩然",
        "title": "春晓",
        "paragraphs": [SPRING[:12], SPRING[12:]],
    },
    {"author": "王之涣", "title": "登鹳雀楼", "paragraphs": [TOWER]},
    {"name": "李白", "desc": "没有诗"},
]


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def all_texts(source, **options):
    texts = datasets.load_texts(source, **options)
    return [*texts.x_train, *texts.x_test]


def test_the_embedded_corpus():
    poems = read_poems("tang")
    train, test = split_poems("tang")
    texts = datasets.load_texts()
    assert len(train) + len(test) == len(poems) == 160
    assert len(test) == 8
    assert len(texts.x_train) + len(texts.x_test) == 568
    assert texts.y_train is None and texts.y_test is None
    everything = [*texts.x_train, *texts.x_test]
    assert {len(text) for text in everything} == {10}
    assert len(set(everything)) == 568
    assert set(everything) >= COUPLETS
    assert not any("，" in text or "？" in text for text in everything)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.txt", f"{SPRING}\n\n{TOWER}\n"),
        ("bom.txt", f"\ufeff{SPRING}\n{TOWER}"),
        ("shi.txt", SHI),
        ("poems.json", json.dumps(JSON, ensure_ascii=False)),
    ],
)
def test_layouts_give_the_same_couplets(name, content, tmp_path):
    path = written(tmp_path / name, content)
    assert set(all_texts(path)) == COUPLETS
    assert len(read_poems(path)) == 2


def test_a_folder_of_json_with_lists_of_authors(tmp_path):
    for number, entries in enumerate((JSON[:1], JSON[1:2], JSON[2:])):
        written(tmp_path / f"{number}.json", json.dumps(entries))
    (tmp_path / "README.md").write_text("no poems")
    assert set(all_texts(tmp_path)) == COUPLETS


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "utf-16", "utf-8-sig"])
def test_encodings_are_found(encoding, tmp_path):
    path = written(tmp_path / "a.txt", f"{SPRING}\n{TOWER}\n" * 20, encoding)
    assert set(all_texts(path)) == COUPLETS


def test_an_encoding_can_be_named(tmp_path):
    path = written(tmp_path / "a.txt", f"{SPRING}\n{TOWER}", "gb18030")
    assert set(all_texts(path, encoding="gb18030")) == COUPLETS
    for wrong in ("utf-8", "no-such-code"):
        with pytest.raises(ValueError, match=f"a text in {wrong}"):
            read_poems(path, wrong)


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(bytes(range(128, 256)) + b"\xff\xff\x00\x80" * 40)
    with pytest.raises(ValueError, match="a.txt.*save it as UTF-8|without"):
        datasets.load_texts(path)


@pytest.mark.parametrize(
    ("poem", "length", "expected"),
    [
        (SPRING, 10, ["春眠不觉晓处处闻啼鸟", "夜来风雨声花落知多少"]),
        (SPRING, 5, ["春眠不觉晓", "处处闻啼鸟", "夜来风雨声", "花落知多少"]),
        (SPRING, 14, []),
        (
            BATTLE,
            14,
            ["秦时明月汉时关万里长征人未还", "但使龙城飞将在不教胡马度阴山"],
        ),
        # A poem of lines of one length is paired whatever its marks.
        ("春眠不觉晓。处处闻啼鸟，夜来风雨声，花落知多少。", 10, None),
        # Lines of other lengths: only sentences of two such lines count.
        ("君不见，" + SPRING, 10, ["夜来风雨声花落知多少"]),
        ("春眠不觉晓。处处闻啼鸟。花落。", 10, []),
        ("春眠□觉晓，处处闻啼鸟。夜来风雨声，花落知多少。", 10, ...),
        (
            "春眠(一作睡)不觉晓，处处闻啼鸟（注）。",
            10,
            ["春眠不觉晓处处闻啼鸟"],
        ),
        ("abcde，fghij。", 10, []),
        ("", 10, []),
    ],
)
def test_texts_of_a_poem(poem, length, expected):
    if expected is None:
        expected = ["春眠不觉晓处处闻啼鸟", "夜来风雨声花落知多少"]
    elif expected is ...:
        expected = ["夜来风雨声花落知多少"]
    assert texts_of(poem, length) == expected


def test_the_split_is_by_poem_and_seed():
    train, test = split_poems("tang", seed=1)
    assert not {t for poem in train for t in poem} & {
        t for poem in test for t in poem
    }
    assert split_poems("tang", seed=1)[1] == test
    assert split_poems("tang", seed=2)[1] != test
    assert len(split_poems("tang", held_out=0.5)[1]) == 80
    assert len(split_poems("tang", held_out=1e-9)[1]) == 1
    assert len(split_poems("tang", held_out=0.999999)[0]) == 1


def test_couplets_of_both_splits_are_not_tested_on(tmp_path):
    path = written(tmp_path / "a.txt", f"{SPRING}\n{SPRING}\n")
    with pytest.warns(UserWarning, match="Of 2 texts .*, 0 are left to test"):
        texts = datasets.load_texts(path)
    assert len(texts.x_train) == 2 and texts.x_test == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "without a poem"),
        ("\n \r\n", "without a poem"),
        (BATTLE, r"two lines of 5 characters \(sentence_length=10\).*mostly 7"),
        ("Hello, world", "lines of other texts.*1 in"),
        (SPRING, "at least 2 poems.*1 in"),
    ],
)
def test_files_without_what_is_looked_for(content, message, tmp_path):
    path = written(tmp_path / "own.txt", content)
    with pytest.raises(ValueError, match=message) as error:
        datasets.load_texts(path)
    assert "own.txt" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"paragraphs": ', "damaged"),
        ("[]", "without a poem"),
        ('[{"name": "a"}]', "without a poem"),
        ("[1, 2]", "without a poem"),
    ],
)
def test_json_without_poems(content, message, tmp_path):
    path = written(tmp_path / "own.json", content)
    with pytest.raises(ValueError, match=message):
        datasets.load_texts(path)


@pytest.mark.parametrize("source", ["no/such/file.txt", "tagn"])
def test_a_missing_file(source):
    with pytest.raises(FileNotFoundError, match=f"'tang'.*{source}.*not exist"):
        datasets.load_texts(source)


def test_bad_arguments():
    with pytest.raises(TypeError, match="a name or a path"):
        datasets.load_texts(3)
    for held_out in (0, 1, -1):
        with pytest.raises(ValueError, match=f"held_out={held_out}"):
            datasets.load_texts(held_out=held_out)
    with pytest.raises(ValueError, match="sentence_length=0"):
        datasets.load_texts("tang", 0)
