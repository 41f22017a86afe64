"""The command that lays runs side by side: compare."""

import json
import pathlib

import click

from zoo.cli import writing
from zoo.columns import aligned


@click.command()
@click.argument(
    "runs",
    nargs=-1,
    required=True,
    metavar="RUN RUN…",
    type=click.Path(path_type=pathlib.Path),
)
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path),
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
    from zoo import plots
    from zoo.runs import HISTORY
    from zoo.runs.comparing import comparison

    if out is not None:
        writing.check_free(out, (".png",), overwrite)
    names, *rows = comparison(runs)
    if out is not None:
        histories = {str(run): run / HISTORY for run in runs}
        writing.write(out, plots.compared_curves(histories).savefig)
    if as_json:
        columns = {
            str(run): {row[0]: row[place] for row in rows}
            for place, run in enumerate(runs, start=1)
        }
        click.echo(json.dumps(columns, indent=2, ensure_ascii=False))
        return
    click.echo(aligned([names, *rows]))
