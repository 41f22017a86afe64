"""Characters and their ids, without any backend."""

import collections
import json
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np

FILE = "vocabulary.json"  # in `assets.extra` of a SavedModel
NOT_TEXT = "PZC"  # Unicode categories: punctuation, separators, control


class Vocabulary:
    """A fixed set of characters, each with an id.

    Ids count up from 0 in the order of the characters, or from 1 where 0 is
    kept for padding; the unknown character, if there is one, comes last.
    Punctuation, spaces and brackets are characters like others where the
    vocabulary holds them; those that it lacks `bare` leaves out of a text.

    Args:
        characters: String of the characters, each once.
        unknown: Character that stands for all others. Defaults to `None`:
            others are refused.
        padding: Whether 0 is the id of no character. Defaults to `False`.

    Attributes:
        size: Number of ids.

    Raises:
        ValueError: If there is no character, one comes twice, or `unknown` is
            no single character outside the others or is punctuation, which
            texts may lose.
        TypeError: If the characters are no string.

    Example:

    >>> vocabulary = Vocabulary("日月山", unknown="□")
    >>> ids = vocabulary.encode(["山月", "山水"])
    >>> vocabulary.decode(ids)
    ['山月', '山□']
    >>> Vocabulary("CO()=").bare("C(=O) O.")
    'C(=O)O'
    """

    def __init__(
        self,
        characters: str,
        unknown: str | None = None,
        padding: bool = False,
    ):
        if not isinstance(characters, str):
            raise TypeError(
                "`characters` must be a string. Received: "
                f"{characters!r:.40} of type {type(characters).__name__}"
            )
        if not characters:
            raise ValueError("`characters` is empty: no character to know.")
        if len(set(characters)) < len(characters):
            twice = sorted({c for c in characters if characters.count(c) > 1})
            raise ValueError(
                "`characters` must hold each character once. "
                f"Received: {''.join(twice)!r} twice or more"
            )
        if unknown is not None and (
            not isinstance(unknown, str)
            or len(unknown) != 1
            or unknown in characters
            or not characters_of(unknown)
        ):
            raise ValueError(
                "`unknown` must be one character outside the others that is "
                f"no punctuation. Received: unknown={unknown!r}"
            )
        # NumPy's strings too become Python's.
        self.characters = str(characters)
        self.unknown = None if unknown is None else str(unknown)
        self.padding = padding
        self._first = int(padding)
        self._known = self.characters + (self.unknown or "")
        self._ids: dict[str | None, int] = {
            c: i + self._first for i, c in enumerate(self._known)
        }
        self.size = self._first + len(self._known)

    def __len__(self) -> int:
        return self.size

    def to_json(self) -> str:
        """The vocabulary as text, which `from_json` reads."""
        given = {
            "characters": self.characters,
            "unknown": self.unknown,
            "padding": self.padding,
        }
        return json.dumps(given, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Vocabulary":
        """The vocabulary that `to_json` wrote.

        >>> Vocabulary.from_json(Vocabulary("日月").to_json()).characters
        '日月'
        """
        return cls(**json.loads(text))

    @property
    def has_punctuation(self) -> bool:
        """Whether it holds punctuation, spaces or control characters."""
        return characters_of(self.characters) != self.characters

    def bare(self, text: str) -> str:
        """A text without the punctuation and spaces that it does not hold."""
        return characters_of(text, keep=self.characters)

    def encode(
        self, texts: Iterable[str], length: int | None = None
    ) -> np.ndarray:
        """Texts → ids, `(texts, length)` int32.

        Args:
            texts: List of strings, used as they are: see `bare`.
            length: Characters of every text. Defaults to `None`: that of the
                longest, to which the others are padded with 0.

        Raises:
            ValueError: If there is no text, a text has another length, none at
                all, or a character that is not known.
            TypeError: If the texts are no list of strings.
        """
        texts = check_texts(texts)
        longest = max(map(len, texts))
        ids = np.zeros((len(texts), length or longest), "int32")
        for row, text in enumerate(texts):
            self._check_length(row, text, length or longest)
            ids[row, : len(text)] = [self._id(row, text, c) for c in text]
        return ids

    def decode(self, ids: np.ndarray) -> list[str]:
        """Ids `(texts, length)` → list of strings, the padding left out.

        Raises:
            ValueError: If an id is out of range.
        """
        ids = np.asarray(ids)
        if ids.size and not 0 <= ids.min() <= ids.max() < self.size:
            raise ValueError(
                f"Ids must lie in [0, {self.size - 1}]. "
                f"Received: ids in [{ids.min()}, {ids.max()}]"
            )
        names = [""] * self._first + list(self._known)
        # As objects: strings of NumPy's end at a NUL.
        rows = np.array(names, dtype=object)[ids.astype("int64")]
        return ["".join(row) for row in rows]

    def _check_length(self, row, text, length):
        fits = 0 < len(text) <= length if self.padding else len(text) == length
        if not fits:
            most = "1 to " if self.padding else ""
            advice = f". sentence_length={len(text)} makes a model of them"
            if self.padding or not text:
                advice = ""
            raise ValueError(
                f"Texts must have {most}{length} characters. "
                f"Received: {text!r:.60} of {len(text)} in row {row}{advice}"
            )

    def _id(self, row, text, character):
        found = self._ids.get(character, self._ids.get(self.unknown))
        if found is None:
            raise ValueError(
                f"Characters must be among the {len(self.characters)} of the "
                f"vocabulary. Received: {character!r} in {text!r}, row {row}. "
                "A vocabulary made with `unknown` takes any character"
            )
        return found


def characters_of(text: str, keep: str = "") -> str:
    """A text without its punctuation, spaces and control characters.

    Those in `keep` stay.

    >>> characters_of("白日，依山尽。"), characters_of("C(=O) O", keep="()")
    ('白日依山尽', 'C(=O)O')
    """
    return "".join(
        c
        for c in text
        if c in keep or unicodedata.category(c)[0] not in NOT_TEXT
    )


def vocabulary_of(
    texts: Iterable[str],
    unknown: str | None = None,
    padding: bool = False,
    *,
    punctuation: bool = False,
) -> Vocabulary:
    """The `Vocabulary` of all characters of some texts, the commonest first.

    Characters that are as common as each other are sorted, so that the ids
    depend on the texts alone.

    Args:
        texts: List of strings.
        unknown, padding: As for `Vocabulary`.
        punctuation: Whether punctuation, spaces and control characters are
            characters too, as in sentences with words and in chemical formulas.
            Defaults to `False`: texts lose them.

    Raises:
        ValueError: If there is no character in the texts.
        TypeError: If the texts are no list of strings.

    Example:

    >>> vocabulary_of(["山月", "山水"]).characters
    '山月水'
    >>> vocabulary_of(["to be, or not to be"], punctuation=True).characters
    ' otbe,nr'
    """
    counts = collections.Counter()
    for text in check_texts(texts):
        counts.update(text if punctuation else characters_of(text))
    counts.pop(unknown, None)
    ordered = sorted(counts, key=lambda c: (-counts[c], c))
    return Vocabulary("".join(ordered), unknown, padding)


def is_texts(x: Any) -> bool:
    """Whether this is a text, or an array or list that begins with one.

    >>> is_texts(["山月"]), is_texts(np.array(["山月"])), is_texts([[1, 2]])
    (True, True, False)
    """
    if _is_single(x):
        return isinstance(x, str)
    holds = isinstance(x, (list, tuple, np.ndarray)) or hasattr(x, "to_numpy")
    return holds and isinstance(next(iter(x), None), str)


def check_texts(texts: Any) -> list[str]:
    """Return a list of Python's strings, of at least one."""
    single = _is_single(texts)
    texts = [texts] if single else list(texts)
    wrong = [text for text in texts if not isinstance(text, str)]
    if single or wrong:
        raise TypeError(
            "`texts` must be a list of strings. Received: "
            f"{(wrong or texts)[0]!r:.40}"
        )
    if not texts:
        raise ValueError("`texts` is empty. Received: no text")
    return [str(text) for text in texts]


def _is_single(x):
    is_text = isinstance(x, (str, bytes))
    return is_text or not isinstance(x, Iterable) or getattr(x, "ndim", 1) == 0
