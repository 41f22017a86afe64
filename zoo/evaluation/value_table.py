"""Which values of an example make its score: columns, pixels, characters."""

import functools

import numpy as np

from keras_capsvae import TabularAutoencoder
from keras_capsvae import VariationalAutoencoder
from zoo.datasets.examples import Examples
from zoo.datasets.row_tables import split_columns
from zoo.datasets.rows import Columns
from zoo.evaluation.tables import Table
from zoo.evaluation.tables import numbered_columns
from zoo.evaluation.tables import of_each
from zoo.evaluation.tables import short


def with_values(
    table: Table,
    model: VariationalAutoencoder,
    examples: Examples,
    columns: Columns | None = None,
) -> Table:
    """A table of scores, and behind it the nats of each value.

    Args:
        table: What `score_table` gave.
        model: The model that scored.
        examples: What it scored.
        columns: What `datasets.columns_of` said of the table that the model was
            trained on. Defaults to `None`: columns have numbers for names.

    Returns:
        The table with a column for each value, `nats_` and its name: of a table
        that of its column, else the places along the axes. Arrays: also
        `values`, as `score_values` gives them.
    """
    nats = of_each(model.score_values(batch) for batch in examples.batches)
    named = _named(model, nats, columns)
    added = zip(*(map(short, values) for values in named.values()))
    return Table(
        table.header + [f"nats_{name}" for name in named],
        [row + list(more) for row, more in zip(table.rows, added, strict=True)],
        table.arrays | {"values": nats},
    )


@functools.singledispatch
def _named(model, nats, columns):
    """Name → nats `(n,)`."""
    places = np.ndindex(nats.shape[1:])
    return {"_".join(map(str, at)): nats[:, *at] for at in places}


@_named.register
def _(model: TabularAutoencoder, nats, columns):
    columns = columns or numbered_columns(model)
    numbers, categories = split_columns(columns)
    found = {name: nats[:, place] for place, name in enumerate(numbers)}
    begin = len(numbers)
    for name, kinds in categories.items():
        found[name] = nats[:, begin : begin + len(kinds)].sum(axis=1)
        begin += len(kinds)
    return {name: found[name] for name in columns if name in found}
