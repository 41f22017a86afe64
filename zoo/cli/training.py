"""Commands that train: train, reproduce."""

import pathlib
import sys
from typing import Any

import click

from zoo.cards import card_of
from zoo.options import Option
from zoo.options import arguments_from
from zoo.settings import ASKED_FOR
from zoo.settings import DEFAULTS


def _as_click_option(name: str, option: Option):
    """What click makes an option of a run of."""
    default = DEFAULTS[name]
    text = option.help
    if option.usual:
        text = f"{text}  [default: {option.usual}]"
    kind = str if option.kind is tuple else option.kind
    if option.kind is bool:
        return click.option(option.flag, name, is_flag=True, help=text)
    if option.kind is dict:
        return click.option(
            option.flag,
            name,
            multiple=True,
            metavar=option.metavar,
            help=text,
            callback=lambda context, parameter, words: arguments_from(words),
        )
    return click.option(
        option.flag,
        name,
        type=click.Choice(option.choices) if option.choices else kind,
        default=default,
        show_default=default is not None,
        metavar=option.metavar,
        help=text,
    )


def _run_options(command):
    for name, option in reversed(ASKED_FOR.items()):
        command = _as_click_option(name, option)(command)
    return command


@click.command()
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path),
    help="Run folder.  [default: runs/NAME]",
)
@_run_options
@click.option("--resume", is_flag=True, help="Go on with a run.")
@click.option(
    "--picture-every",
    type=int,
    metavar="N",
    help="Also draw samples after each N epochs; a model of poems prints one "
    "after each, or with this after each N.",
)
def train(
    name: str,
    out: pathlib.Path | None,
    resume: bool,
    picture_every: int | None,
    **options: Any,
) -> None:
    """Train a model into a run folder."""
    family = card_of(name).family

    from keras_capsvae import PrintedText
    from zoo import plots
    from zoo import runs

    folder = out or pathlib.Path("runs") / name
    callbacks = []
    if family == "poem":
        callbacks.append(PrintedText(picture_every or 1, write=click.echo))
    elif picture_every:
        if family != "vae":
            raise ValueError(
                "--picture-every draws samples of a VAE. "
                f"Received: {name}, of the family {family!r}"
            )
        callbacks.append(
            plots.EpochPicture(
                plots.samples, folder / "pictures" / "epochs", picture_every
            )
        )
    try:
        runs.train(
            name,
            out=folder,
            resume=resume,
            callbacks=callbacks,
            verbose=1,
            **options,
        )
    except KeyboardInterrupt:
        click.echo("\nStopped.", err=True)
        if (folder / runs.MODEL).is_file():
            click.echo(
                f"{folder / runs.MODEL} holds the last whole epoch; the same "
                "command with --resume goes on.",
                err=True,
            )
        sys.exit(130)
    made = runs.finish(folder)
    for path in made:
        click.echo(path)
    if folder / runs.SAVED_MODEL not in made:
        click.echo(
            "No SavedModel: that takes the TensorFlow backend. There, "
            f"`python -m zoo export {folder} --out {folder / 'saved_model'}` "
            "writes it."
        )


@click.command()
@click.argument("claim")
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path),
    help="Folder of the runs and figures.  [default: runs/CLAIM]",
)
@click.option("--quick", is_flag=True, help="A short form of some minutes.")
@click.option("--data", help="Corpus, for a claim about texts.")
def reproduce(
    claim: str, out: pathlib.Path | None, quick: bool, data: str | None
) -> None:
    """Run the experiment behind a published CLAIM."""
    from zoo.reproduce import reproduce as run

    folder = out or pathlib.Path("runs") / claim
    for path in run(claim, folder, quick, data):
        click.echo(path)
