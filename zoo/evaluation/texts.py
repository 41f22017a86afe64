"""Figures of merit of models that write texts."""

import functools
import math
from collections.abc import Sequence

import keras
import numpy as np

from keras_capsvae import PoemAutoencoder
from keras_capsvae.vocabulary import characters_of

SAMPLES = 1000


def text_figures(
    model: keras.Model, ids: np.ndarray, loss: float
) -> dict[str, float]:
    """What a text autoencoder reaches on held-out texts, a character each.

    Args:
        model: A `PoemAutoencoder`.
        ids: Ids `(texts, sentence_length)`.
        loss: Its negative ELBO on them, in nats a text.

    Returns:
        A dict of `elbo_per_character` in nats, `perplexity` (its exponential,
        an upper bound of the true one) and `accuracy`, the share of characters
        that the decoded posterior mean gives back.
    """
    per_character = loss / model.sentence_length
    return {
        "elbo_per_character": -per_character,
        "perplexity": math.exp(per_character),
        "accuracy": reconstruction_accuracy(model, ids),
    }


def reconstruction_accuracy(model: keras.Model, ids: np.ndarray) -> float:
    """Share of characters that decoding the posterior mean gives back."""
    return float(np.mean(model.most_probable(model.encode(ids)) == ids))


def sample_figures(
    model: keras.Model,
    corpus: Sequence[str],
    count: int = SAMPLES,
    temperature: float = 0.0,
    seed: int = 0,
) -> dict[str, float]:
    """How new and how varied generated texts are.

    Args:
        model: A `PoemAutoencoder`.
        corpus: List of the texts that it was trained on.
        count: Texts to generate. Defaults to 1000.
        temperature, seed: As in `generate`. Both default to 0.

    Returns:
        A dict of `novel`, the share of generated texts outside the corpus,
        `distinct_1`, `distinct_2`, see `distinct`, and of `repeating_lines`,
        the share of lines that hold a character twice, with that of the corpus,
        `repeating_lines_of_corpus`.
    """
    texts = model.generate(count, seed=seed, temperature=temperature)
    length = model.sentence_length
    line = length if length % 2 else length // 2
    return {
        "novel": novelty(texts, corpus),
        "distinct_1": distinct(texts, 1),
        "distinct_2": distinct(texts, 2),
        "repeating_lines": repeating_lines(texts, line),
        "repeating_lines_of_corpus": repeating_lines(corpus, line),
    }


@functools.singledispatch
def figures_of_writing(model: keras.Model, ids: np.ndarray) -> dict[str, float]:
    """`sample_figures` of a model that writes texts, of others none.

    Args:
        model: Any model.
        ids: What it was trained on.
    """
    return {}


@figures_of_writing.register
def _(model: PoemAutoencoder, ids):
    return sample_figures(model, model.decode_text(ids))


def novelty(texts: Sequence[str], corpus: Sequence[str]) -> float:
    """Share of texts that are not in a corpus, punctuation aside."""
    known = {characters_of(text) for text in corpus}
    return float(np.mean([characters_of(text) not in known for text in texts]))


def distinct(texts: Sequence[str], size: int) -> float:
    """Different runs of `size` characters, as a share of all such runs.

    Raises:
        ValueError: If no text is that long.

    Source: Li et al., "A Diversity-Promoting Objective Function for Neural
    Conversation Models", 2016.
    """
    runs = [
        text[start : start + size]
        for text in map(characters_of, texts)
        for start in range(len(text) - size + 1)
    ]
    if not runs:
        raise ValueError(
            f"Some text must have at least {size} characters. "
            f"Received: {len(texts)} texts, all shorter"
        )
    return len(set(runs)) / len(runs)


def repeating_lines(texts: Sequence[str], length: int) -> float:
    """Share of lines of `length` characters that hold a character twice."""
    lines = [
        text[start : start + length]
        for text in map(characters_of, texts)
        for start in range(0, len(text), length)
    ]
    return float(np.mean([len(set(line)) < len(line) for line in lines]))
