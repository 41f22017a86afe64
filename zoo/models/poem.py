"""The poetry robot of kexue.fm 5332: gated convolutions in a VAE."""

from collections.abc import Callable

import keras
from keras import layers

from keras_capsvae import CategoricalReconstruction
from keras_capsvae import CharacterEmbedding
from keras_capsvae import GatedConv1D
from keras_capsvae import PoemAutoencoder
from keras_capsvae.validation.numbers import check_sizes
from zoo.models.autoencoders import Parts
from zoo.models.autoencoders import gaussian_vae
from zoo.models.autoencoders import heads
from zoo.pretrained.vocabularies import default_characters
from zoo.registry import register
from zoo.registry.training import Training

SU = Training("adam", 1e-3, CategoricalReconstruction)


def poem_encoder(
    embedding: CharacterEmbedding, sentence_length: int, latent_dim: int
) -> keras.Model:
    ids = keras.Input((sentence_length,), dtype="int32", name="ids")
    x = embedding(ids)  # (batch, length, hidden)
    x = GatedConv1D(residual=True, name="encoder_conv_1")(x)
    x = GatedConv1D(residual=True, name="encoder_conv_2")(x)
    x = layers.GlobalAveragePooling1D("channels_last", name="pool")(x)
    return keras.Model(ids, heads(x, latent_dim), name="encoder")


def poem_decoder(
    size: int,
    sentence_length: int,
    latent_dim: int,
    hidden_dim: int,
    blocks: int,
) -> keras.Model:
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(sentence_length * hidden_dim, name="decoder_hidden")(z)
    x = layers.Reshape((sentence_length, hidden_dim), name="steps")(x)
    for block in range(1, blocks + 1):
        x = GatedConv1D(residual=True, name=f"decoder_conv_{block}")(x)
    probabilities = layers.Dense(
        size, "softmax", dtype="float32", name="probabilities"
    )(x)  # (batch, length, characters)
    return keras.Model(z, probabilities, name="decoder")


def text_vae() -> Callable:
    """Make a builder of a function that gives the parts of a VAE of texts."""
    return gaussian_vae(PoemAutoencoder, "text_vae", "texts")


@register(SU)
@text_vae()
def poem_vae(
    vocabulary: str | None = None,
    sentence_length: int = 10,
    latent_dim: int = 64,
    hidden_dim: int = 64,
    *,
    unknown: str | None = None,
    decoder_blocks: int = 1,
) -> Parts:
    """Variational autoencoder of texts of one length, compiled.

    Embedding → two residual gated convolutions → average over the characters →
    posterior heads; Dense → a residual gated convolution → Dense softmax over
    the vocabulary, trained on the categorical ELBO.

    Args:
        vocabulary: String of all characters, each once; `vocabulary_of(texts)
            .characters` are those of a corpus. Defaults to `None`: those of
            the shipped weights, or of the embedded corpus.
        sentence_length: Characters of a text: 10 are two lines of five, 14 two
            of seven. Defaults to 10.
        latent_dim: Latents. Defaults to 64.
        hidden_dim: Dims of the embedding and of each convolution. Defaults to
            64.
        unknown: Character that stands for those outside the vocabulary, e.g.
            "□". Defaults to `None`: they are refused.
        decoder_blocks: Gated convolutions of the decoder. Defaults to 1.

    Returns:
        A `PoemAutoencoder` on ids `(batch, sentence_length)`.

    Raises:
        ValueError: If a size is below 1 or the vocabulary is empty or holds a
            character twice.
        TypeError: If the vocabulary is no string.

    Example:

    ```python
    texts = datasets.load_texts("poems.txt")
    characters = vocabulary_of([*texts.x_train, *texts.x_test]).characters
    model = zoo.poem_vae(characters)
    ids = model.encode_text(texts.x_train)
    model.fit(ids, batch_size=64, epochs=100, callbacks=[PrintedText()])
    model.generate(5)
    ```

    Source: kexue.fm 5332.
    """
    sentence_length, latent_dim, hidden_dim, decoder_blocks = check_sizes(
        sentence_length=sentence_length,
        latent_dim=latent_dim,
        hidden_dim=hidden_dim,
        decoder_blocks=decoder_blocks,
    )
    if vocabulary is None:
        vocabulary = default_characters("poem_vae")
    embedding = CharacterEmbedding(
        vocabulary, hidden_dim, unknown, name="characters"
    )
    return Parts(
        poem_encoder(embedding, sentence_length, latent_dim),
        poem_decoder(
            embedding.input_dim,
            sentence_length,
            latent_dim,
            hidden_dim,
            decoder_blocks,
        ),
    )
