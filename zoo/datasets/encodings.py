"""Text files of whatever encoding."""

import codecs
import pathlib
import warnings

BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SURE = 4  # letters beyond ASCII; fewer may be two Chinese ones in GB18030
CHINESE = ["gb18030", "big5hkscs", "utf_16"]  # tried where it is not UTF-8


def read_text(path: pathlib.Path, encoding: str | None = None) -> str:
    """Return the text of a file.

    Args:
        path: `pathlib.Path` of the file.
        encoding: Name of its encoding, of a text that is not UTF-8 by its
            bytes. Defaults to `None`: UTF-8, with or
            without a byte order mark, or else what charset-normalizer finds
            out of GB18030, Big5 and UTF-16.

    Raises:
        ValueError: If the bytes are no text of the encoding, or of any.
    """
    data = path.read_bytes()
    if encoding is not None:
        text = _decoded(data, encoding, path)
        if not _is_surely_utf8(data) or text == data.decode("utf-8-sig"):
            return text
        warnings.warn(
            f"{path} is UTF-8 and read so, not as {encoding}", stacklevel=1
        )
        return data.decode("utf-8-sig")
    if not data.startswith(BYTE_ORDER_MARKS):
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass
    found = _detected(data)
    if found is None:
        raise ValueError(
            "A text must be in UTF-8, GB18030, Big5 or UTF-16. "
            f"Received: {path}, which is none of them: save it as UTF-8 or "
            "name its encoding (--encoding, `encoding=`)"
        )
    warnings.warn(f"{path} is no UTF-8: read as {found}", stacklevel=1)
    return _decoded(data, found, path)


def _is_surely_utf8(data):
    """Whether bytes are UTF-8 by more than chance: with some beyond ASCII."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return sum(ord(letter) > 127 for letter in text) >= SURE


def _detected(data):
    import charset_normalizer

    best = charset_normalizer.from_bytes(data, cp_isolation=CHINESE).best()
    return None if best is None else best.encoding


def _decoded(data, encoding, path):
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise ValueError(
            f"{path} must be a text in {encoding}. Received: {error}"
        ) from error
