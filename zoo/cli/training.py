"""Commands that train: train, reproduce."""

import json
import pathlib
import sys

import click


@click.command()
@click.argument("name")
@click.option(
    "--data",
    help="digits, mnist, fashion_mnist, kmnist, binarized_mnist, an .npz file "
    "or a folder; for a model of texts tang or a file of poems.  [default: "
    "digits, or tang]",
)
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path),
    help="Run folder.  [default: runs/NAME]",
)
@click.option(
    "--epochs", type=int, help="Epochs in all.  [default: the original's]"
)
@click.option("--batch-size", type=int, help="[default: the original's]")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="ARGUMENT=VALUE",
    help="Argument of the builder, e.g. latent_dim=8.",
)
@click.option(
    "--stream", is_flag=True, help="Read the data from disk batch by batch."
)
@click.option(
    "--shift",
    type=int,
    default=0,
    metavar="PIXELS",
    help="Move each image at random by up to so many pixels.",
)
@click.option(
    "--kl-warm-up",
    type=int,
    default=0,
    metavar="EPOCHS",
    help="Raise the weight of a VAE's KL divergence over so many epochs.",
)
@click.option(
    "--margin-epochs",
    type=int,
    default=0,
    metavar="EPOCHS",
    help="Raise the margin of a spread loss over so many epochs.",
)
@click.option(
    "--binarize",
    is_flag=True,
    help="Draw black and white images anew for each epoch.",
)
@click.option("--resume", is_flag=True, help="Go on with a run.")
@click.option(
    "--picture-every",
    type=int,
    metavar="N",
    help="Also draw samples after each N epochs; a model of poems prints one "
    "after each, or with this after each N.",
)
def train(
    name,
    data,
    out,
    epochs,
    batch_size,
    seed,
    settings,
    stream,
    shift,
    kl_warm_up,
    margin_epochs,
    binarize,
    resume,
    picture_every,
):
    """Train a model into a run folder."""
    from keras_capsvae import PrintedText
    from zoo import plots
    from zoo import runs
    from zoo.registry import builder_of

    folder = out or pathlib.Path("runs") / name
    callbacks = []
    if builder_of(name).card.family == "poem":
        callbacks.append(PrintedText(picture_every or 1, write=click.echo))
    elif picture_every:
        if builder_of(name).card.family != "vae":
            raise ValueError(
                "--picture-every draws samples of a VAE. "
                f"Received: {name}, of the family "
                f"{builder_of(name).card.family!r}"
            )
        callbacks.append(
            plots.EpochPicture(
                plots.samples, folder / "pictures" / "epochs", picture_every
            )
        )
    try:
        runs.train(
            name,
            data,
            folder,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            arguments=_arguments(settings),
            streaming=stream,
            shift=shift,
            kl_warm_up=kl_warm_up,
            margin_epochs=margin_epochs,
            binarize=binarize,
            resume=resume,
            callbacks=callbacks,
            verbose=1,
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
def reproduce(claim, out, quick, data):
    """Run the experiment behind a published CLAIM."""
    from zoo.reproduce import reproduce as run

    folder = out or pathlib.Path("runs") / claim
    for path in run(claim, folder, quick, data):
        click.echo(path)


def _arguments(settings):
    arguments = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(
                f"--set takes ARGUMENT=VALUE. Received: {setting!r}"
            )
        try:
            arguments[name] = json.loads(value)
        except ValueError:
            arguments[name] = value
    return arguments
