"""The variational autoencoder of tables."""

from typing import Any

import keras
from keras import layers

from keras_capsvae import TableReconstruction
from keras_capsvae import TabularAutoencoder
from keras_capsvae.validation.columns import Categories
from keras_capsvae.validation.numbers import check_sizes
from zoo.models.image_autoencoders import heads
from zoo.registry import register
from zoo.registry.training import Training

TABLES = Training("adam", 1e-3, TableReconstruction, xla=True, adapts=True)


@register(TABLES)
def tabular_vae(
    num_features: int = 30,
    latent_dim: int = 4,
    intermediate_dim: int = 64,
    *,
    categories: Categories = (),
    kl_weight: float = 1.0,
    name: str = "tabular_vae",
) -> TabularAutoencoder:
    """Variational autoencoder of the rows of a table, compiled.

    Standardised columns → two Dense ReLU → posterior heads; two Dense ReLU →
    Dense → columns in the table's units, each number with a trained variance,
    each category with probabilities. `score_samples` finds outliers,
    `generate` writes new rows.

    Args:
        num_features: Columns, those of one-hot categories among them. Defaults
            to 30.
        latent_dim: Latents. Defaults to 4.
        intermediate_dim: Units of the hidden layers. Defaults to 64.
        categories: Sizes of the groups of one-hot columns, which come last, or
            name → size, as {"colour": 3}. Defaults to none.
        kl_weight: Weight of the KL divergence (β). Defaults to 1.
        name: Name of the model. Defaults to "tabular_vae".

    Returns:
        A `TabularAutoencoder` on `(batch, num_features)`. The first `fit`
        learns the means and deviations of the columns, or `adapt` does.

    Raises:
        ValueError: If a size is below 1, or categories take more columns than
            there are.

    Example:

    ```python
    model = zoo.tabular_vae(num_features=30)
    model.fit(table, batch_size=32, epochs=200)
    model.set_threshold(table, quantile=0.99)
    is_outlier = model.predict_outliers(new_rows)
    ```

    Source: Kingma and Welling, 2013; Xu et al., "Modeling Tabular Data using
    Conditional GAN", 2019.
    """
    sizes = check_sizes(
        num_features=num_features,
        latent_dim=latent_dim,
        intermediate_dim=intermediate_dim,
    )
    return TabularAutoencoder(
        row_encoder(*sizes),
        row_decoder(*sizes),
        categories=categories,
        kl_weight=kl_weight,
        name=name,
    )


def row_encoder(
    num_features: int, latent_dim: int, intermediate_dim: int
) -> keras.Model:
    """Standardised rows → posterior."""
    row = keras.Input((num_features,), name="row")
    x = _hidden(intermediate_dim, "encoder_hidden_1")(row)
    x = _hidden(intermediate_dim, "encoder_hidden_2")(x)
    return keras.Model(row, heads(x, latent_dim))


def row_decoder(
    num_features: int, latent_dim: int, intermediate_dim: int
) -> keras.Model:
    """Latents → standardised numbers and logits of categories."""
    z = keras.Input((latent_dim,), name="z")
    x = _hidden(intermediate_dim, "decoder_hidden_1")(z)
    x = _hidden(intermediate_dim, "decoder_hidden_2")(x)
    return keras.Model(z, layers.Dense(num_features, name="columns")(x))


def _hidden(units: int, name: str) -> Any:
    return layers.Dense(units, "relu", name=name)
