"""Poems and other texts: read from files, and split to hold some out."""

import collections
import json
import os
import warnings
from pathlib import Path

import numpy as np

from keras_capsvae.validation.numbers import check_integer
from zoo import data_names
from zoo.counting import counted
from zoo.datasets.arrays import Arrays
from zoo.datasets.couplets import couplets_of
from zoo.datasets.encodings import read_text
from zoo.datasets.lines import is_chinese
from zoo.datasets.lines import of_one_length
from zoo.datasets.lines import usual_length
from zoo.datasets.tables import SUFFIXES as TABLES
from zoo.datasets.tables import read_table

EMBEDDED = Path(__file__).parent / "texts" / "tang.txt"
NAMES = data_names.TEXTS
SUFFIXES = (".json", ".txt", *TABLES)
COUPLET = 10  # characters
INDENT = "\u3000\u3000"  # two full-width spaces


def load_texts(
    source: str | os.PathLike = "tang",
    sentence_length: int | None = None,
    *,
    held_out: float = 0.05,
    seed: int = 0,
    encoding: str | None = None,
    text_column: str | None = None,
) -> Arrays:
    """Load the couplets of Chinese poems, or the lines of other texts.

    Of texts in other scripts each line is an example, with its spaces and
    punctuation, cut or padded with spaces to the length; a warning counts these
    lines. Equal lines are held out together. Couplets lose their punctuation.

    A poem all of whose lines have the length gives its lines two by two; of
    other poems a sentence counts that is two such lines. Couplets held out that
    also stand in a poem to train on are left out, with a warning.

    Args:
        source: One of

            - `"tang"`: 568 five-character couplets of famous Tang poems,
              embedded;
            - a text file of one poem a line;
            - a text file of titles, each followed by the lines of its poem,
              which begin with two full-width spaces (the layout of `shi.txt`);
            - a `.json` file in the layout of chinese-poetry, a list of poems
              with `paragraphs`;
            - a `.csv`, `.tsv` or `.jsonl` with a column of texts;
            - a folder of such files.
        sentence_length: Characters of a text: of Chinese an even number for
            couplets of two equal lines, an odd one for single lines. Defaults
            to `None`: 10 for these, and the longest of other lines, up to 60.
        held_out: Share of the poems that is held out. Defaults to 0.05.
        seed: Integer of the choice of these poems. Defaults to 0.
        encoding: Of text files. Defaults to `None`: detected.
        text_column: Of a table. Defaults to `None`: one of a usual name.

    Returns:
        `Arrays` of two lists of strings, `x_train` and `x_test`.

    Raises:
        ValueError: If there is no poem, no line of the length, fewer than two
            poems to split, or the encoding is wrong.
        FileNotFoundError: If there is no such path.

    Example:

    >>> from zoo import datasets
    >>> texts = datasets.load_texts("tang")
    >>> texts.x_train[0]
    '白日依山尽黄河入海流'
    """
    train, test = split_poems(
        source,
        sentence_length,
        held_out=held_out,
        seed=seed,
        encoding=encoding,
        text_column=text_column,
    )
    x_train = [text for poem in train for text in poem]
    seen = set(x_train)
    held_out_texts = [text for poem in test for text in poem]
    x_test = [text for text in held_out_texts if text not in seen]
    if len(x_test) < len(held_out_texts):
        warnings.warn(
            f"Of {counted(len(held_out_texts), 'text')} of {source} held out, "
            f"{len(x_test)} are left to test on: the others also stand in a "
            "poem to train on",
            stacklevel=2,
        )
    return Arrays(x_train, None, x_test, None)


def split_poems(
    source: str | os.PathLike,
    sentence_length: int | None = None,
    *,
    held_out: float = 0.05,
    seed: int = 0,
    encoding: str | None = None,
    text_column: str | None = None,
) -> tuple[list[list[str]], list[list[str]]]:
    """Poems to train on and poems held out, each a list of its texts.

    Takes what `load_texts` takes.
    """
    if sentence_length is not None:
        check_integer("sentence_length", sentence_length, 1)
    if not 0 < held_out < 1:
        raise ValueError(
            "`held_out` must lie between 0 and 1. "
            f"Received: held_out={held_out}"
        )
    raw = read_poems(source, encoding, text_column)
    if is_chinese(raw):
        poems = couplets_of(raw, sentence_length or COUPLET, source)
    else:
        length = sentence_length or usual_length(raw)
        lines = collections.Counter(of_one_length(raw, length, source))
        poems = [[line] * count for line, count in lines.items()]
    if len(poems) < 2:
        raise ValueError(
            "There must be at least 2 poems, or lines of other texts that "
            f"differ, to hold some out. Received: {len(poems)} in {source}"
        )
    count = min(max(1, round(held_out * len(poems))), len(poems) - 1)
    rows = np.random.default_rng(seed).permutation(len(poems))
    chosen = set(rows[:count].tolist())
    return (
        [poem for row, poem in enumerate(poems) if row not in chosen],
        [poem for row, poem in enumerate(poems) if row in chosen],
    )


def read_poems(
    source: str | os.PathLike,
    encoding: str | None = None,
    text_column: str | None = None,
) -> list[str]:
    """Poems of a source, or lines of other texts, with their punctuation."""
    path = check_text_source(source)
    if path.is_dir():
        paths = sorted(
            child
            for child in path.iterdir()
            if child.suffix.lower() in SUFFIXES
            and not child.name.startswith(".")
        )
    else:
        paths = [path]
    poems = [
        poem for one in paths for poem in _poems_in(one, encoding, text_column)
    ]
    if not poems:
        raise ValueError(
            "`source` must be a text of one poem a line, titles with indented "
            "lines, chinese-poetry JSON or a folder of such files. "
            f"Received: {path} without a poem"
        )
    return poems


def check_text_source(source: str | os.PathLike) -> Path:
    """Return the path of a source of texts."""
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            "`source` must be a name or a path. "
            f"Received: source={source!r} of type {type(source)}"
        )
    path = EMBEDDED if source in NAMES else Path(source)
    if not path.exists():
        raise FileNotFoundError(
            f"`source` must be one of {NAMES} or the path of a file or folder "
            f"of poems. Received: {str(source)!r}, which does not exist"
        )
    return path


def _poems_in(path, encoding, text_column):
    if path.suffix.lower() in TABLES:
        table = read_table(
            path, text_column=text_column, labelled=False, encoding=encoding
        )
        return [" ".join(text.split()) for text in table.texts]
    text = read_text(path, encoding)
    if path.suffix.lower() == ".json":
        return _json_poems(text, path)
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    is_indented = [line.startswith(INDENT) for line in lines]
    if not any(is_indented) or all(is_indented):
        return [line.strip() for line in lines]
    poems = []
    for line, indented in zip(lines, is_indented):
        if not indented:
            poems.append("")
        elif poems:
            poems[-1] += line.strip()
    return [poem for poem in poems if poem]


def _json_poems(text, path):
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise ValueError(
            f"A .json file must hold JSON. Received: {path}, which is "
            f"damaged ({error})"
        ) from error
    entries = entries if isinstance(entries, list) else [entries]
    paragraphs = [
        entry.get("paragraphs") for entry in entries if isinstance(entry, dict)
    ]
    # Folders of chinese-poetry also hold lists of authors, without poems.
    return ["".join(lines) for lines in paragraphs if lines]
