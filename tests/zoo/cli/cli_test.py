import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

import zoo
from zoo import datasets
from zoo import runs
from zoo.cli import main
from zoo.datasets import downloads
from zoo.datasets import feeds

TINY = [
    "--resize",
    "4",
    "--set",
    "original_dim=16",
    "--set",
    "intermediate_dim=8",
    "--set",
    "jit_compile=false",
]


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def output_of(*arguments):
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "pooling_cnn", "--samples", 5], "are for VAEs"),
        (["evaluate", "pooling_cnn", "--histogram", "x.png"], "are for VAEs"),
        (["train", "pooling_cnn", "--picture-every", 1], "samples of a VAE"),
    ],
)
def test_what_only_a_vae_has(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused = call(*arguments)
    assert refused.exit_code == 1 and message in refused.output
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    output_of("train", "dense_vae", "--out", folder, "--epochs", 2, *TINY)
    return folder


def test_list_prints_one_name_a_line():
    assert output_of("list", "*vae").splitlines() == zoo.list_models("*vae")


def test_show_tells_what_the_card_says():
    text = output_of("show", "conv_vae")
    assert "Convolutional VAE · 卷积变分自编码器" in text
    assert "134,165" in text and "python -m zoo train conv_vae" in text
    card = json.loads(output_of("show", "conv_vae", "--json"))
    assert card == json.loads(json.dumps(zoo.model_info("conv_vae")))


@pytest.mark.thorough
def test_train_fills_the_run_folder(run):
    assert (run / "saved_model" / "saved_model.pb").is_file()
    assert len((run / "history.csv").read_text().splitlines()) == 3
    pictures = {path.name for path in (run / "pictures").glob("*.png")}
    assert pictures == {
        "latent.png",
        "manifold.png",
        "reconstructions.png",
        "samples.png",
        "training.png",
    }


@pytest.mark.thorough
def test_train_goes_on_only_when_told_to(run):
    arguments = ["train", "dense_vae", "--out", run, "--epochs", 3, *TINY]
    refused = call(*arguments)
    assert refused.exit_code == 1 and "holds a run already" in refused.output
    output_of(*arguments, "--resume", "--picture-every", 1)
    assert len((run / "history.csv").read_text().splitlines()) == 4
    assert (run / "pictures" / "epochs" / "epoch_003.png").is_file()


@pytest.mark.thorough
def test_evaluate_reports_losses_and_active_units(run):
    text = output_of("evaluate", run, "--data", "digits", "--json")
    figures = json.loads(text[text.index("{") :])
    assert set(figures) == {
        "data",
        "examples",
        "held_out",
        "binarized",
        "loss",
        "reconstruction_loss",
        "kl_loss",
        "negative_elbo",
        "active_units",
    }
    total = figures["reconstruction_loss"] + figures["kl_loss"]
    assert figures["loss"] == pytest.approx(total, rel=1e-5)


def test_evaluate_estimates_the_likelihood(run, tmp_path):
    text = output_of(
        *["evaluate", run, "--samples", 50, "--images", 20, "--json"],
        *["--histogram", tmp_path / "sigma.png"],
    )
    figures = json.loads(text[text.index("{\n") :])
    assert -figures["log_likelihood"] < figures["loss"] + 1
    assert figures["standard_error"] > 0
    assert "mutual_information" in figures
    assert (tmp_path / "sigma.png").stat().st_size > 1000
    text = output_of("evaluate", run, "--samples", 2, "--images", 20)
    assert "negative_elbo takes one sample of each example" in text


@pytest.mark.slow
def test_a_binarised_run_is_evaluated_on_binary_images(tmp_path):
    folder = tmp_path / "run"
    output_of(
        *["train", "importance_weighted_vae", "--out", folder, "--epochs", 1],
        *["--binarize", "--set", "num_samples=2", "--set", "latent_dim=3"],
        *["--set", "jit_compile=false", "--resize", "8"],
    )
    received = []
    for options in ([], ["--binarize"], ["--no-binarize"]):
        text = output_of("evaluate", folder, *options, "--json")
        received.append(json.loads(text[text.index("{\n") :]))
    assert [figures["binarized"] for figures in received] == [True, True, False]
    errors = [figures["reconstruction_loss"] for figures in received]
    assert errors[0] == pytest.approx(errors[1], rel=0.05)
    refused = call("evaluate", folder, "--samples", 0)
    assert refused.exit_code == 1 and "num_samples=0" in refused.output


def test_sample_draws_from_a_run_or_a_file(run, tmp_path):
    paths = output_of("sample", run, "--out", tmp_path / "a").splitlines()
    assert [path.split("/")[-1] for path in paths] == [
        "samples.png",
        "manifold.png",
    ]
    output_of("sample", run / "model.keras", "--out", tmp_path / "b")
    assert (tmp_path / "b" / "samples.png").read_bytes() == (
        tmp_path / "a" / "samples.png"
    ).read_bytes()


@pytest.mark.parametrize("kind", ["saved_model", "keras"])
def test_export_writes_what_load_model_reads(kind, run, tmp_path):
    out = tmp_path / ("model.keras" if kind == "keras" else "served")
    output_of("export", run, "--out", out, "--format", kind)
    zoo.load_model(out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "dense_vea"], "Did you mean dense_vae"),
        (["train", "dense_vea"], "Did you mean dense_vae"),
        (["sample", "no/such/run"], "which does not exist"),
        (["train", "dense_vae", "--data", "mnits"], "Did you mean mnist"),
        (["train", "dense_vae", "--data", "no/file.npz"], "does not exist"),
        (["train", "dense_vae", "--set", "latent_dim"], "ARGUMENT=VALUE"),
        (["train", "dense_vae", "--set", "latent_dim=0"], "at least 1"),
        (["train", "dense_vae", "--set", "layers=3"], "no argument 'layers'"),
        (
            ["train", "conv_vae", "--set", "input_shape=[30,30,1]"],
            "--resize 32x32",
        ),
        (["sample", "dense_vae", "--weights", "cifar"], "tag out of"),
    ],
)
def test_a_mistake_is_told_in_a_line(arguments, message, tmp_path):
    if arguments[0] == "train":
        arguments = [*arguments, "--out", tmp_path / "run"]
    result = call(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_ctrl_c_leaves_a_usable_model(tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "zoo",
            "train",
            "dense_vae",
            "--out",
            folder,
            "--epochs",
            "100000",
            *TINY,
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (folder / runs.MODEL).exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    command = f"python -m zoo train dense_vae --out {folder} --resume"
    assert command in errors.splitlines()
    assert zoo.load_model(folder / runs.MODEL).generate(2).shape == (2, 16)


@pytest.mark.parametrize("command", [[], *([name] for name in main.commands)])
def test_every_command_explains_itself(command):
    text = output_of(*command, "--help")
    assert text.startswith("Usage:") and "Error" not in text


def test_evaluate_takes_the_data_of_the_run(run):
    text = output_of("evaluate", run, "--json")
    assert json.loads(text[text.index("{") :])["data"] == "mnist_small"


@pytest.mark.parametrize("prepared", [False, True])
def test_shipped_weights_are_tested_on_what_is_at_hand(prepared, monkeypatch):
    loaded = []

    def load(model, data, *reading):
        loaded.append(data)
        return datasets.load("mnist_small", (784,))

    monkeypatch.setattr(downloads, "is_prepared", lambda name: prepared)
    monkeypatch.setattr(feeds, "load", load)
    text = output_of("evaluate", "dense_vae", "--images", 200, "--json")
    figures = json.loads(text[text.index("{") :])
    assert (
        loaded == [figures["data"]] == ["mnist" if prepared else "mnist_small"]
    )
    assert 140 < figures["loss"] < 165


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--batch-size", "0"], "--batch-size must be at least 1"),
        (["--set", "seed=3"], "--seed"),
        (["--set", "compile=false"], "compiles its model"),
    ],
)
def test_train_refuses_settings_of_its_own(options, message, tmp_path):
    result = call("train", "dense_vae", "--out", tmp_path / "run", *options)
    assert result.exit_code == 1 and message in result.output


