"""The importance-weighted autoencoder of Burda et al., 2015."""

import keras
from keras import layers

from keras_capsvae import BernoulliReconstruction
from keras_capsvae.validation.numbers import check_sizes
from zoo.models.autoencoders import Parts
from zoo.models.autoencoders import heads
from zoo.models.image_autoencoders import image_vae
from zoo.registry import register
from zoo.registry.training import Training

BURDA = Training(
    "adam",
    1e-3,
    BernoulliReconstruction,
    xla=True,
    optimizer_options={"epsilon": 1e-4},
    adapts=True,
)


def tanh_encoder(
    original_dim: int, latent_dim: int, intermediate_dim: int
) -> keras.Model:
    image = keras.Input((original_dim,), name="image")
    x = _tanh(intermediate_dim, "encoder_hidden_1")(image)
    x = _tanh(intermediate_dim, "encoder_hidden_2")(x)
    return keras.Model(image, heads(x, latent_dim), name="encoder")


def tanh_decoder(
    original_dim: int, latent_dim: int, intermediate_dim: int
) -> keras.Model:
    z = keras.Input((latent_dim,), name="z")
    x = _tanh(intermediate_dim, "decoder_hidden_1")(z)
    x = _tanh(intermediate_dim, "decoder_hidden_2")(x)
    pixels = layers.Dense(
        original_dim, "sigmoid", dtype="float32", name="pixels"
    )(x)
    return keras.Model(z, pixels, name="decoder")


def _tanh(units, name):
    return layers.Dense(units, "tanh", name=name)


@register(BURDA)
@image_vae(num_samples=5)
def importance_weighted_vae(
    original_dim: int = 784, latent_dim: int = 50, intermediate_dim: int = 200
) -> Parts:
    """Importance-weighted autoencoder with one stochastic layer, compiled.

    Dense tanh, Dense tanh → posterior heads; Dense tanh, Dense tanh → Dense
    sigmoid, trained on `−[logsumexp_i log w_i − ln k]`. Call `model.adapt(x)`
    before `fit` to start from the mean of the data; `python -m zoo train` does.

    Args:
        original_dim: Values of a flat image. Defaults to 784.
        latent_dim: Latents. Defaults to 50.
        intermediate_dim: Units of each hidden layer. Defaults to 200.

    Returns:
        An `ImportanceWeightedAutoencoder` on `(batch, original_dim)` in [0, 1].

    Raises:
        ValueError: If a size is below 1 or the gradient unknown.

    Example:

    ```python
    model = zoo.importance_weighted_vae(num_samples=50, gradient="dreg")
    model.adapt(images)
    model.fit(datasets.Batches(images, binarize=True), epochs=200)
    ```

    Source: Burda et al., 2015; kexue.fm 5383.
    """
    sizes = check_sizes(
        original_dim=original_dim,
        latent_dim=latent_dim,
        intermediate_dim=intermediate_dim,
    )
    return Parts(tanh_encoder(*sizes), tanh_decoder(*sizes))
