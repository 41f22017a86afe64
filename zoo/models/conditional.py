"""Conditional VAEs: where the label goes in."""

from keras_capsvae import ClassMeans
from keras_capsvae.validation.arguments import check_choice
from keras_capsvae.validation.numbers import check_sizes
from zoo.models.autoencoders import Parts
from zoo.models.image_autoencoders import image_vae
from zoo.models.vae import DENSE
from zoo.models.vae import dense_decoder
from zoo.models.vae import dense_encoder
from zoo.registry import register

CONDITIONS = ("prior", "decoder", "both")


@register(DENSE)
@image_vae("see `condition`")
def conditional_vae(
    original_dim: int = 784,
    num_classes: int = 10,
    latent_dim: int = 2,
    intermediate_dim: int = 256,
    *,
    condition: str = "prior",
) -> Parts:
    """Conditional dense variational autoencoder, compiled.

    As `dense_vae`. Either the KL divergence is that to N(μ_y, 1), where the
    mean μ_y of class y is trained with the rest, `½ Σ ((μ − μ_y)² + exp(l) −
    l − 1)`, or encoder and decoder also take the label.

    Args:
        original_dim: Values of a flat image. Defaults to 784.
        num_classes: Classes. Defaults to 10.
        latent_dim: Latents. Defaults to 2.
        intermediate_dim: Units of both hidden layers. Defaults to 256.
        condition: What depends on the label: the mean of the `"prior"` alone,
            as in the post; encoder and `"decoder"`, with the prior N(0, 1), the
            usual form; or `"both"`. Defaults to `"prior"`.

    Returns:
        A `VariationalAutoencoder` on `[images, one-hot labels]`.

    Raises:
        ValueError: If a size is below 1, the condition unknown, or another
            prior is to be the means of the classes.

    Example:

    ```python
    model = zoo.conditional_vae(condition="decoder", latent_dim=8)
    one_hot = keras.utils.to_categorical(labels, 10)
    model.fit([images, one_hot], batch_size=100, epochs=100)
    sevens = model.generate(16, label=7)
    in_my_style = model.relabel([images[:1], one_hot[:1]], 7)
    ```

    Source: kexue.fm 5253; Sohn, Lee and Yan, 2015.
    """
    original_dim, num_classes, latent_dim, intermediate_dim = check_sizes(
        original_dim=original_dim,
        num_classes=num_classes,
        latent_dim=latent_dim,
        intermediate_dim=intermediate_dim,
    )
    check_choice("condition", condition, CONDITIONS)
    sizes = (original_dim, latent_dim, intermediate_dim)
    seen = None if condition == "prior" else num_classes
    return Parts(
        dense_encoder(*sizes, num_classes=seen),
        dense_decoder(*sizes, num_classes=seen),
        None if condition == "decoder" else ClassMeans(num_classes),
    )
