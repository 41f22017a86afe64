import json
import sys
import warnings

import pytest
from click.testing import CliRunner

from tests.zoo.cli.cli_test import output_of
from zoo import runs
from zoo.cli import main
from zoo.cli.output import speaking
from zoo.cli.output import warning_in_lines

SCREEN = 24  # lines
SMALL = ["--set", "original_dim=64", "--set", "intermediate_dim=8"]
SMALL += ["--set", "jit_compile=false"]


def trained(folder, *options, epochs=1):
    words = ["train", "dense_vae", "--data", "digits", "--out", folder]
    words += ["--epochs", epochs, *SMALL, *options]
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of more epochs than lines, and its output."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    return folder, trained(folder, epochs=40)


@pytest.mark.thorough
def test_piped_output_fits_a_screen(run):
    folder, result = run
    lines = result.output.splitlines()
    assert result.exit_code == 0 and len(lines) <= SCREEN
    assert "\r" not in result.output
    assert lines[0].startswith("Training dense_vae for images of 8 × 8")
    assert lines[1] == (
        "40 epochs of 15 steps on digits (1,437 examples, 360 to test on), "
        f"seed 0, into {folder}."
    )
    assert any(line.startswith("epoch 40 of 40  loss ") for line in lines)
    assert lines[-1] == f"Next: python -m zoo evaluate {folder}"
    assert "model.keras" in lines[-2] and "samples.png" in lines[-2]


@pytest.mark.thorough
def test_the_next_command_works(run):
    folder, result = run
    output_of(*result.output.splitlines()[-1].split()[4:])


@pytest.mark.thorough
def test_json_is_all_that_stdout_gets(tmp_path):
    result = trained(tmp_path / "run", "--json", "--picture-every", 1)
    figures = json.loads(result.stdout)
    assert figures["model"] == "dense_vae" and figures["seconds"] > 0
    assert figures["best"]["epoch"] == figures["kept"] == 1
    assert figures["folder"] == str(tmp_path / "run")
    assert "Training dense_vae" in result.stderr


@pytest.mark.thorough
def test_quiet_prints_errors_alone(tmp_path):
    result = trained(tmp_path / "run", "--quiet")
    assert result.exit_code == 0 and result.output == ""
    refused = trained(tmp_path / "run", "--quiet")
    assert refused.exit_code == 1 and not refused.stdout
    assert "holds a run already" in refused.stderr
    assert "--overwrite" in refused.stderr
    both = trained(tmp_path / "run", "--quiet", "--json", "--overwrite")
    assert json.loads(both.output)["epochs"] == 1


def test_an_empty_folder_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(main, ["reproduce", "two-digits", "--out", ""])
    for result in (refused, trained("")):
        assert result.exit_code == 1 and "an empty string" in result.output
    assert not list(tmp_path.iterdir())


@pytest.mark.thorough
def test_patience_says_what_it_kept(tmp_path):
    result = trained(
        *(tmp_path / "run", "--patience", 1, "--learning-rate", 2.0), epochs=30
    )
    assert "No better epoch came in 1: stopped." in result.output
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["kept"] == summary["epochs"] - 1
    assert f"that of epoch {summary['kept']}." in result.output
    assert (tmp_path / "run" / runs.MODEL).is_file()


def test_warnings_are_told_in_a_line(capsys):
    with warning_in_lines(), speaking(quiet=False, as_json=True):
        for _ in range(2):
            warnings.warn("the images are grey", stacklevel=1)
        print("said")
    out, err = capsys.readouterr()
    assert out == "" and err == "Warning: the images are grey\nsaid\n"
    with warning_in_lines(), speaking(quiet=True, as_json=False):
        warnings.warn("the images are grey", stacklevel=1)
        print("said", file=sys.stderr)
    assert capsys.readouterr() == ("", "")
