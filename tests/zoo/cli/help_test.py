"""What `--help` says."""

import pathlib

import click
import pytest
from click.testing import CliRunner

from zoo.cli import main
from zoo.reproduce import CLAIMS

README = pathlib.Path(__file__).parents[3] / "README.md"


def help_of(*words, columns=200):
    runner = CliRunner(env={"COLUMNS": str(columns)})
    return runner.invoke(main, [*words, "--help"]).output


@pytest.mark.parametrize("name", main.commands)
def test_every_option_is_explained_in_lines_that_can_be_read(name):
    command = main.commands[name]
    options = [one for one in command.params if isinstance(one, click.Option)]
    for option in options:
        sentence = (option.help or "").split("[default")[0]
        assert sentence.strip().endswith("."), option.opts
    lines = help_of(name).splitlines()
    assert max(map(len, lines)) <= main.context_settings["max_content_width"]


def test_the_summaries_of_commands_are_whole():
    assert "..." not in help_of(columns=80).partition("Commands:")[2]


def test_the_claims_are_named():
    text = "".join(help_of("reproduce").split())
    assert all(claim in text for claim in CLAIMS)


def test_the_readme_has_every_command():
    table = README.read_text(encoding="utf-8").split("## Command line")[1]
    cells = [line.split("|")[1] for line in table.splitlines() if "|" in line]
    for name in main.commands:
        assert any(f"`{name}" in cell for cell in cells), name
