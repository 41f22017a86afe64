"""Text classification without recurrent layers, after kexue.fm 4823."""

import keras
from keras import layers

from keras_capsvae import CharacterEmbedding
from keras_capsvae import GatedConv1D
from keras_capsvae import LabelAccuracy
from keras_capsvae import LabelCrossentropy
from keras_capsvae import MaskedPooling
from keras_capsvae import PositionEmbedding
from keras_capsvae import TextClassifier
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_sizes
from zoo.registry import register
from zoo.registry.training import Training

ADAM = Training("adam", 1e-3, LabelCrossentropy, metrics=(LabelAccuracy,))
IDS = 5000


@register(ADAM)
def gated_cnn_classifier(
    vocabulary_size: int | None = None,
    num_classes: int = 2,
    hidden_dim: int = 64,
    *,
    vocabulary: str | None = None,
    unknown: str | None = None,
    dilations: tuple[int, ...] = (1, 2, 4),
    num_heads: int = 4,
    name: str = "gated_cnn_classifier",
) -> keras.Model:
    """Classifier of texts, compiled.

    Embedding and positions → residual gated convolutions, dilated → multi-head
    self-attention, added → mean over the steps → Dense softmax.
    Steps of id 0 are padding: they change nothing.

    The techniques of the source are what Keras has them in:

    - label smoothing: `loss=LabelCrossentropy(label_smoothing=0.1)`;
    - warm-up and cosine decay: `learning_rate=zoo.runs.cosine_decay(steps,
      warm_up=0.1)`;
    - moving average of the weights: `optimizer=keras.optimizers.Adam(1e-3,
      use_ema=True)`, and `keras.callbacks.SwapEMAWeights(swap_on_epoch=True)`
      to evaluate it after each epoch;
    - class weights: `fit(…, class_weight={0: 1.0, 1: 5.0})`.

    Args:
        vocabulary_size: Ids, the 0 of padding included. Defaults to `None`:
            those of the vocabulary, or 5000 without one.
        num_classes: Classes. Defaults to 2.
        hidden_dim: Dims of the embedding and of each layer, a multiple of
            `num_heads`. Defaults to 64.
        vocabulary: String of all characters, each once, with which the model
            takes texts (`encode_text`). Not together with `vocabulary_size`.
            Defaults to `None`: ids alone.
        unknown: Character that stands for those outside the vocabulary, which
            it needs. Defaults to `None`: they are refused.
        dilations: Dilation rate of each gated convolution. Defaults to
            (1, 2, 4).
        num_heads: Heads of the attention. Defaults to 4.
        name: Name of the model.

    Returns:
        A `TextClassifier`, ids `(batch, steps)` → probabilities `(batch,
        num_classes)`.

    Raises:
        ValueError: If a size is below 1, `hidden_dim` is no multiple of
            `num_heads`, the vocabulary is empty or holds a character twice, or
            arguments do not go together.

    Example:

    ```python
    characters = vocabulary_of(texts).characters
    model = zoo.gated_cnn_classifier(vocabulary=characters)
    model.fit(model.encode_text(texts), labels, batch_size=64, epochs=10)
    ```

    Source: kexue.fm 4823; Dauphin et al., 2016; Vaswani et al., 2017.
    """
    num_classes, hidden_dim, num_heads = check_sizes(
        num_classes=num_classes, hidden_dim=hidden_dim, num_heads=num_heads
    )
    rates = check_sizes(
        **{f"dilations[{i}]": rate for i, rate in enumerate(dilations)}
    )
    if hidden_dim % num_heads:
        raise ValueError(
            "`hidden_dim` must be a multiple of `num_heads`. "
            f"Received: hidden_dim={hidden_dim}, num_heads={num_heads}"
        )
    embedding = _embedding(vocabulary_size, vocabulary, unknown, hidden_dim)
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = embedding(ids)  # (batch, steps, hidden)
    x = PositionEmbedding(name="positions")(x)
    for block, dilation in enumerate(rates, start=1):
        x = GatedConv1D(
            residual=True, dilation_rate=dilation, name=f"conv_{block}"
        )(x)
    attended = layers.MultiHeadAttention(
        num_heads, hidden_dim // num_heads, name="attention"
    )(x, x)
    x = layers.Add(name="add")([x, attended])
    x = MaskedPooling(name="pool")(x)  # (batch, hidden)
    probabilities = layers.Dense(
        num_classes, "softmax", dtype="float32", name="probabilities"
    )(x)
    return TextClassifier(ids, probabilities, name=name)


def _embedding(vocabulary_size, vocabulary, unknown, dims):
    """Of ids alone, or of the characters of a vocabulary."""
    if vocabulary is not None:
        if vocabulary_size is not None:
            raise ValueError(
                "`vocabulary_size` must be None with a `vocabulary`, which has "
                f"a size. Received: vocabulary_size={vocabulary_size} with "
                f"vocabulary={vocabulary!r:.40}"
            )
        return CharacterEmbedding(
            vocabulary, dims, unknown, mask_zero=True, name="characters"
        )
    if unknown is not None:
        raise ValueError(
            "`unknown` must be None without a `vocabulary`. "
            f"Received: unknown={unknown!r} with vocabulary=None"
        )
    size = IDS if vocabulary_size is None else vocabulary_size
    return layers.Embedding(
        check_integer("vocabulary_size", size),
        dims,
        mask_zero=True,
        name="characters",
    )
