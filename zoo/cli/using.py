"""Commands that make something with a model: sample, export."""

import pathlib

import click

from zoo import cards
from zoo.cli import formats
from zoo.cli import writing
from zoo.cli.opening import WEIGHTS
from zoo.cli.opening import opened

PICTURE = ".png"


@click.command()
@click.argument("model")
@click.option(
    "--out",
    default="pictures",
    show_default=True,
    type=click.Path(path_type=pathlib.Path),
    metavar="FOLDER|FILE.png",
    help="Folder of all pictures, or a file of one: draws of a VAE, or the "
    "predictions of a classifier.",
)
@click.option("--weights", help=WEIGHTS)
@click.option(
    "--data",
    help="Examples to draw; a classifier of your own draws nothing without.  "
    "[default: of a name, the embedded images]",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--count", type=int, default=10, show_default=True, help="Texts to print."
)
@click.option(
    "--temperature",
    type=float,
    default=0.0,
    show_default=True,
    help="Of the characters of texts; 0 takes the most probable ones.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file at --out.")
def sample(
    model: str,
    out: pathlib.Path,
    weights: str | None,
    data: str | None,
    seed: int,
    count: int,
    temperature: float,
    overwrite: bool,
) -> None:
    """Draw from MODEL: a name of the zoo, a run folder or a .keras file.

    A model of poems prints them.
    """
    is_file = out.suffix.lower() == PICTURE
    if is_file:
        writing.check_free(out, (PICTURE,), overwrite)
    net, settings, shipped_as = opened(model, weights)

    from zoo.datasets import feeds
    from zoo.datasets import shapes
    from zoo.datasets.reading import Reading
    from zoo.plots import gallery
    from zoo.plots import text_pages

    if texts := text_pages.written(net, count, seed, temperature):
        for text in texts:
            click.echo(text)
        return
    images = labels = None
    reading = Reading.of(settings)
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


@click.command()
@click.argument("model")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=pathlib.Path),
    help="Where to: a folder, or a file whose suffix says the format.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(formats.FORMATS),
    help="[default: that of the suffix of --out: .keras, .weights.h5, .onnx, "
    ".tflite; without, saved_model]",
)
@click.option("--weights", help=WEIGHTS)
@click.option("--overwrite", is_flag=True, help="Replace what is at --out.")
def export(
    model: str,
    out: pathlib.Path,
    kind: str | None,
    weights: str | None,
    overwrite: bool,
) -> None:
    """Write MODEL (a name, run folder or .keras file) for use elsewhere.

    ONNX and LiteRT hold the encoder and the decoder of a VAE in a file each:
    give a folder.
    """
    target = formats.target_of(out, kind)
    formats.check_free(target, overwrite)
    for path in formats.write(target, opened(model, weights).model):
        click.echo(path)
