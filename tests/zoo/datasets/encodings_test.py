"""Texts whose bytes say more than the encoding that was named."""

import pytest

from zoo.datasets.encodings import read_text

TEXT = "schön und übel, größer, weiß"


def test_utf8_is_read_as_such(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    with pytest.warns(UserWarning, match="is UTF-8 and read so, not as cp1252"):
        assert read_text(path, "cp1252") == TEXT
    assert read_text(path, "utf-8") == TEXT


@pytest.mark.parametrize("encoding", ["cp1252", "utf_16"])
def test_an_encoding_named_is_kept(encoding, tmp_path, recwarn):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding=encoding)
    assert read_text(path, encoding) == TEXT
    assert not recwarn.list


def test_two_letters_may_be_either(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("联通", encoding="gb18030")
    assert read_text(path, "gb18030") == "联通"


def test_an_unknown_encoding(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(ValueError, match="none-such"):
        read_text(path, "none-such")
