import json

import numpy as np
import pytest

from zoo import datasets
from zoo.datasets.tables import read_table

ROWS = [
    ("I love it, really!", "good"),
    ("Terrible… “bad” 😡", "bad"),
    ("так себе", "meh"),
    ("جيد جدا", "good"),
]


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def csv_of(rows, names=("text", "label"), delimiter=","):
    lines = [names, *rows]
    return "\r\n".join(
        delimiter.join(
            '"' + str(field).replace('"', '""') + '"' for field in row
        )
        for row in lines
    )


@pytest.fixture
def table(tmp_path):
    return written(tmp_path / "own.csv", csv_of(ROWS * 5))


def all_of(arrays):
    return sorted([*arrays.x_train, *arrays.x_test])


def test_texts_keep_their_signs_and_labels_their_names(table):
    arrays = datasets.load_labelled_texts(table)
    assert all_of(arrays) == sorted(text for text, _ in ROWS * 5)
    assert datasets.class_names(table) == ["bad", "good", "meh"]
    names = dict(ROWS)
    for text, label in zip(arrays.x_train, arrays.y_train, strict=True):
        assert datasets.class_names(table)[label] == names[text]
    assert len(arrays.x_test) == len(arrays.y_test) == 3


def test_json_lines_of_other_names(tmp_path):
    lines = [{"review": text, "stars": len(name)} for text, name in ROWS]
    text = "\n\n".join(json.dumps(line) for line in lines)
    path = written(tmp_path / "own.jsonl", text)
    assert datasets.class_names(path) == ["3", "4"]
    assert all_of(datasets.load_labelled_texts(path)) == sorted(
        text for text, _ in ROWS
    )


@pytest.mark.parametrize(
    ("delimiter", "suffix"), [(";", "csv"), ("\t", "csv"), ("\t", "tsv")]
)
@pytest.mark.filterwarnings("ignore:.*between its columns")
def test_other_delimiters(tmp_path, delimiter, suffix):
    text = csv_of(ROWS, delimiter=delimiter)
    path = written(tmp_path / f"own.{suffix}", text)
    assert read_table(path).texts == [text for text, _ in ROWS]


def test_another_delimiter_is_said(tmp_path):
    path = written(tmp_path / "own.csv", csv_of(ROWS, delimiter=";"))
    with pytest.warns(UserWarning, match="';' between its columns"):
        read_table(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_encodings(tmp_path, encoding):
    rows = [
        ("这个产品很好，我非常喜欢它", "好"),
        ("质量太差了，不推荐购买", "差"),
    ] * 5
    text = csv_of(rows, names=("评论", "标签"))
    path = written(tmp_path / "own.csv", text, encoding)
    if encoding == "utf-8-sig":
        found = read_table(path)
    else:
        with pytest.warns(UserWarning, match="is no UTF-8: read as"):
            found = read_table(path)
    assert found.texts == [text for text, _ in rows]
    assert found.labels == [label for _, label in rows]


def test_columns_are_named_or_found(tmp_path):
    rows = [(1, *row) for row in ROWS]
    path = written(tmp_path / "own.csv", csv_of(rows, ("id", "words", "mood")))
    with pytest.raises(ValueError, match="--text-column.*id, words, mood"):
        read_table(path)
    with pytest.raises(ValueError, match="--label-column.*id, words, mood"):
        read_table(path, text_column="words")
    found = read_table(path, text_column="words", label_column="mood")
    assert found.labels == [label for _, label in ROWS]
    with pytest.raises(ValueError, match="Did you mean mood.* Received: 'mod'"):
        read_table(path, text_column="words", label_column="mod")
    two = written(tmp_path / "two.csv", csv_of(ROWS, ("Text", "mood")))
    assert read_table(two).label_column == "mood"


def test_missing_values_are_counted_and_left_out_if_asked(tmp_path):
    text = "text,label\nab,x\n,y\ncd,\nef,y\n"
    path = written(tmp_path / "own.csv", text)
    with pytest.raises(
        ValueError, match=r"2 of 4 rows.*line 3 \(text\), line 4 \(label\)"
    ):
        read_table(path)
    with pytest.warns(UserWarning, match="2 of 4 rows.*left out"):
        assert read_table(path, skip_broken=True).texts == ["ab", "ef"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("text,label\n", "without any"),
        ("text,label\na,0\n", "at least 2 classes. Received: 0 alone"),
        ("text,label\na,0,1\n", "2 fields.*3 in line 2"),
        ("text,label\na\n", "2 fields.*1 in line 2"),
        ("text,label\na\0b,0\n", "NUL character in line 2"),
        ('text,label\na,0\n"b,1\nc,0\n', "line 3 on.*quotation mark"),
        ("text\na\nb\n", "--label-column"),
    ],
)
def test_a_table_that_is_wrong(tmp_path, text, message):
    path = written(tmp_path / "own.csv", text)
    with pytest.raises(ValueError, match=message):
        datasets.load_labelled_texts(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"text": "a", "label": 1}\n{"text"\n', "line 2"),
        ('{"text": "a", "label": 1}\n[1]\n', "JSON object.*line 2"),
        ('{"text": "a", "label": 1}\n{"text": 3}\n', r"line 2 \(text\)"),
    ],
)
def test_json_lines_that_are_wrong(tmp_path, text, message):
    path = written(tmp_path / "own.jsonl", text)
    with pytest.raises(ValueError, match=message):
        read_table(path)


