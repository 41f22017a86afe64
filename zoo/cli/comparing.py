"""The command that lays runs side by side: compare."""

import pathlib

import click

from zoo.cli import writing
from zoo.cli.given import FilePath
from zoo.cli.output import echo_json
from zoo.columns import aligned


@click.command()
@click.argument(
    "runs",
    nargs=-1,
    required=True,
    metavar="RUN RUN…",
    type=FilePath(),
)
@click.option(
    "--out",
    type=FilePath(),
    metavar="FILE.png",
    help="Picture of the curves of all runs to write.",
)
@click.option("--overwrite", is_flag=True, help="Replace the picture.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(
    runs: tuple[pathlib.Path, ...],
    out: pathlib.Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Settings that differ between runs, and what came of each.

    Figures are those of held-out data where there are some: of the last epoch,
    and the best with its epoch.
    """
    if out is not None:
        writing.check_free(out, (".png",), overwrite)
    for run in runs:
        if not run.exists():
            raise FileNotFoundError(
                f"Runs must be run folders. Received: {run}, which does not "
                "exist"
            )

    from zoo import plots
    from zoo.runs import HISTORY
    from zoo.runs.comparing import comparison

    names, *rows = comparison(runs)
    if out is not None:
        histories = {str(run): run / HISTORY for run in runs}
        writing.write(out, plots.compared_curves(histories).savefig)
    if as_json:
        columns = {
            str(run): {row[0]: row[place] for row in rows}
            for place, run in enumerate(runs, start=1)
        }
        echo_json(columns)
        return
    click.echo(aligned([names, *rows]))
