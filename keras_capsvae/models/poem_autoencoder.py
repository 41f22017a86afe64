from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.latents.random_source import random_generator
from keras_capsvae.layers.character_embedding import CharacterEmbedding
from keras_capsvae.models.latent_search import search
from keras_capsvae.models.variational_autoencoder import VariationalAutoencoder
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_sizes
from keras_capsvae.vocabulary import FILE as VOCABULARY
from keras_capsvae.vocabulary import Vocabulary
from keras_capsvae.vocabulary import check_texts
from keras_capsvae.vocabulary import is_texts

SPACE = " "
TINY = np.finfo("float32").tiny
DECODED_AT_ONCE = 256  # 60 MB of probabilities of 6000 characters


@keras.saving.register_keras_serializable(package="keras_capsvae")
class PoemAutoencoder(VariationalAutoencoder):
    """A variational autoencoder of texts of one length, in and out.

    It takes texts, or their ids `encode_text(texts)`, and gives texts. Its
    vocabulary stands in the `CharacterEmbedding` of the encoder, and so in the
    model's file. A text of an even length is printed as two lines,
    `夜来风雨声，花落知多少。`, one of an odd length as one; punctuation in what
    is given does not matter. Where the vocabulary holds punctuation or spaces
    they are characters like others, and texts are printed as they are; with
    spaces shorter texts are filled up, and printed without those at their end.

    Where characters are chosen, `temperature` T flattens (T > 1) or sharpens
    (T < 1) their probabilities, `p^(1/T)` up to a factor; 0 takes the most
    probable one at each position, as the original does.

    Args:
        encoder, decoder and all others: As for `VariationalAutoencoder`; the
            encoder has a `CharacterEmbedding` on ids `(batch, length)`, the
            decoder ends in a softmax `(batch, length, characters)`.

    Raises:
        ValueError: If a text does not fit the length or the vocabulary.

    Example:

    ```python
    model = zoo.poem_vae()
    model.fit(model.encode_text(couplets), epochs=100, batch_size=64)
    model.generate(5, seed=0)
    model.complete("明月松间照", seed=0)
    ```

    Source: kexue.fm 5332.
    """

    @property
    def vocabulary(self) -> Vocabulary:
        for layer in self.encoder.layers:
            if isinstance(layer, CharacterEmbedding):
                return layer.vocabulary
        raise ValueError(
            "A PoemAutoencoder expects a CharacterEmbedding in its encoder. "
            f"Received: layers {[one.name for one in self.encoder.layers]}"
        )

    @property
    def sentence_length(self) -> int:
        """Characters of a text, punctuation aside."""
        return self.outputs[0].shape[1]

    def encode_text(self, texts: Iterable[str]) -> np.ndarray:
        """Texts → ids `(texts, sentence_length)` int32.

        Punctuation and spaces are left out where the vocabulary lacks them. One
        that has spaces fills shorter texts up with them.

        Raises:
            ValueError: If a text has another length or a character outside the
                vocabulary, unless that has an unknown character.
        """
        texts = [self.vocabulary.bare(text) for text in check_texts(texts)]
        if SPACE in self.vocabulary.characters:
            texts = [text.ljust(self.sentence_length, SPACE) for text in texts]
        return self.vocabulary.encode(texts, self.sentence_length)

    def decode_text(self, ids: np.ndarray) -> list[str]:
        """Ids `(texts, sentence_length)` → printed texts."""
        return [self._printed(text) for text in self.vocabulary.decode(ids)]

    def serving_files(self) -> dict[str, str]:
        """The vocabulary, between which and texts a SavedModel's ids stand."""
        return {VOCABULARY: self.vocabulary.to_json()}

    def standard_inputs(self, x: Any, name: str) -> Any:
        return super().standard_inputs(
            self.encode_text(x) if is_texts(x) else x, name
        )

    def standard_targets(self, y: Any, name: str) -> Any:
        return super().standard_targets(
            self.encode_text(y) if is_texts(y) else y, name
        )

    def generate(
        self,
        n: int,
        *,
        label: Any = None,
        cluster: int | None = None,
        condition: Tensor | None = None,
        seed: int | None = None,
        temperature: float = 0.0,
    ) -> list[str]:
        """Texts decoded from n draws of the prior.

        Args:
            n: Number of texts, at least 1.
            label, cluster, condition: As of every VAE.
            seed: Integer seed. Defaults to `None`: fresh draws each time.
            temperature: See above. Defaults to 0.

        Returns:
            List of n strings.

        Raises:
            ValueError: If n is below 1 or the temperature negative.
        """
        _check_temperature(temperature)
        z, given = self._drawn(n, label, cluster, condition, seed, {})
        return self._text_of(z, seed, temperature, given)

    def reconstruct(
        self,
        x: Any,
        batch_size: int | None = None,
        *,
        seed: int | None = None,
        temperature: float = 0.0,
    ) -> list[str] | np.ndarray:
        """Decode the posterior means of texts or of ids.

        Args:
            x: Texts, or array of ids `(batch, sentence_length)`.
            batch_size: Texts at a time. Defaults to Keras' 32.
            seed, temperature: As in `generate`, for texts alone.

        Returns:
            For texts a list of strings; for ids the decoder's probabilities
            `(batch, sentence_length, characters)`, as every VAE gives them.

        Raises:
            ValueError: If a text does not fit, the temperature is negative, or
                it or a seed is given with ids.
        """
        if not is_texts(x):
            if temperature or seed is not None:
                raise ValueError(
                    "`temperature` and `seed` are for texts; ids give "
                    "probabilities, of which nothing is drawn. Received: "
                    f"temperature={temperature}, seed={seed} with ids"
                )
            return super().reconstruct(x, batch_size)
        _check_temperature(temperature)
        return self._text_of(self.encode(x, batch_size), seed, temperature)

    def interpolate(
        self,
        first: str,
        last: str,
        steps: int = 8,
        *,
        seed: int | None = None,
        temperature: float = 0.0,
    ) -> list[str]:
        """Texts on the straight line between two posterior means.

        Args:
            first, last: Texts.
            steps: Texts to give, both ends' reconstructions among them; at
                least 2. Defaults to 8.
            seed, temperature: As in `generate`.

        Returns:
            List of `steps` strings.
        """
        _check_temperature(temperature)
        z, _ = self._way([first], [last], steps)
        return self._text_of(z, seed, temperature)

    def complete(
        self,
        first_line: str,
        n: int = 1,
        *,
        draws: int = 256,
        rounds: int = 20,
        seed: int | None = None,
    ) -> list[str]:
        """Complete texts from their first line, by search in latent space.

        Looks for latents under which the decoder gives the line, of high
        `ln q(line|z) + ln q(z)`, with the cross-entropy method: the best
        tenth of some draws from the prior, then draws around them, and so on.
        The rest is what the decoder makes of the best latents; the line stands
        as given.

        Args:
            first_line: The first of the two lines. (Texts of an odd length, or
                with spaces or punctuation, are one line: any beginning of it.)
            n: Number of texts, all different. Defaults to 1.
            draws: Latents decoded in a round. Defaults to 256.
            rounds: Rounds; 1 takes the best draws from the prior. Defaults to
                20.
            seed: Integer seed. Defaults to `None`.

        Returns:
            List of up to n strings, the best first: fewer if the search ends
            in fewer different ones.

        Raises:
            ValueError: If the first line has another length, or a character
                outside the vocabulary.
        """
        check_sizes(n=n, draws=draws, rounds=rounds)
        known = self.vocabulary.bare(check_texts([first_line])[0])
        half, is_odd = divmod(self.sentence_length, 2)
        is_line = is_odd or self.vocabulary.has_punctuation
        lengths = range(1, self.sentence_length) if is_line else [half]
        if len(known) not in lengths:
            expected = f"1 to {self.sentence_length - 1}" if is_line else half
            raise ValueError(
                f"`first_line` must have {expected} characters. "
                f"Received: {first_line!r} of {len(known)}"
            )
        ids = self.vocabulary.encode([known])[0]
        positions = np.arange(len(known))

        def log_posterior(z):
            probabilities = self.decode(z)
            chosen = probabilities[:, positions, ids]  # (draws, known)
            log_likelihood = np.log(np.maximum(chosen, TINY))
            return log_likelihood.sum(-1, dtype="float64") + log_prior(z)

        def log_prior(z):
            return ops.convert_to_numpy(
                self.latent.prior.log_density(z, self.prior_depends_on(None))
            )

        start = self.draw_latents(draws, seed=seed)
        random = random_generator(seed if seed is None else (seed, 1))
        z, _ = search(log_posterior, start, rounds, random)
        rest = self.most_probable(z)[:, len(known) :]
        texts = [known + one for one in self.vocabulary.decode(rest)]
        return [self._printed(text) for text in dict.fromkeys(texts)][:n]

    def most_probable(self, z: Tensor) -> np.ndarray:
        """The most probable ids of latents, `(batch, sentence_length)`."""
        return self._chosen(z, np.asarray)

    def _text_of(self, z, seed, temperature, given=None):
        if not temperature:
            return self.decode_text(self._chosen(z, np.asarray, given))
        random = random_generator(seed if seed is None else (seed, 1))

        def perturbed(probabilities):
            # The largest of logits with Gumbel noise is a draw from softmax.
            logits = np.log(np.maximum(probabilities, TINY)) / temperature
            return logits + random.gumbel(size=logits.shape)

        return self.decode_text(self._chosen(z, perturbed, given))

    def _chosen(self, z, scores_of, given=None):
        """Ids of the highest scores, not all probabilities held at once."""
        ids = []
        for start in range(0, len(z), DECODED_AT_ONCE):
            rows = slice(start, start + DECODED_AT_ONCE)
            conditions = given and [array[rows] for array in given]
            probabilities = self._decoded(z[rows], conditions)
            ids.append(scores_of(probabilities).argmax(-1))
        return np.concatenate(ids)

    def _printed(self, text):
        if self.vocabulary.has_punctuation:
            return text.rstrip(SPACE)
        half, is_odd = divmod(self.sentence_length, 2)
        return f"{text}。" if is_odd else f"{text[:half]}，{text[half:]}。"


def _check_temperature(temperature):
    if not 0 <= temperature < float("inf"):
        raise ValueError(
            "`temperature` must be finite and not negative. "
            f"Received: temperature={temperature}"
        )
