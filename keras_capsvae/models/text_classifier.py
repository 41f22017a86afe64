from collections.abc import Iterable

import keras
import numpy as np

from keras_capsvae.layers.character_embedding import CharacterEmbedding
from keras_capsvae.models.classifier import Classifier
from keras_capsvae.vocabulary import FILE as VOCABULARY
from keras_capsvae.vocabulary import Vocabulary
from keras_capsvae.vocabulary import check_texts


@keras.saving.register_keras_serializable(package="keras_capsvae")
class TextClassifier(Classifier):
    """A `Classifier` of ids, `(batch, any length)`, that may know characters.

    With a `CharacterEmbedding` among its layers it turns texts into ids, also
    after it was reloaded.
    """

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The `Vocabulary`, `None` if the model knows ids alone."""
        for layer in self.layers:
            if isinstance(layer, CharacterEmbedding):
                return layer.vocabulary
        return None

    def encode_text(self, texts: Iterable[str]) -> np.ndarray:
        """Texts → ids `(texts, length of the longest)`, padded with 0.

        Punctuation and spaces are left out where the vocabulary lacks them.

        Raises:
            ValueError: If the model has no vocabulary, a text is empty or has
                a character outside it.
        """
        if self.vocabulary is None:
            raise ValueError(
                f"Model {self.name!r} was built without a vocabulary and takes "
                "ids alone. Received: texts"
            )
        return self.vocabulary.encode(
            [self.vocabulary.bare(text) for text in check_texts(texts)]
        )

    def serving_files(self) -> dict[str, str]:
        """The vocabulary, between which and texts a SavedModel's ids stand."""
        if self.vocabulary is None:
            return {}
        return {VOCABULARY: self.vocabulary.to_json()}