def test_fields_of_megabytes_are_read_and_cut_with_a_word(tmp_path):
    rows = [("ab " * 700_000, 0), ("short", 1)] * 2
    path = written(tmp_path / "own.csv", csv_of(rows))
    assert len(read_table(path).texts[0]) == 2_099_999
    with pytest.warns(UserWarning, match="2 of 4 texts.*longer than 50"):
        arrays = datasets.load_labelled_texts(path, text_length=50)
    assert max(map(len, all_of(arrays))) == 50


def test_labels_of_integers_are_named_by_value(tmp_path):
    rows = [("a", 10), ("b", 9), ("c", "2.0"), ("d", -1)]
    path = written(tmp_path / "own.csv", csv_of(rows))
    assert datasets.class_names(path) == ["-1", "2", "9", "10"]


def test_a_column_that_holds_no_classes(tmp_path):
    rows = [("a", f"0.{number}") for number in range(100, 300)]
    path = written(tmp_path / "own.csv", csv_of(rows))
    with pytest.raises(ValueError, match="200 different values in 200 rows"):
        datasets.class_names(path)


def test_a_folder_of_two_tables(tmp_path, table):
    table.rename(tmp_path / "train.csv")
    written(tmp_path / "test.csv", csv_of(ROWS[2:]))
    arrays = datasets.load_labelled_texts(tmp_path)
    assert arrays.x_test == [text for text, _ in ROWS[2:]]
    assert arrays.y_test.tolist() == [2, 1]
    written(tmp_path / "test.csv", csv_of([("a", "new"), ("b", "bad")]))
    with pytest.raises(ValueError, match="bad, good, meh. Received: new"):
        datasets.load_labelled_texts(tmp_path)


def test_names_of_a_run_decide_the_labels(table):
    names = ["awful", "bad", "good", "meh"]
    arrays = datasets.load_labelled_texts(table, class_names=names)
    assert set(arrays.y_train.tolist()) == {1, 2, 3}


def test_the_limit_of_fields_is_left_as_it_was(table):
    import csv

    before = csv.field_size_limit()
    read_table(table)
    assert csv.field_size_limit() == before
    assert np.isfinite(before)


def test_columns_of_one_name_are_told_of(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("text,text,label\na,b,0\nc,d,1\n")
    with pytest.raises(ValueError, match="several called text"):
        read_table(path)
