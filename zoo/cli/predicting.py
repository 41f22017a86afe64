"""Commands that say something of each example: predict, encode, score."""

import pathlib
from typing import Any

import click

from zoo.cli import writing
from zoo.cli.given import OF_DATA
from zoo.cli.given import FilePath
from zoo.cli.given import Text
from zoo.cli.given import Whole
from zoo.cli.given import options_of_run
from zoo.cli.opening import WEIGHTS
from zoo.cli.opening import opened
from zoo.data_names import check_data

DATA = (
    "An image, a folder of images, an .npz file or a name of a data set; for a "
    "model of texts a file with a text in each line, or a table with a column "
    "of texts, for one of poems also poems as in training; for a model of "
    "tables a .csv or .tsv with the columns that it was trained on. No labels "
    "are needed."
)


def _options(command):
    for option in (
        click.option(
            "--overwrite", is_flag=True, help="Replace the file at --out."
        ),
        options_of_run(*OF_DATA),
        click.option("--weights", type=Text(), help=WEIGHTS),
        click.option(
            "--out",
            type=FilePath(),
            metavar="FILE.csv|FILE.npz",
            help="Where to.  [default: CSV on the standard output]",
        ),
        click.option("--data", type=Text(), required=True, help=DATA),
        click.argument("model"),
    ):
        command = option(command)
    return command


@click.command()
@_options
def predict(
    model: str,
    data: str,
    out: pathlib.Path | None,
    weights: str | None,
    overwrite: bool,
    **of_data: Any,
) -> None:
    """The class that MODEL finds in each example, and all scores.

    MODEL: a name of the zoo, a run folder or a .keras file of a classifier.
    """
    found = _opened(model, weights, data, out, overwrite)

    from zoo.evaluation import tables

    tables.check_classes(found.model)
    examples = _read(found, data, of_data)
    table = tables.prediction_table(found.model, examples, found.class_names)
    writing.write_table(table, out)


@click.command()
@_options
def encode(
    model: str,
    data: str,
    out: pathlib.Path | None,
    weights: str | None,
    overwrite: bool,
    **of_data: Any,
) -> None:
    """Latents of each example in a VAE, or its class capsules.

    MODEL: a name of the zoo, a run folder or a .keras file.
    """
    found = _opened(model, weights, data, out, overwrite)

    from zoo.evaluation import tables

    tables.check_latents(found.model)
    taken = getattr(found.model, "encoder", found.model).inputs
    examples = _read(found, data, of_data, taken)
    writing.write_table(tables.latent_table(found.model, examples), out)


@click.command()
@_options
@click.option(
    "--samples",
    type=Whole(1),
    metavar="K",
    help="Score by −ln q(x) with K posterior samples.  [default: the samples "
    "of the model's threshold, else the negative ELBO]",
)
@click.option(
    "--quantile",
    type=float,
    metavar="Q",
    help="Set the threshold, here and now, where a share Q of the data that "
    "MODEL was trained on scores lower, as 0.99.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the samples."
)
@click.option(
    "--values",
    is_flag=True,
    help="Also tell the nats of each value: of a table its columns.",
)
@click.option(
    "--picture",
    type=FilePath(),
    metavar="FILE.png",
    help="Picture of the images with the highest scores, and where they differ "
    "from what MODEL knows.",
)
def score(
    model: str,
    data: str,
    out: pathlib.Path | None,
    weights: str | None,
    overwrite: bool,
    samples: int | None,
    quantile: float | None,
    seed: int,
    values: bool,
    picture: pathlib.Path | None,
    **of_data: Any,
) -> None:
    """How badly MODEL, a VAE, explains each example, in nats.

    High scores are outliers; with a threshold each is told whether it is one.

    MODEL: a name of the zoo, a run folder or a .keras file.
    """
    if picture is not None:
        writing.check_free(picture, (".png",), overwrite, "--picture")
    found = _opened(model, weights, data, out, overwrite)

    from zoo.datasets import feeds
    from zoo.evaluation import tables

    net = found.model
    tables.check_scores(net)
    if picture is not None and (feeds.takes_text(net) or feeds.takes_rows(net)):
        raise ValueError(f"--picture is for images. Received: {net.name}")
    examples = _read(found, data, of_data, net.inputs)
    if quantile is not None:
        _set_threshold(found, quantile, samples, seed)
    table = tables.score_table(net, examples, samples, seed)
    if values:
        from zoo.evaluation.value_table import with_values

        columns = found.settings.get("columns")
        table = with_values(table, net, examples, columns)
    writing.write_table(table, out)
    if picture is not None:
        _draw_scores(found, examples, picture)
    if net.has_threshold:
        outliers = int(table.arrays["is_outlier"].sum())
        click.echo(
            f"{outliers} of {len(table.rows)} score above the threshold, "
            f"{net.threshold:.6g}",
            err=True,
        )


def _draw_scores(found, examples, picture):
    from zoo import plots

    drawn = plots.score_maps(
        found.model,
        examples.joined,
        image_shape=found.settings.get("image_shape"),
    )
    writing.write(picture, drawn.savefig)


def _set_threshold(found, quantile, samples, seed):
    """The threshold at a quantile of the scores of the training data."""
    from zoo import datasets
    from zoo.datasets import feeds

    source = found.settings.get("data")
    if source is None:
        raise ValueError(
            "--quantile needs the data that the model was trained on, which a "
            f"run folder knows. Received: {found.model.name} without a run"
        )
    arrays = feeds.load(found.model, source, found.reading())
    x = arrays.x_train
    if found.settings.get("binarize"):
        x = datasets.binarized(x)
    x, _ = feeds.training_pair(found.model, x, arrays.y_train)
    found.model.set_threshold(x, quantile, num_samples=samples, seed=seed)


def _opened(model, weights, data, out, overwrite):
    """The model, once it is clear that there is data and room for the file."""
    if out is not None:
        writing.check_free(out, writing.TABLES, overwrite)
    check_data(data)
    return opened(model, weights)


def _read(found, data, of_data, inputs=()):
    """The examples, read as those of the model's run were.

    With their labels, where one of the inputs that they go into is a label.
    """
    from zoo.datasets import feeds
    from zoo.datasets.examples import read_examples
    from zoo.datasets.examples import with_labels

    net = found.model
    examples = read_examples(net, data, found.reading(**of_data))
    if len(inputs) > 1 and feeds.label_classes(net) is not None:
        return with_labels(net, examples, found.class_names)
    return examples
