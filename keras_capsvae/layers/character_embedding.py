from typing import Any

import keras

from keras_capsvae.typing import Config
from keras_capsvae.vocabulary import Vocabulary


@keras.saving.register_keras_serializable(package="keras_capsvae")
class CharacterEmbedding(keras.layers.Embedding):
    """An embedding of characters that keeps their vocabulary.

    The characters stand in the layer's config, so that a reloaded model turns
    texts into ids and ids into texts with nothing else at hand, on every
    backend.

    Args:
        characters: String of the characters, each once, in the order of their
            ids.
        output_dim: Dims of the embedding.
        unknown: Character that stands for all others, with the last id.
            Defaults to `None`: others are refused.
        mask_zero: Whether id 0 is padding, which is masked, and the characters
            count from 1. Defaults to `False`.
        **kwargs: What `keras.layers.Embedding` takes.

    Inputs: ids `(batch, steps)`.

    Output: `(batch, steps, output_dim)`.

    Attributes:
        vocabulary: The `Vocabulary` of the characters.

    Raises:
        ValueError: If there is no character, one comes twice, or `unknown` is
            no single character outside the others.
        TypeError: If the characters are no string.

    Example:

    >>> embedding = CharacterEmbedding("日月山水", 8)
    >>> ids = embedding.vocabulary.encode(["山水", "日月"])
    >>> embedding(ids).shape
    (2, 2, 8)

    Source: kexue.fm 5332.
    """

    def __init__(
        self,
        characters: str,
        output_dim: int,
        unknown: str | None = None,
        mask_zero: bool = False,
        **kwargs: Any,
    ):
        vocabulary = Vocabulary(characters, unknown, padding=mask_zero)
        super().__init__(
            vocabulary.size, output_dim, mask_zero=mask_zero, **kwargs
        )
        self.vocabulary = vocabulary

    def get_config(self) -> Config:
        config = super().get_config()
        del config["input_dim"]
        return {
            **config,
            "characters": self.vocabulary.characters,
            "unknown": self.vocabulary.unknown,
        }
