"""The clustering VAE of kexue.fm 5887."""

import keras
from keras import layers

from keras_capsvae import ClassifiedMixture
from keras_capsvae import GaussianMixture
from keras_capsvae import GaussianReconstruction
from keras_capsvae.validation.numbers import check_integer
from zoo.models.autoencoders import Parts
from zoo.models.autoencoders import heads
from zoo.models.image_autoencoders import image_vae
from zoo.models.sizes import CHANNELS
from zoo.models.sizes import check_image_shape
from zoo.registry import register
from zoo.registry.training import Training

PIXEL_VARIANCE = 0.4  # the post weighs half the squared error by 2.5
CLUSTERING = Training(
    "adam", 1e-3, GaussianReconstruction, {"variance": PIXEL_VARIANCE}
)
FILTERS = (32, 32, 64, 64)


@register(CLUSTERING)
@image_vae("a mixture of `num_clusters` Gaussians")
def cluster_vae(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_clusters: int = 10,
    latent_dim: int = 20,
    *,
    classifier: bool = False,
    unit_variance: bool = True,
) -> Parts:
    """Convolutional VAE whose prior is a mixture, compiled: it finds clusters.

    Four 3×3 convolutions (32, 32, 64, 64, every other of stride 2, LeakyReLU)
    → posterior heads; Dense → four transposed convolutions (64, 64, 32, 32) →
    transposed convolution, sigmoid. The prior is a trained mean for each
    cluster, of equal weights. Squared errors, of pixels with variance 0.4.

    Args:
        input_shape: Height, width and channels; both sides multiples of 4.
            Defaults to (28, 28, 1).
        num_clusters: Clusters, at least 2. Defaults to 10.
        latent_dim: Latents. Defaults to 20.
        classifier: Whether a net on the latents tells the clusters, as in the
            post, and not the responsibilities of the mixture, which that net
            learns. Defaults to `False`.
        unit_variance: Whether the clusters have variance 1; else variances are
            trained. Defaults to `True`.

    Returns:
        A `VariationalAutoencoder` on `(batch, *input_shape)` in [0, 1].

    Raises:
        ValueError: If a size is below 1, `num_clusters` below 2 or a side no
            multiple of 4.

    Example:

    ```python
    model = zoo.cluster_vae()
    start = MixtureStart(images, epochs=10)
    model.fit(images, batch_size=100, epochs=50, callbacks=[start])
    clusters = model.predict_clusters(images)
    pictures = model.generate(16, cluster=3)
    ```

    Source: kexue.fm 5887; Jiang et al., "Variational Deep Embedding", 2016.
    """
    num_clusters = check_integer("num_clusters", num_clusters, 2)
    latent_dim = check_integer("latent_dim", latent_dim)
    input_shape = check_image_shape(input_shape, multiple_of=4)
    if classifier:
        prior = ClassifiedMixture(
            num_clusters,
            unit_variance,
            equal_weights=True,
            classifier=cluster_classifier(latent_dim, num_clusters),
        )
    else:
        prior = GaussianMixture(num_clusters, unit_variance, equal_weights=True)
    return Parts(
        leaky_encoder(input_shape, latent_dim),
        leaky_decoder(input_shape, latent_dim),
        prior,
    )


def leaky_encoder(input_shape: tuple[int, ...], latent_dim: int) -> keras.Model:
    image = x = keras.Input(input_shape, name="image")
    for place, filters in enumerate(FILTERS, start=1):
        convolve = layers.Conv2D(
            filters,
            3,
            strides=1 + place % 2,
            padding="same",
            data_format=CHANNELS,
            name=f"encoder_conv_{place}",
        )
        x = layers.LeakyReLU(0.2)(convolve(x))
    x = layers.Flatten(CHANNELS)(x)  # (batch, h/4 · w/4 · 64)
    return keras.Model(image, heads(x, latent_dim), name="encoder")


def leaky_decoder(input_shape: tuple[int, ...], latent_dim: int) -> keras.Model:
    height, width, channels = input_shape
    z = keras.Input((latent_dim,), name="z")
    grid = (height // 4, width // 4, FILTERS[-1])
    x = layers.Dense(grid[0] * grid[1] * grid[2], name="decoder_hidden")(z)
    x = layers.Reshape(grid)(x)
    for place, filters in enumerate(reversed(FILTERS), start=1):
        x = _transposed(filters, 2 - place % 2, f"decoder_conv_{place}")(x)
        x = layers.LeakyReLU(0.2)(x)
    pixels = _transposed(
        channels, 1, "pixels", activation="sigmoid", dtype="float32"
    )(x)  # (batch, h, w, channels)
    return keras.Model(z, pixels, name="decoder")


def cluster_classifier(latent_dim: int, num_clusters: int) -> keras.Model:
    """Latents → logits of the clusters."""
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(256, "relu", name="cluster_hidden")(z)
    logits = layers.Dense(num_clusters, name="cluster_logits")(x)
    return keras.Model(z, logits, name="classifier")


def _transposed(filters, strides, name, **options):
    return layers.Conv2DTranspose(
        filters,
        3,
        strides=strides,
        padding="same",
        data_format=CHANNELS,
        name=name,
        **options,
    )
