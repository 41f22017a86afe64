"""The variational autoencoder of tables."""

from collections.abc import Callable

import keras
from keras import layers

from keras_capsvae import StandardColumns
from keras_capsvae import TableColumns
from keras_capsvae import TableReconstruction
from keras_capsvae import TabularAutoencoder
from keras_capsvae.validation.columns import Categories
from keras_capsvae.validation.numbers import check_sizes
from zoo.models.autoencoders import Parts
from zoo.models.autoencoders import gaussian_vae
from zoo.models.autoencoders import heads
from zoo.registry import register
from zoo.registry.training import Training

TABLES = Training("adam", 1e-3, TableReconstruction, xla=True, adapts=True)


def table_vae() -> Callable:
    """Make a builder of a function that gives the parts of a VAE of tables."""
    return gaussian_vae(TabularAutoencoder, "table_vae", "tables")


@register(TABLES)
@table_vae()
def tabular_vae(
    num_features: int = 30,
    latent_dim: int = 8,
    intermediate_dim: int = 64,
    *,
    categories: Categories = (),
) -> Parts:
    """Variational autoencoder of the rows of a table, compiled.

    Standardised columns → Dense tanh → posterior heads; Dense tanh → Dense →
    columns in the table's units, each number with a trained variance, each
    category with probabilities. `score_samples` finds outliers, `generate`
    writes new rows.

    Args:
        num_features: Columns, those of one-hot categories among them. Defaults
            to 30.
        latent_dim: Latents. Defaults to 8.
        intermediate_dim: Units of both hidden layers. Defaults to 64.
        categories: Sizes of the groups of one-hot columns, which come last, or
            name → size, as {"colour": 3}. Defaults to none.

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
    num_features, latent_dim, units = check_sizes(
        num_features=num_features,
        latent_dim=latent_dim,
        intermediate_dim=intermediate_dim,
    )
    return Parts(
        row_encoder(num_features, latent_dim, units, categories),
        row_decoder(num_features, latent_dim, units, categories),
    )


def row_encoder(
    num_features: int, latent_dim: int, units: int, categories: Categories
) -> keras.Model:
    """Rows → posterior."""
    row = keras.Input((num_features,), name="row")
    x = StandardColumns(categories, dtype="float32", name="standard")(row)
    x = layers.Dense(units, "tanh", name="encoder_hidden")(x)
    return keras.Model(row, heads(x, latent_dim), name="encoder")


def row_decoder(
    num_features: int, latent_dim: int, units: int, categories: Categories
) -> keras.Model:
    """Latents → rows."""
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(units, "tanh", name="decoder_hidden")(z)
    x = layers.Dense(num_features, dtype="float32", name="decoder_columns")(x)
    rows = TableColumns(categories, dtype="float32", name="columns")(x)
    return keras.Model(z, rows, name="decoder")