def test_a_saved_model_is_no_model_to_sample(run):
    result = call("sample", run / "saved_model")
    assert result.exit_code == 1 and "without model.keras" in result.output


def test_export_keeps_a_file_that_is_in_the_way(run, tmp_path):
    (tmp_path / "file").write_text("mine")
    result = call("export", run, "--out", tmp_path / "file")
    assert result.exit_code == 1 and "exists already" in result.output
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("shape", "settings", "pictures"),
    [
        ((4, 6), ["original_dim=24"], 5),
        ((4, 4, 2), ["original_dim=32"], 2),
    ],
)
@pytest.mark.filterwarnings("ignore:No pictures")
def test_images_of_any_size_finish(shape, settings, pictures, tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (30, *shape), "uint8")
    np.savez(tmp_path / "own.npz", x=x)
    options = [part for setting in settings for part in ("--set", setting)]
    output_of(
        "train",
        "dense_vae",
        "--data",
        tmp_path / "own.npz",
        "--epochs",
        1,
        "--out",
        tmp_path / "run",
        "--set",
        "jit_compile=false",
        *options,
    )
    made = list((tmp_path / "run" / "pictures").glob("*.png"))
    assert len(made) == pictures


@pytest.mark.slow
def test_a_classifier_trains_evaluates_and_draws(tmp_path):
    folder = tmp_path / "run"
    output_of(
        *["train", "capsule_cnn", "--out", folder, "--epochs", 1],
        *["--data", "digits", "--shift", 1, "--resize", 14],
        *["--set", "input_shape=[14,14,1]"],
    )
    assert (folder / "saved_model" / "saved_model.pb").is_file()
    pictures = {path.name for path in (folder / "pictures").glob("*.png")}
    assert pictures == {"couplings.png", "predictions.png", "training.png"}
    text = output_of("evaluate", folder, "--json")
    figures = json.loads(text[text.index("{") :])
    about = {"data", "examples", "held_out", "binarized"}
    of_classes = {"classes", "confusion"}
    assert set(figures) == {*about, *of_classes, "loss", "accuracy"}
    drawn = output_of(
        "sample", folder, "--data", "digits", "--out", tmp_path / "pictures"
    )
    assert "predictions.png" in drawn
    refused = call("sample", folder, "--out", tmp_path / "none")
    assert refused.exit_code == 1 and "--data" in refused.output


def test_a_shipped_classifier_draws_embedded_images(tmp_path):
    drawn = output_of("sample", "pooling_cnn", "--out", tmp_path)
    assert drawn.split() == [str(tmp_path / "predictions.png")]
