"""Texts of one length in poems: couplets, or single lines."""

import collections
import os
import re
import warnings

from zoo.datasets.lines import HAN
from zoo.datasets.lines import is_chinese
from zoo.datasets.lines import of_one_length

NOT_A_LINE = re.compile(f"[^{HAN}]")
NOTES = re.compile(r"[(（〔\[][^)）〕\]]*[)）〕\]]")
MARKS = re.compile(r"[，。！？；、：,.!?;:…\s]+")
SENTENCE_ENDS = re.compile(r"[。！？；.!?;]+")


def couplets_of(
    raw: list[str], length: int, source: str | os.PathLike
) -> list[list[str]]:
    """The texts of each poem that has some.

    Raises:
        ValueError: If no poem has one.
    """
    poems = [texts_of(poem, length) for poem in raw]
    poems = [texts for texts in poems if texts]
    if not poems:
        raise ValueError(_nothing_fits(raw, length, source))
    return poems


def texts_of(poem: str, sentence_length: int) -> list[str]:
    """Texts of one length in a poem, without punctuation."""
    poem = NOTES.sub("", poem)
    lines_of_text = 2 if sentence_length % 2 == 0 else 1
    length = sentence_length // lines_of_text
    lines = _lines(poem)
    if len(lines) % lines_of_text == 0 and _all_fit(lines, length):
        groups = zip(*[iter(lines)] * lines_of_text)
    elif lines_of_text == 1:
        groups = ([line] for line in lines if _all_fit([line], length))
    else:
        sentences = map(_lines, SENTENCE_ENDS.split(poem))
        groups = (
            sentence
            for sentence in sentences
            if len(sentence) == lines_of_text and _all_fit(sentence, length)
        )
    return ["".join(group) for group in groups]


def every_text(
    raw: list[str], sentence_length: int, source: str | os.PathLike
) -> list[str]:
    """All texts of the poems of a source, cut as `load_texts` cuts them.

    Lines that are a text by themselves stay as they are. Where poems hold
    several texts each, what holds none is left out, with a warning.
    """
    if not is_chinese(raw):
        return of_one_length(raw, sentence_length, source)
    poems = [texts_of(poem, sentence_length) for poem in raw]
    if max(map(len, poems)) < 2:
        return raw
    if without := sum(not texts for texts in poems):
        warnings.warn(
            f"{without} of the {len(poems)} poems of {source} hold no text of "
            f"{sentence_length} characters and are left out",
            stacklevel=3,
        )
    return [text for texts in poems for text in texts]


def _lines(text):
    return [line for line in MARKS.split(text) if line]


def _all_fit(lines, length):
    return all(len(x) == length and not NOT_A_LINE.search(x) for x in lines)


def _nothing_fits(poems, sentence_length, source):
    lengths = collections.Counter(
        len(line) for poem in poems for line in _lines(poem)
    )
    if sentence_length % 2:
        wanted = f"lines of {sentence_length} characters"
    else:
        wanted = f"couplets of two lines of {sentence_length // 2} characters"
    if lengths[sentence_length // (1 if sentence_length % 2 else 2)]:
        return (
            f"There must be {wanted} (sentence_length={sentence_length}) in "
            "Chinese characters, a poem in a line of the file. Received: "
            f"{source}, whose lines of that length are other ones"
        )
    common = ", ".join(str(length) for length, _ in lengths.most_common(3))
    return (
        f"There must be {wanted} (sentence_length={sentence_length}). "
        f"Received: {source} without any; its lines have mostly "
        f"{common or 'no'} characters"
    )
