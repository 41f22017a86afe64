import dataclasses
import functools
import inspect
import math
import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.latents.base import Latent
from keras_capsvae.latents.random_source import GraphRandom
from keras_capsvae.latents.random_source import NumpyRandom
from keras_capsvae.layers.columns import StandardColumns
from keras_capsvae.layers.columns import TableColumns
from keras_capsvae.losses import TableReconstruction
from keras_capsvae.models.named_columns import NamedColumns
from keras_capsvae.models.output_logits import output_layer
from keras_capsvae.models.reconstruction import Reconstruction
from keras_capsvae.models.serving import Endpoint
from keras_capsvae.models.variational_autoencoder import VariationalAutoencoder
from keras_capsvae.private_keras import consumers
from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.forms import dense_in_numpy
from keras_capsvae.validation.labels import check_one_hot
from keras_capsvae.validation.streams import is_stream

CONSTANT = 1e-5  # deviation of a column that never changed, of its size
ROUNDING = float(np.finfo("float32").eps)


@keras.saving.register_keras_serializable(package="keras_capsvae")
class TabularAutoencoder(NamedColumns):
    """A variational autoencoder of the rows of a table, in the table's units.

    Columns of numbers come first, then groups of one-hot columns, one for each
    categorical column. Numbers are standardised before the encoder and brought
    back behind the decoder, by statistics of the data that the model keeps:
    those of `adapt`, or of the first `fit`. They are Gaussian with a trained
    variance for each column, categories have probabilities; nats are those of
    the table in its own units. What differs in a column that never changed is
    an outlier.

    Fitted or adapted on a data frame, the model keeps the names of its columns:
    other frames may have them in another order, but no other columns. Arrays,
    and frames whose columns are called 0, 1, …, are read by position; so are
    all frames by a model that was fitted on an array.

    `generate` draws rows: numbers with the variance of their column, categories
    one-hot; `decode(draw_latents(n))` gives means and probabilities. Numbers of
    a column that held nothing but integers are kept in the range that it had:
    no counts below 0. They are not rounded.

    The encoder begins with `StandardColumns`, the decoder ends in
    `TableColumns`; compile the model with `TableReconstruction()`.

    Args:
        encoder: Functional or Sequential model, rows `(batch, columns)` (and
            conditions) → `StandardColumns` → … → the parameters of the
            posterior.
        decoder: Functional or Sequential model, latents (and conditions) → … →
            `TableColumns` → rows.
        latent: See `VariationalAutoencoder`.
        kl_weight, estimator, free_bits, seed: Of the default latent.
        name: Name of the model.

    Attributes:
        encoder, latent, decoder: The parts.
        categories: Name → size of each group of one-hot columns.
        column_names: Those of the frame, `None` without one.

    Raises:
        ValueError: If the parts do not fit each other; by `fit` if the data do
            not fit, or the statistics are to come from a stream.
        TypeError: If encoder or decoder is no functional model.

    Example:

    ```python
    row, z = keras.Input((30,)), keras.Input((4,))
    h = keras.layers.Dense(64, "tanh")(StandardColumns()(row))
    heads = [keras.layers.Dense(4)(h), keras.layers.Dense(4)(h)]
    rows = TableColumns()(keras.layers.Dense(30)(z))
    model = TabularAutoencoder(keras.Model(row, heads), keras.Model(z, rows))
    model.compile("adam", loss=TableReconstruction())
    model.fit(table, epochs=10)
    scores = model.score_samples(table)
    ```

    Source: Kingma and Welling, 2013; Xu et al., "Modeling Tabular Data using
    Conditional GAN", 2019, whose TVAE has such columns.
    """

    usual_loss = "TableReconstruction"

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        latent: Latent | None = None,
        *,
        kl_weight: float = 1.0,
        estimator: str = "analytic",
        free_bits: float = 0.0,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            encoder,
            decoder,
            latent,
            kl_weight=kl_weight,
            estimator=estimator,
            free_bits=free_bits,
            seed=seed,
            name=name,
        )
        standard, columns = _first_layer(encoder), output_layer(decoder)
        _check(standard, StandardColumns, "encoder", "begin with")
        _check(columns, TableColumns, "decoder", "end in")
        if standard.categories != columns.categories:
            raise ValueError(
                "`categories` must be the same in encoder and decoder. "
                f"Received: {standard.categories} and {columns.categories}"
            )
        self.column_layers = [standard, columns]
        self.categories = dict(columns.categories)
        self.reconstruction = _OfRows(decoder, columns)

    @property
    def num_numbers(self) -> int:
        """Columns of numbers, which come first."""
        return self.inputs[0].shape[-1] - sum(self.categories.values())

    @property
    def is_adapted(self) -> bool:
        """Whether the model has statistics of data."""
        standard, _ = self.column_layers
        return bool(ops.convert_to_numpy(standard.is_set))

    @functools.wraps(VariationalAutoencoder.fit)
    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        given = inspect.signature(super().fit).bind(*args, **kwargs)
        x = given.arguments.get("x")
        if is_stream(x):
            if not self.is_adapted:
                raise ValueError(
                    f"{self.name!r} must know the means and deviations of its "
                    "columns before it trains on a stream: model.adapt(rows), "
                    "on an array. Received: a stream in the first `fit`"
                )
        elif x is not None and not self.is_adapted:
            self.adapt(x)
        elif x is not None:
            self.check_inputs(self.standard_inputs(x, "x"), "x")
            self.learn_names(x)
        return super().fit(*args, **kwargs)

    def adapt(self, x: Any) -> None:
        """Set the means and standard deviations of the columns of numbers.

        By them rows are standardised on their way in, and brought back to the
        table's units on their way out. The ranges of columns of integers are
        kept too, for `generate`. The first `fit` does it where it was not done;
        later ones leave the statistics alone. (The `adapt` of other VAEs sets
        the bias of the decoder's output.)

        Args:
            x: Rows `(n, columns)`, or with conditions `[rows, c]`.

        Raises:
            ValueError: If x does not fit the model.
        """
        rows = self.arrays_of_model(x)[0]
        self.check_input(rows, self.inputs[0], "x")
        rows = dense_in_numpy(check_array(rows, self.inputs[0].shape[1:], "x"))
        self.learn_names(x)
        numbers = rows[:, : self.num_numbers].astype("float64")
        mean, scale = numbers.mean(axis=0), numbers.std(axis=0)
        is_constant = scale <= ROUNDING * np.abs(mean)
        self._warn_of_rounding(is_constant & (np.ptp(numbers, axis=0) > 0))
        size = np.maximum(np.abs(mean), 1.0)
        standard, columns = self.column_layers
        standard.set_statistics(mean, np.where(is_constant, size, scale))
        columns.set_statistics(
            mean, np.where(is_constant, CONSTANT * size, scale)
        )
        is_whole = np.all(numbers == np.rint(numbers), axis=0)
        columns.set_range(
            np.where(is_whole, numbers.min(axis=0), -np.inf),
            np.where(is_whole, numbers.max(axis=0), np.inf),
        )

    def _warn_of_rounding(self, is_rounded):
        places = np.flatnonzero(is_rounded)
        if len(places):
            names = self.column_names or range(self.num_numbers)
            told = ", ".join(str(names[place]) for place in places)
            warnings.warn(
                "These columns vary by less than float32 can tell beside their "
                f"size, and count as constant: {told}. Subtract what is common "
                "to all rows, of times the first one",
                stacklevel=4,
            )

    def check_input(
        self,
        array: Any,
        tensor: Any,
        name: str,
        value_range: tuple[float, float] | None = None,
    ) -> None:
        super().check_input(array, tensor, name, value_range)
        if tensor is self.inputs[0] and self.categories:
            self._check_groups(dense_in_numpy(array), name)

    def check_targets(self, targets: Any, name: str) -> None:
        super().check_targets(targets, name)
        if self.categories:
            self._check_groups(dense_in_numpy(targets), name)

    def _check_groups(self, rows, name):
        start = self.num_numbers
        for group, size in self.categories.items():
            columns = rows[:, start : start + size]
            check_one_hot(columns, size, f"{name} ({group})")
            start += size

    def _made_of(self, decoded, seed):
        seeds = None if seed is None else (seed, 1)
        rows = self._rows_drawn(NumpyRandom(seeds), decoded)
        return ops.convert_to_numpy(rows)

    def _rows_drawn(self, random, decoded):
        """Rows drawn from what the decoder gives."""
        _, columns = self.column_layers
        noise = ops.convert_to_tensor(random.normal(ops.shape(decoded)))
        mean, *groups = columns.parts(decoded)
        of_mean, *of_groups = columns.parts(noise)
        numbers_drawn = mean + of_mean * ops.exp(0.5 * columns.log_variance())
        drawn = [columns.kept_in_range(numbers_drawn)]
        for group, normal in zip(groups, of_groups):
            uniform = 0.5 * (1 + ops.erf(normal / math.sqrt(2)))
            uniform = ops.clip(uniform, ROUNDING, 1 - ROUNDING)
            gumbel = -ops.log(-ops.log(uniform))
            chosen = ops.argmax(ops.log(group) + gumbel, axis=-1)
            drawn.append(ops.one_hot(chosen, group.shape[-1]))
        return columns.joined(drawn)

    def serving_endpoints(self) -> dict[str, Endpoint]:
        """Those of every VAE; `generate` gives rows that are drawn, as here."""
        endpoints = super().serving_endpoints()
        if "generate" in endpoints:
            decoded = endpoints["generate"]
            random = GraphRandom(self.latent.seed_generator)

            def generate(*arguments):
                return self._rows_drawn(random, decoded.function(*arguments))

            endpoints["generate"] = dataclasses.replace(
                decoded, function=generate
            )
        return endpoints


class _OfRows(Reconstruction):
    """The error of decoded rows, of which the last layer has the variances."""

    def __init__(self, decoder, columns):
        super().__init__(decoder)
        self.columns = columns

    def _compared(self, loss, target, outputs):
        target, rows, how = super()._compared(loss, target, outputs)
        if isinstance(loss, TableReconstruction):
            return target, [rows, self.columns.log_variance()], how
        return target, rows, how


def _first_layer(encoder):
    """The only layer that takes the rows."""
    taking = consumers(encoder, encoder.inputs[0])
    return taking[0][0] if len(taking) == 1 else None


def _check(layer, expected, part, place):
    if not isinstance(layer, expected):
        raise ValueError(
            f"`{part}` must {place} the layer {expected.__name__}(), which "
            f"knows the units of the table. Received: {layer}"
        )
