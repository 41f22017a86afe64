"""The VAE on a sphere of kexue.fm 8404."""

import keras
from keras import layers

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import VariationalAutoencoder
from keras_capsvae import VonMisesFisherLatent
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_sizes
from zoo.models.vae import dense_decoder
from zoo.registry import register
from zoo.registry.training import Training

SPHERICAL = Training("adam", 1e-3, BernoulliReconstruction, xla=True)


@register(SPHERICAL)
def vmf_vae(
    original_dim: int = 784,
    latent_dim: int = 4,
    intermediate_dim: int = 256,
    *,
    kappa: float = 20.0,
    input_range: tuple[float, float] | None = (0.0, 1.0),
    name: str = "vmf_vae",
) -> keras.Model:
    """Dense VAE with latents on a sphere, compiled.

    Dense ReLU → Dense, brought to length 1 → Dense ReLU → Dense sigmoid. The
    posterior is von Mises–Fisher with a fixed concentration κ, the prior
    uniform on the sphere: their divergence is a constant, so that the latents
    cannot collapse.

    Args:
        original_dim: Values of a flat image. Defaults to 784.
        latent_dim: Dims of the space around the sphere, at least 2: a circle.
            Defaults to 4.
        intermediate_dim: Units of both hidden layers. Defaults to 256.
        kappa: Concentration κ: the larger, the more a latent tells, and the
            more nats it costs. Defaults to 20.
        input_range: See `VariationalAutoencoder`. Defaults to (0, 1).
        name: Name of the model.

    Returns:
        A `VariationalAutoencoder` on `(batch, original_dim)` in [0, 1].

    Raises:
        ValueError: If a size is below 1, `latent_dim` below 2 or κ negative.

    Example:

    ```python
    model = zoo.vmf_vae(latent_dim=3)
    model.fit(images, batch_size=100, epochs=50)
    digits = model.generate(16)
    along_the_sphere = model.interpolate(images[0], images[1])
    ```

    Source: kexue.fm 8404; Davidson et al., 2018.
    """
    original_dim, intermediate_dim = check_sizes(
        original_dim=original_dim, intermediate_dim=intermediate_dim
    )
    latent_dim = check_integer("latent_dim", latent_dim, 2)
    return VariationalAutoencoder(
        direction_encoder(original_dim, latent_dim, intermediate_dim),
        dense_decoder(original_dim, latent_dim, intermediate_dim),
        VonMisesFisherLatent(kappa),
        input_range=input_range,
        name=name,
    )


def direction_encoder(
    original_dim: int, latent_dim: int, intermediate_dim: int
) -> keras.Model:
    """Images → vectors of length 1."""
    image = keras.Input((original_dim,), name="image")
    x = layers.Dense(intermediate_dim, "relu", name="encoder_hidden")(image)
    x = layers.Dense(latent_dim, name="direction")(x)
    wide = keras.config.dtype_policy().variable_dtype  # squares pass float16
    direction = layers.UnitNormalization(dtype=wide)(x)
    return keras.Model(image, direction, name="encoder")
