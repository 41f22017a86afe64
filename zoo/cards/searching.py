"""Search as kexue.fm 4797 mends it: every word counts, none is required."""

import dataclasses
import functools
import io
import re
import warnings
from collections.abc import Sequence

from zoo.cards.card import Card
from zoo.cards.reading import cards

IN_TITLE = 2
IN_TEXT = 1
LATIN = re.compile("[a-z0-9]+")
SHORTEST_BEGINNING = 4  # letters of a word that may stand for longer ones
TERMS = ("变分自编码器",)  # words of the field that the dictionary lacks


@dataclasses.dataclass(frozen=True)
class Hit:
    """A model found: its name, its title and how well it fits."""

    name: str
    title: str
    score: int


def search(query: str) -> list[Hit]:
    """Models of the zoo that fit a query, the best first.

    The query is segmented into words, Chinese and English mixed; a word counts
    2 in a model's name and titles and 1 in its description and source.

    Args:
        query: Words, e.g. `"capsule"`, `"变分自编码器"`.

    Returns:
        List of `Hit`, those of one score by name; empty if nothing fits.

    Raises:
        TypeError: If the query is no string.
        ValueError: If it holds nothing to search for.

    Example:

    >>> [hit.name for hit in search("条件 生成")][0]
    'conditional_vae'

    Source: kexue.fm 4797.
    """
    found = scores(query, [_title_and_text(card) for card in cards().values()])
    hits = [
        Hit(card.name, card.title, score)
        for card, score in zip(cards().values(), found, strict=True)
        if score
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.name))


def scores(query: str, documents: Sequence[tuple[str, str]]) -> list[int]:
    """How well each document, `(title, text)`, fits a query.

    Each word of the query counts 2 if the title holds it and 1 if the text
    does. A query that falls into no words counts so as a whole. Case does not
    matter.

    Args:
        query: See `search`.
        documents: List of pairs of strings.

    Returns:
        List of integers, 0 for a document that does not fit.

    Raises:
        TypeError: If the query is no string.
        ValueError: If it holds nothing to search for.

    Example:

    >>> scores("2018天象", [("2018年天象", ""), ("天象", "2018"), ("新词", "")])
    [4, 3, 0]

    Source: kexue.fm 4797.
    """
    if not isinstance(query, str):
        raise TypeError(
            "`query` must be a string. "
            f"Received: query={query!r} of type {type(query).__name__}"
        )
    whole = query.strip().casefold()
    if not whole:
        raise ValueError(
            f"`query` must hold words to search for. Received: query={query!r}"
        )
    documents = [
        (title.casefold(), text.casefold()) for title, text in documents
    ]
    wanted = words(whole) or [whole]
    return [_score(wanted, document) for document in documents]


def words(text: str) -> list[str]:
    """The different words of a text, without punctuation."""
    found = _segmenter(text).lcut(text)
    return list(
        dict.fromkeys(word for word in found if any(map(str.isalnum, word)))
    )


def _score(wanted, document):
    title, text = document
    return sum(
        IN_TITLE * _holds(title, word) + IN_TEXT * _holds(text, word)
        for word in wanted
    )


def _holds(text, word):
    """Whether a text holds a word; of a Latin one at least its beginning."""
    if not LATIN.fullmatch(word):
        return word in text
    if len(word) < SHORTEST_BEGINNING:
        word += "(?![a-z0-9])"
    elif word.endswith("y"):  # anomaly, anomalies
        word = word[:-1]
    return re.search(f"(?<![a-z0-9]){word}", text) is not None


def _title_and_text(card: Card):
    words_of_name = card.name.replace("_", " ")
    title = [card.name, words_of_name, card.title, card.title_zh]
    text = [card.description, card.description_zh, card.family]
    return " ".join(title), "\n".join([*text, card.source, card.paper])


def _segmenter(text):
    """jieba's, with those words of its dictionary that the text can hold.

    To take in all of them lasts for a second, and what jieba then keeps for the
    next time lies in the shared temporary folder, where others can put theirs.
    """
    dictionary, total = _dictionary()
    letters = re.escape("".join({*"".join([*text.split(), *TERMS])}))
    known = re.findall(f"^[{letters}]+ .*\n", dictionary, re.MULTILINE)
    lines = io.BytesIO("".join(known).encode())
    segmenter = _jieba().Tokenizer()
    segmenter.FREQ, _ = segmenter.gen_pfdict(lines)
    segmenter.total = total
    segmenter.initialized = True
    for term in TERMS:
        segmenter.add_word(term)
    return segmenter


@functools.cache
def _dictionary():
    """Lines of a word, its frequency and its kind; the sum of frequencies."""
    with _jieba().Tokenizer().get_dict_file() as file:
        text = file.read().decode("utf-8")
    return text, sum(map(int, re.findall(" ([0-9]+) ", text)))


def _jieba():
    with warnings.catch_warnings():  # of what it imports, and how it is written
        warnings.simplefilter("ignore")
        import jieba
    return jieba
