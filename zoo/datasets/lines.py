"""Texts of any script, a line each, brought to one length."""

import re
import warnings
from collections.abc import Sequence
from typing import Any

HAN = "〇㐀-䶿一-鿿豈-\ufaff\U00020000-\U000323af"
CHINESE = 0.9  # share of Chinese characters among letters from which it is
LONGEST = 60  # characters of a text where no length is asked for
PAD = " "


def is_chinese(texts: Sequence[str]) -> bool:
    """Whether texts are in Chinese characters, which couplets are made of.

    >>> is_chinese(["白日依山尽，黄河入海流。"]), is_chinese(["古池や"])
    (True, False)
    """
    text = "".join(texts)
    letters = sum(map(str.isalpha, text))
    return len(re.findall(f"[{HAN}]", text)) >= CHINESE * max(1, letters)


def usual_length(lines: Sequence[str]) -> int:
    """Characters of the longest line, up to 60."""
    return min(max(map(len, lines)), LONGEST)


def of_one_length(lines: Sequence[str], length: int, source: Any) -> list[str]:
    """Lines cut, or padded with spaces, with a warning that counts them.

    >>> of_one_length(["to be"], 5, "lines.txt")
    ['to be']
    """
    longer = sum(len(line) > length for line in lines)
    shorter = sum(len(line) < length for line in lines)
    deeds = [f"{longer} are cut"] * (longer > 0)
    deeds += [f"{shorter} are padded with spaces"] * (shorter > 0)
    if deeds:
        warnings.warn(
            f"The {len(lines)} lines of {source} are brought to {length} "
            f"characters: {', '.join(deeds)}",
            stacklevel=1,
        )
    return [line[:length].ljust(length, PAD) for line in lines]
