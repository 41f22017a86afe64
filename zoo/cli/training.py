"""Commands that train: train, reproduce."""

import json
import sys
import time
from typing import Any

import click
from click.core import ParameterSource

from zoo.cards import card_of
from zoo.cards import check_arguments_of
from zoo.cli.given import Text
from zoo.cli.given import options_of_run
from zoo.cli.output import echo_json
from zoo.cli.output import output_options
from zoo.cli.output import speaking
from zoo.cli.output import starting
from zoo.cli.together import check_together
from zoo.data_names import check_data
from zoo.image_changes import changes_of
from zoo.pretrained import manifest
from zoo.run_files import check_unused


@click.command()
@click.argument("name")
@click.option("--out", type=Text(), help="Run folder.  [default: runs/NAME]")
@options_of_run()
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the run in the folder, whose options hold where none are "
    "given; the epochs and the learning rate may be others.",
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Train anew in the place of the run in the folder.",
)
@click.option(
    "--picture-every",
    type=int,
    metavar="N",
    help="Also draw samples of a VAE after each N epochs; a model of poems "
    "writes one after each N, otherwise ten in all.",
)
@click.option(
    "--model-only",
    is_flag=True,
    help="Write no SavedModel and no pictures when it is done.",
)
@output_options
def train(
    name: str,
    out: str | None,
    model_only: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train the model called NAME into a run folder."""
    # Before Keras is loaded it says that there is no such model or file.
    card = card_of(name)
    check_arguments_of(card, options["arguments"])
    check_together(card, options)
    check_data(options["data"])
    if options["augment"]:
        changes_of(options["augment"])
    if options["weights"]:
        manifest.file_of(name, options["weights"])
    out = f"runs/{name}" if out is None else out
    if not (options["resume"] or options["overwrite"]):
        check_unused(out)
    with speaking(quiet, as_json):
        starting()
        summary = _trained(name, out, model_only, options)
    if as_json:
        echo_json(summary)


def _trained(name, out, model_only, options):
    """Train, tell what came out, and return it."""
    from zoo import runs
    from zoo.runs.folder import RunFolder
    from zoo.runs.summary import told

    began = time.monotonic()
    try:
        runs.train(name, out=out, **_given(options))
    except KeyboardInterrupt:
        _tell_how_to_go_on(RunFolder(out), options["picture_every"])
        sys.exit(130)
    if not model_only:
        click.echo("Writing what it is used with, and pictures.")
    runs.finish(out, model_only)
    seconds = time.monotonic() - began
    folder = RunFolder(out)
    summary = folder.read_summary()
    click.echo(told(summary, folder.path, seconds))
    if model_only and folder.saved_model.exists():
        click.echo(f"{folder.saved_model} and pictures are of before.")
    if not (model_only or folder.saved_model.exists()):
        click.echo(
            "No SavedModel: that takes the TensorFlow backend. There, "
            f"`python -m zoo export {out} --out {folder.saved_model}` writes "
            "it."
        )
    return {**summary, "folder": str(folder.path), "seconds": round(seconds, 1)}


def _given(options):
    """Those that the command line names: a run that goes on has the others."""
    source_of = click.get_current_context().get_parameter_source
    return {
        name: value
        for name, value in options.items()
        if source_of(name) is not ParameterSource.DEFAULT
    }


def _tell_how_to_go_on(folder, picture_every):
    from zoo.runs.commands import command_to_go_on

    click.echo("\nStopped.", err=True)
    said = "No epoch was done; the same command begins again."
    if folder.model.is_file():
        command = command_to_go_on(
            folder.path, folder.settings(), picture_every
        )
        said = f"Its whole epochs are kept. To go on:\n{command}"
    click.echo(said, err=True)


@click.command()
@click.argument("claim")
@click.option(
    "--out",
    type=Text(),
    help="Folder of the runs and figures.  [default: runs/CLAIM]",
)
@click.option("--quick", is_flag=True, help="A short form of some minutes.")
@click.option("--data", type=Text(), help="Corpus, for a claim about texts.")
@output_options
def reproduce(
    claim: str,
    out: str | None,
    quick: bool,
    data: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run the experiment behind a published CLAIM.

    CLAIM: anomalies, clusters, codes, collapse, couplets, matrix-capsules,
    routings, two-digits, vae-curves or why-vae-works.

    Prints its figures beside the published ones, what was expected and whether
    it came true; ends with 1 if something did not.
    """
    check_data(data)
    with speaking(quiet, as_json):
        starting()
        outcome = _reproduced(claim, out, quick, data)
    if as_json:
        echo_json(json.loads(outcome.paths[0].read_text(encoding="utf-8")))
    if outcome.contradicts:
        sys.exit(1)


def _reproduced(claim, out, quick, data):
    """Run an experiment, tell what came out, and return it."""
    from zoo.reproduce import CLAIMS
    from zoo.reproduce import reproduce as run

    if claim in CLAIMS:
        for line in CLAIMS[claim].announcement(quick):
            click.echo(line)
    try:
        outcome = run(claim, out or f"runs/{claim}", quick, data)
    except KeyboardInterrupt:
        click.echo("\nStopped. The same command goes on.", err=True)
        sys.exit(130)
    for line in outcome.lines():
        click.echo(line)
    for path in outcome.paths:
        click.echo(path)
    return outcome
