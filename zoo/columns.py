"""Tables in the columns of a terminal."""

import unicodedata
from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[object]]) -> str:
    r"""Lines with the first column to the left and the others to the right.

    >>> aligned([["class", "count"], ["a", 12]])
    'class  count\na         12'
    """
    texts = [[str(value) for value in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*texts)]
    return "\n".join(
        "  ".join(
            _padded(text, width, to_the_left=place == 0)
            for place, (text, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in texts
    )


def _padded(text, width, to_the_left):
    blanks = " " * (width - _width(text))
    return text + blanks if to_the_left else blanks + text


def _width(text):
    """Columns of a terminal: Chinese characters take two."""
    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in text)
    return len(text) + wide
