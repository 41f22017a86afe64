"""Tables of numbers and categories as people have them."""

import numpy as np
import pytest

from zoo import datasets
from zoo.datasets.rows import read_rows

COLUMNS = {
    "size": "number",
    "colour": ["blue", "red"],
    "age": "integer",
    "kind": "label",
}
LINES = [
    "size,colour,age,kind",
    "1.5,red,30,ok",
    "2.5,blue,40,ok",
    "-1e3,red,50,ill",
]
ROWS = [[1.5, 30, 0, 1], [2.5, 40, 1, 0], [-1000, 50, 0, 1]]
OPTIONS = {"category_columns": "colour", "label_column": "kind"}


@pytest.fixture
def written(tmp_path):
    def write(*lines, name="table.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_text("\n".join(lines), encoding)
        return path

    return write


def test_numbers_categories_and_label(written):
    rows = read_rows(written(*LINES), **OPTIONS)
    np.testing.assert_array_equal(rows.x, ROWS)
    assert rows.x.dtype == np.float32
    assert rows.labels == ["ok", "ok", "ill"]
    assert rows.columns == COLUMNS
    names = ["size", "age", "colour=blue", "colour=red"]
    assert datasets.value_names(rows.columns) == names


def test_load_splits_and_names_classes(written):
    path = written(*LINES, *LINES[1:] * 6)
    arrays = datasets.load(path, **OPTIONS)
    assert arrays.x_train.shape == (18, 4) and arrays.x_test.shape == (3, 4)
    assert arrays.y_train.dtype == np.int64
    assert datasets.row_classes(path, **OPTIONS) == ["ill", "ok"]
    assert datasets.columns_of(path, **OPTIONS) == COLUMNS
    with pytest.raises(TypeError, match="are of tables"):
        datasets.load("digits", label_column="kind")


def test_two_files(written):
    train = written(*LINES, name="train.csv")
    written("colour,size,kind,age", "red,7,ok,8", name="test.csv")
    arrays = datasets.load(train.parent, **OPTIONS)
    assert len(arrays.x_train) == 3
    np.testing.assert_array_equal(arrays.x_test, [[7, 8, 0, 1]])
    assert arrays.y_test.tolist() == [1]


def test_label_of_one_class(written):
    arrays = datasets.load(written(*LINES[:3]), **OPTIONS)
    assert arrays.y_train.tolist() == [0]


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([line.replace(",", ";") for line in LINES], "table.csv"),
        ([line.replace(",", "\t") for line in LINES], "table.tsv"),
        # a decimal comma
        (
            [line.replace(",", ";").replace(".", ",") for line in LINES],
            "table.csv",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is read with")
def test_other_delimiters(written, lines, name):
    rows = read_rows(written(*lines, name=name), **OPTIONS)
    np.testing.assert_array_equal(rows.x, ROWS)


def test_thousands_are_no_decimals(written):
    path = written("a,b", '"1,500",2')
    with pytest.raises(ValueError, match="text in 'a'.*1,500"):
        read_rows(path)


def test_index_of_pandas_is_left_out(written):
    path = written(",a,b", "0,1,2", "1,3,4")
    with pytest.warns(UserWarning, match="numbers the rows: it is left out"):
        rows = read_rows(path)
    np.testing.assert_array_equal(rows.x, [[1, 2], [3, 4]])
    rows = read_rows(written("a,b", "5,6"), columns=rows.columns)
    np.testing.assert_array_equal(rows.x, [[5, 6]])


def test_no_line_of_names(written):
    with pytest.warns(UserWarning, match="has no line of names"):
        rows = read_rows(written("1.5,2", "3,4"))
    np.testing.assert_array_equal(rows.x, [[1.5, 2], [3, 4]])
    assert list(rows.columns) == ["0", "1"]
    assert len(read_rows(written("0,1", "3,4")).x) == 1


def test_truths_are_numbers(written):
    rows = read_rows(written("a,b", "True,1", "False,2"))
    np.testing.assert_array_equal(rows.x, [[1, 1], [0, 2]])


def test_none_may_be_a_category(written):
    rows = read_rows(written("a", "None", "NA"), category_columns=["a"])
    assert rows.columns == {"a": ["NA", "None"]}


def test_columns_of_a_run_in_another_order(written):
    path = written("age,note,colour,size", "31,hi,blue,4")
    with pytest.raises(ValueError, match=r"--ignore-columns note leaves"):
        read_rows(path, columns=COLUMNS)
    rows = read_rows(path, columns=COLUMNS, ignore_columns="note")
    np.testing.assert_array_equal(rows.x, [[4, 31, 1, 0]])
    left_out = COLUMNS | {"note": "left out"}
    assert len(read_rows(path, columns=left_out).x) == 1
    with pytest.raises(ValueError, match=r"in whatever order.*without size"):
        read_rows(written("age,colour", "1,red"), columns=COLUMNS)


def test_new_categories(written):
    path = written("size,colour,age", "1,red,2", "3,green,4")
    with pytest.raises(ValueError, match=r"line 3 \(colour: 'green', not blue"):
        read_rows(path, columns=COLUMNS)
    with pytest.warns(UserWarning, match="they are left out"):
        rows = read_rows(path, columns=COLUMNS, skip_broken=True)
    np.testing.assert_array_equal(rows.x, [[1, 2, 0, 1]])


def test_labels_are_not_looked_at_where_none_are_needed(written):
    path = written("size,colour,age,kind", "1,red,2,")
    rows = read_rows(path, columns=COLUMNS, labelled=False)
    assert rows.labels is None and len(rows.x) == 1


def test_missing_values(written):
    lines = ["a,b", "1,2", ",3", "4,NaN", "NA,5"]
    with pytest.raises(ValueError, match=r"3 of 4 rows.*line 3 \(a\), line 4"):
        read_rows(written(*lines))
    with pytest.warns(UserWarning, match="they are left out"):
        rows = read_rows(written(*lines), skip_broken=True)
    np.testing.assert_array_equal(rows.x, [[1, 2]])
    assert rows.numbers == [0]
    with pytest.raises(ValueError, match="must have rows of numbers"):
        read_rows(written("a,b"))


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (LINES, {}, r"'colour' \(line 2: 'red'\).*--category-columns colour"),
        (["a,b", "1,inf"], {}, r"must be finite.*'b' \(line 2: 'inf'\)"),
        (["a,a", "1,2"], {}, "different names.*called a"),
        (["a,b", "1"], {}, "must have 2 fields"),
        (LINES, {"label_column": "kinds"}, "`label_column`.*mean kind"),
        (LINES, {"category_columns": ["color"]}, "`category_columns`.*colour"),
        (["a", "x"], {"label_column": "a"}, "must have columns to learn"),
    ],
)
def test_unusable_tables(written, lines, options, message):
    with pytest.raises(ValueError, match=message):
        read_rows(written(*lines), **options)


