"""The characters that a text model knows when it is not told which."""

import functools
import os
import pathlib

from keras_capsvae import vocabulary_of
from zoo import datasets
from zoo.pretrained import manifest

# Models whose `vocabulary=None` means that of their shipped weights.
WITH_DEFAULT = ("poem_vae",)


def path_of(name: str) -> pathlib.Path:
    """Where the characters of a model's shipped weights stand."""
    return manifest.FOLDER / f"{name}.vocabulary.txt"


def default_characters(name: str) -> str:
    """Those of the model's shipped weights, or of the embedded corpus."""
    path = path_of(name)
    if path.is_file():
        return path.read_text(encoding="utf-8").removesuffix("\n")
    return _embedded_characters()


def ship(name: str, characters: str) -> None:
    """Write the characters of a model's weights into the package.

    Raises:
        ValueError: If weights with other characters are shipped already.
    """
    path = path_of(name)
    if path.is_file() and default_characters(name) != characters:
        raise ValueError(
            f"All shipped weights of {name} share one vocabulary. Received: "
            f"{len(characters)} characters, other than those of {path.name}"
        )
    path.write_text(characters + "\n", encoding="utf-8")


def corpus_characters(
    source: str | os.PathLike, sentence_length: int | None
) -> str:
    """All characters of a corpus, the commonest first."""
    texts = datasets.load_texts(source, sentence_length)
    both = [*texts.x_train, *texts.x_test]
    return vocabulary_of(both, punctuation=True).characters


@functools.cache
def _embedded_characters():
    return corpus_characters("tang", 10)
