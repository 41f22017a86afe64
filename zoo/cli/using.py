"""Commands that make something with a model: sample, export."""

import pathlib
from typing import Any

import click

from zoo import cards
from zoo.cli import formats
from zoo.cli import writing
from zoo.cli.given import OF_IMAGES
from zoo.cli.given import FilePath
from zoo.cli.given import Text
from zoo.cli.given import options_of_run
from zoo.cli.opening import WEIGHTS
from zoo.cli.opening import card_of_model
from zoo.cli.opening import opened
from zoo.data_names import check_data

PICTURE = ".png"
FOLDER = "pictures"
TEXTS = 10


@click.command()
@click.argument("model")
@click.option(
    "--out",
    type=FilePath(),
    metavar="FOLDER|FILE.png|FILE.csv",
    help="Folder of all pictures, or a file of one: draws of a VAE, or the "
    "predictions of a classifier; of a model of tables the file of the rows.  "
    "[default: pictures, or rows on the standard output]",
)
@click.option("--weights", type=Text(), help=WEIGHTS)
@click.option(
    "--data",
    type=Text(),
    help="Examples to draw; a classifier of your own draws nothing without.  "
    "[default: of a name, the embedded images]",
)
@options_of_run(*OF_IMAGES)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Fixes what is drawn at random.",
)
@click.option(
    "--count", type=int, help="Texts or rows to write.  [default: 10]"
)
@click.option(
    "--temperature",
    type=float,
    help="Of the characters of texts; 0 takes the most probable ones. Of the "
    "codes of a model of codes, above 0; below 1 they are more probable ones.  "
    "[default: 0 of texts, 1 of codes]",
)
@click.option("--overwrite", is_flag=True, help="Replace the file at --out.")
def sample(
    model: str,
    out: pathlib.Path | None,
    weights: str | None,
    data: str | None,
    seed: int,
    count: int | None,
    temperature: float | None,
    overwrite: bool,
    **of_images: Any,
) -> None:
    """Draw what MODEL makes or predicts; a model of poems prints some.

    A model of tables writes new rows as CSV.

    MODEL: a name of the zoo, a run folder or a .keras file. Pictures in a
    folder replace those of the same names.
    """
    is_file = out is not None and out.suffix.lower() == PICTURE
    if out is not None and is_file:
        writing.check_free(out, (PICTURE,), overwrite)
    check_data(data)
    found = opened(model, weights)
    net, shipped_as = found.model, found.shipped_as

    from zoo.datasets import feeds
    from zoo.datasets import shapes
    from zoo.plots import gallery
    from zoo.plots import text_pages

    if feeds.takes_rows(net):
        of_others = {"--data": data, "--temperature": temperature}
        _refuse("writes rows of a table", net, **of_others)
        _write_rows(found, count, seed, out, overwrite)
        return
    write_texts = text_pages.writer_of(net)
    if write_texts is not None:
        _refuse("prints texts", net, **{"--out": out, "--data": data})
        count = TEXTS if count is None else count
        texts = write_texts(count, seed=seed, temperature=temperature or 0.0)
        click.echo("\n".join(texts))
        return
    _refuse("writes no texts", net, **{"--count": count})
    if temperature is not None:
        _set_temperature(net, temperature)
    out = out or pathlib.Path(FOLDER)
    images = labels = None
    reading = found.reading(**of_images)
    names = reading.class_names
    if data is None and shipped_as is not None:
        data = cards.card_of(shipped_as).example_data
    if data is not None:
        arrays = feeds.load(net, data, reading)
        images, labels = arrays.x_test, arrays.y_test
        names = feeds.class_names(net, data, reading)
    drawn = {
        "seed": seed,
        "class_names": names,
        "image_shape": shapes.shape_of_flat(net, reading),
    }
    if is_file:
        picture = gallery.main_picture(net, images, labels, **drawn)
        writing.write(out, picture.savefig)
        click.echo(out)
        return
    for path in gallery.draw(net, out, images, labels, **drawn):
        click.echo(path)


def _set_temperature(net, temperature):
    """Of what a model of codes draws from."""
    from keras_capsvae import CodeAutoencoder

    if not isinstance(net, CodeAutoencoder):
        _refuse("draws no codes", net, **{"--temperature": temperature})
    if net.fitted_prior is None:
        raise ValueError(
            "--temperature is that of a prior over codes, which `train "
            f"--resume --prior-epochs 10` fits. Received: {net.name} without"
        )
    net.fitted_prior.temperature = temperature


def _write_rows(found, count, seed, out, overwrite):
    from zoo.evaluation import tables

    if out is not None:
        writing.check_free(out, writing.TABLES, overwrite)
    table = tables.row_table(
        found.model,
        TEXTS if count is None else count,
        seed,
        found.settings.get("columns"),
    )
    writing.write_table(table, out)


def _refuse(why, net, **options):
    """Those that were given and would do nothing for a model."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ValueError(
            f"{' and '.join(given)} must not be given: {net.name} {why}"
        )


@click.command()
@click.argument("model")
@click.option(
    "--out",
    required=True,
    type=FilePath(),
    help="Where to: a folder, or a file whose suffix says the format.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(formats.FORMATS),
    help="Format of what is written.  [default: that of the suffix of --out: "
    ".keras, .weights.h5, .onnx, .tflite; without, saved_model]",
)
@click.option("--weights", type=Text(), help=WEIGHTS)
@click.option("--overwrite", is_flag=True, help="Replace what is at --out.")
def export(
    model: str,
    out: pathlib.Path,
    kind: str | None,
    weights: str | None,
    overwrite: bool,
) -> None:
    """Write MODEL in another format, for use elsewhere.

    MODEL: a name of the zoo, a run folder or a .keras file.

    ONNX and LiteRT hold the encoder and the decoder of a VAE in a file each:
    give a folder.
    """
    target = formats.target_of(out, kind)
    formats.check_free(target, overwrite)
    formats.check_one_part(target, card_of_model(model))
    for path in formats.write(target, opened(model, weights).model):
        click.echo(path)
