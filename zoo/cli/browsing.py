"""Commands that look around: list, search, show."""

import sys

import click

from zoo import cards
from zoo.cli.output import echo_json
from zoo.pretrained import manifest


@click.command("list")
@click.argument("pattern", default="*")
def list_models(pattern: str) -> None:
    """Models whose name matches a shell PATTERN; without one, all."""
    names = cards.list_models(pattern)
    if not names:
        raise ValueError(
            "PATTERN must match the name of a model, as '*vae' does. "
            f"Received: {pattern!r}"
        )
    if not sys.stdout.isatty():
        click.echo("\n".join(names))
        return
    width = max(map(len, names))
    for name in names:
        title = cards.card_of(name).title
        tags = ", ".join(manifest.tags_of(name)) or "no shipped weights"
        click.echo(f"{name:{width}}  {title} ({tags})")


@click.command()
@click.argument("query", nargs=-1, required=True)
def search(query: tuple[str, ...]) -> None:
    """Models that fit the words of QUERY, the best first."""
    hits = cards.search(" ".join(query))
    if not hits:
        raise ValueError(
            f"Nothing fits {' '.join(query)!r}. `list` names all models."
        )
    width = max(len(hit.name) for hit in hits)
    for hit in hits:
        click.echo(f"{hit.name:{width}}  {hit.title}")


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, as_json: bool) -> None:
    """The card of the model called NAME."""
    info = cards.model_info(name)
    if as_json:
        echo_json(info)
        return
    click.secho(f"{info['title']} · {info['title_zh']}", bold=True)
    click.echo(f"\n{info['description']}\n\n{info['description_zh']}\n")
    rows = {
        "arguments": _as_call(name, info["arguments"]),
        "parameters": f"{info['parameters']:,}",
        "inputs": info["inputs"],
        "target": info["target"],
        "source": info["source"],
        "paper": info["paper"],
        "train": info["command"],
    }
    for key, value in rows.items():
        click.echo(f"{key:11} {value}")
    for tag, entry in info["weights"].items():
        metrics = ", ".join(f"{k} {v}" for k, v in entry["metrics"].items())
        click.echo(f"{'weights':11} {tag}: {metrics} ({entry['licence']})")


def _as_call(name, arguments):
    inner = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return f"{name}({inner})"
