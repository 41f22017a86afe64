"""A small poem VAE that knows some couplets by heart."""

import functools

import zoo
from keras_capsvae import vocabulary_of

COUPLETS = [
    "白日依山尽，黄河入海流。",
    "床前明月光，疑是地上霜。",
    "春眠不觉晓，处处闻啼鸟。",
    "空山不见人，但闻人语响。",
    "红豆生南国，春来发几枝。",
    "千山鸟飞绝，万径人踪灭。",
]
CHARACTERS = vocabulary_of(COUPLETS).characters


def small(**arguments):
    return zoo.poem_vae(
        CHARACTERS,
        **{"latent_dim": 8, "hidden_dim": 16, "seed": 0, **arguments},
    )


@functools.cache
def trained():
    """Without noise worth mentioning, so that it reconstructs its texts."""
    model = small(kl_weight=0.01, learning_rate=0.01)
    ids = model.encode_text(COUPLETS * 5)
    model.fit(ids, epochs=60, batch_size=30, verbose=0)
    return model