def test_one_row_cannot_be_split(written):
    path = written(*LINES[:2])
    with pytest.raises(ValueError, match="at least 2 examples"):
        datasets.load(path, **OPTIONS)
    with pytest.raises(ValueError, match="A table holds no images"):
        datasets.image_shape(path)


def test_breast_cancer():
    arrays = datasets.load("breast_cancer")
    assert arrays.x_train.shape == (511, 30) and len(arrays.x_test) == 58
    columns = datasets.columns_of("breast_cancer")
    assert columns["diagnosis"] == "label" and len(columns) == 31
    assert datasets.class_names("breast_cancer") == ["benign", "malignant"]


def test_rows_without_a_line_of_names_are_numbered_from_the_first(written):
    with (
        pytest.warns(UserWarning, match="no line of names"),
        pytest.warns(UserWarning, match="they are left out"),
    ):
        rows = read_rows(written("1.5,2", ",3", "", "4,5"), skip_broken=True)
    assert rows.numbers == [0, 2]


def test_a_first_line_of_decimals_names_nothing(tmp_path):
    path = tmp_path / "iris.csv"
    path.write_text("5.1,3.5,1.4,0.2,a\n4.9,3.0,1.4,0.2,a\n4.7,3.2,1.3,0.2,b\n")
    with pytest.warns(UserWarning, match="no line of names"):
        rows = read_rows(path, label_column="4")
    assert rows.x.shape == (3, 4)
    assert rows.labels == ["a", "a", "b"]
    years = tmp_path / "years.csv"
    years.write_text("country,2019,2020\n1,3.5,2.0\n2,3.0,4.0\n")
    assert list(read_rows(years).columns) == ["country", "2019", "2020"]


def test_a_delimiter_at_the_end_is_no_column(tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text("a,b,\n1,2,\n3,4,\n")
    with pytest.warns(UserWarning, match="without a name and a value"):
        rows = read_rows(path)
    np.testing.assert_array_equal(rows.x, [[1, 2], [3, 4]])


def test_whole_numbers_of_pandas_are_categories(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("c,a\n1.0,0.5\n0,0.25\n")
    columns = {"c": ["0", "1", "2"], "a": "number"}
    rows = read_rows(path, columns=columns)
    np.testing.assert_array_equal(rows.x, [[0.5, 0, 1, 0], [0.25, 1, 0, 0]])


def test_numbers_that_float32_does_not_hold(tmp_path):
    path = tmp_path / "long.csv"
    lines = [f"{20240101000000 + 1000 * i},{i}" for i in range(60)]
    path.write_text("\n".join(["time,a", *lines]))
    with pytest.warns(UserWarning, match="float32 keeps in time: subtract"):
        read_rows(path)
    path.write_text("a,b\n1,2\n1e300,4\n")
    with pytest.raises(ValueError, match=r"finite.*'a' \(line 3"):
        read_rows(path)
