"""A task for text classifiers: real couplets against altered ones."""

import os

import numpy as np

from keras_capsvae.validation.arguments import check_choice
from zoo.datasets.arrays import Arrays
from zoo.datasets.lines import is_chinese
from zoo.datasets.poems import read_poems
from zoo.datasets.poems import split_poems

FAKES = ("swapped", "shuffled")


def load_real_or_fake(
    source: str | os.PathLike = "tang",
    sentence_length: int = 10,
    *,
    fake: str = "swapped",
    held_out: float = 0.05,
    seed: int = 0,
) -> Arrays:
    """Couplets, each once as it is and once with another second line.

    Args:
        source: What `load_texts` takes.
        sentence_length: Characters of a couplet, an even number. Defaults to
            10.
        fake: `"swapped"`, the second line of a couplet of another poem, or
            `"shuffled"`, the characters of the second line in another order.
            Defaults to `"swapped"`.
        held_out: Share of the poems that is held out. Defaults to 0.05.
        seed: Integer of the choice of these and of the alterations. Defaults to
            0.

    Returns:
        `Arrays` of lists of strings and of labels, 1 for real ones and 0 for
        others. No line to train on is in a couplet to test on.

    Raises:
        ValueError: As `load_texts`; if `fake` is unknown, the length odd or
            there are too few poems to swap lines.

    Example:

    >>> task = load_real_or_fake("tang", fake="shuffled")
    >>> task.y_train.mean()
    0.5
    """
    check_choice("fake", fake, FAKES)
    if sentence_length % 2:
        raise ValueError(
            "`sentence_length` must be even, of two lines. "
            f"Received: sentence_length={sentence_length}"
        )
    check_couplets(source)
    alter = {"swapped": swapped, "shuffled": shuffled}[fake]
    train, test = split_poems(
        source, sentence_length, held_out=held_out, seed=seed
    )
    columns = []
    for number, poems in enumerate((train, without_lines_of(train, test))):
        random = np.random.default_rng((seed, number))
        real, false = alter(poems, random)
        columns += [
            [*real, *false],
            np.repeat([1, 0], [len(real), len(false)]),
        ]
    return Arrays(*columns)


def check_couplets(source: str | os.PathLike) -> None:
    """Raise a ValueError where texts are no Chinese poems."""
    if not is_chinese(read_poems(source)):
        raise ValueError(
            "Real and altered couplets must be Chinese poems. Received: "
            f"{source}. Texts with labels come as a table: .csv, .tsv or .jsonl"
        )


def without_lines_of(
    others: list[list[str]], poems: list[list[str]]
) -> list[list[str]]:
    """The couplets of poems that share no line with those of other poems."""
    known = {line for poem in others for text in poem for line in _halves(text)}
    poems = [
        [text for text in poem if known.isdisjoint(_halves(text))]
        for poem in poems
    ]
    poems = [poem for poem in poems if poem]
    if not poems:
        raise ValueError(
            "Held-out poems must have lines of their own. Received: a "
            "corpus whose held-out lines all stand among the others"
        )
    return poems


def swapped(
    poems: list[list[str]], random: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Couplets, and the same with second lines of other poems."""
    owners = np.repeat(np.arange(len(poems)), [len(poem) for poem in poems])
    couplets = [couplet for poem in poems for couplet in poem]
    if max(map(len, poems)) * 2 > len(couplets):
        raise ValueError(
            "No poem must have more than half of the couplets, whose second "
            "lines are swapped. Received: a split of "
            f"{len(poems)} poems with {len(couplets)} couplets"
        )
    # In the order of the poems, half of all further is another poem.
    order = random.permutation(len(poems))
    ranked = np.argsort(np.argsort(order)[owners], kind="stable")
    shift = len(couplets) // 2
    lender = np.empty_like(ranked)
    lender[ranked] = np.roll(ranked, -shift)
    half = len(couplets[0]) // 2
    false = [
        couplet[:half] + couplets[lender[row]][half:]
        for row, couplet in enumerate(couplets)
    ]
    return couplets, false


def shuffled(
    poems: list[list[str]], random: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Couplets, and the same with second lines in another order."""
    real, false = [], []
    for couplet in (couplet for poem in poems for couplet in poem):
        first, second = _halves(couplet)
        if len(set(second)) == 1:
            continue  # It has no other order.
        other = second
        while other == second:
            other = "".join(random.permutation(list(second)))
        real.append(couplet)
        false.append(first + other)
    return real, false


def _halves(text):
    half = len(text) // 2
    return text[:half], text[half:]
