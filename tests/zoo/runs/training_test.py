import json
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo
from zoo import datasets
from zoo import runs
from zoo.datasets import feeds
from zoo.export import load_model

TRAIN = """
import os, signal, sys
import keras
from zoo import runs

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 2 and batch == 7:
            os.kill(os.getpid(), signal.SIGKILL)

mode = sys.argv[2]
runs.train("dense_vae", out=sys.argv[1], epochs=4, seed=3, verbose=0,
           resume=mode == "resume",
           callbacks=[Kill()] if mode == "kill" else [])
"""


TINY = {"original_dim": 16, "intermediate_dim": 8, "jit_compile": False}


def small_run(data, folder, **options):
    options = {"epochs": 2, "batch_size": 16, "verbose": 0, **options}
    return runs.train("dense_vae", data, folder, arguments=TINY, **options)


def state_of(folder):
    model = load_model(folder / runs.MODEL)
    return [
        keras.ops.convert_to_numpy(variable)
        for variable in [*model.variables, *model.optimizer.variables]
    ]


def assert_same_state(first, second):
    first, second = state_of(first), state_of(second)
    assert len(first) == len(second) > 10
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a, b)


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.thorough
def test_a_run_leaves_what_the_next_one_needs(small_data, tmp_path):
    folder = tmp_path / "run"
    small_run(small_data, folder, seed=5)
    config = json.loads((folder / runs.CONFIG).read_text())
    assert config["model"] == "dense_vae" and config["seed"] == 5
    assert config["arguments"] == TINY
    assert len(lines_of(folder / runs.HISTORY)) == 3
    made = runs.finish(folder)
    assert all(path.exists() for path in made)
    assert {path.name for path in made} >= {
        "model.keras",
        "saved_model",
        "samples.png",
        "training.png",
    }
    assert not list(folder.glob(".*"))


@pytest.mark.thorough
def test_resumed_in_steps_equals_uninterrupted(small_data, tmp_path):
    small_run(small_data, tmp_path / "whole", epochs=3)
    small_run(small_data, tmp_path / "parts", epochs=1)
    small_run(small_data, tmp_path / "parts", epochs=3, resume=True)
    assert_same_state(tmp_path / "whole", tmp_path / "parts")
    assert lines_of(tmp_path / "whole" / runs.HISTORY) == lines_of(
        tmp_path / "parts" / runs.HISTORY
    )


@pytest.mark.slow
def test_killed_within_an_epoch_and_resumed_equals_never_killed(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, "-c", TRAIN]
    subprocess.run([*command, whole, "anew"], check=True)
    stopped = subprocess.run([*command, killed, "kill"])
    assert stopped.returncode == -signal.SIGKILL
    assert len(lines_of(killed / runs.HISTORY)) == 3
    subprocess.run([*command, killed, "resume"], check=True)
    assert_same_state(whole, killed)
    assert lines_of(whole / runs.HISTORY) == lines_of(killed / runs.HISTORY)


@pytest.mark.thorough
def test_the_line_of_an_epoch_that_was_not_saved_is_dropped(
    small_data, tmp_path
):
    small_run(small_data, tmp_path / "whole", epochs=2)
    small_run(small_data, tmp_path / "parts", epochs=1)
    history = tmp_path / "parts" / runs.HISTORY
    history.write_text(history.read_text() + "1,9,9,9,9,9,9\n")
    small_run(small_data, tmp_path / "parts", epochs=2, resume=True)
    assert lines_of(history) == lines_of(tmp_path / "whole" / runs.HISTORY)


@pytest.mark.slow
def test_streaming_resumes_exactly_too(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for index in range(10):
            pixels = rng.integers(0, 256, (4, 4), "uint8")
            image = Image.fromarray(pixels)
            image.save(tmp_path / "images" / label / f"{index}.png")
    for name, all_epochs in (("whole", (3,)), ("parts", (1, 3))):
        for epochs in all_epochs:
            model = runs.train(
                "conditional_vae",
                tmp_path / "images",
                tmp_path / name,
                arguments=TINY,
                epochs=epochs,
                batch_size=8,
                streaming=True,
                resume=(tmp_path / name).exists(),
                verbose=0,
            )
    assert_same_state(tmp_path / "whole", tmp_path / "parts")
    assert model.num_classes == 2
    assert (tmp_path / "parts" / "model.keras") in runs.finish(
        tmp_path / "parts"
    )


def test_conditional_model_takes_the_classes_of_the_data(small_data, tmp_path):
    model = runs.train(
        "conditional_vae",
        small_data,
        tmp_path / "run",
        arguments=TINY,
        epochs=1,
        verbose=0,
    )
    assert model.num_classes == 4


def test_a_used_folder_is_refused_and_left_alone(small_data, tmp_path):
    small_run(small_data, tmp_path / "run", epochs=1)
    before = (tmp_path / "run" / runs.MODEL).read_bytes()
    with pytest.raises(ValueError, match="holds a run already"):
        small_run(small_data, tmp_path / "run")
    assert (tmp_path / "run" / runs.MODEL).read_bytes() == before


def test_resume_needs_a_run_of_the_same_settings(small_data, tmp_path):
    with pytest.raises(ValueError, match="no run to resume"):
        small_run(small_data, tmp_path / "run", resume=True)
    small_run(small_data, tmp_path / "run", epochs=1)
    with pytest.raises(ValueError, match="seed=7 instead of 0"):
        small_run(small_data, tmp_path / "run", seed=7, resume=True)


@pytest.mark.parametrize("file", [runs.CONFIG, runs.MODEL])
def test_a_damaged_run_is_refused_and_left_alone(file, small_data, tmp_path):
    small_run(small_data, tmp_path / "run", epochs=1)
    path = tmp_path / "run" / file
    path.write_bytes(path.read_bytes()[:-40])
    damaged = {p: p.read_bytes() for p in (tmp_path / "run").iterdir()}
    with pytest.raises(ValueError, match="damaged"):
        small_run(small_data, tmp_path / "run", resume=True)
    assert damaged == {p: p.read_bytes() for p in (tmp_path / "run").iterdir()}


def test_a_folder_that_cannot_be_written_fails_before_training(
    small_data, tmp_path
):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        small_run(small_data, tmp_path / "file" / "run")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_run_cannot_go_on(small_data, tmp_path):
    small_run(small_data, tmp_path / "run", epochs=1)
    (tmp_path / "run").chmod(0o500)
    with pytest.raises(PermissionError):
        small_run(small_data, tmp_path / "run", epochs=2, resume=True)


def test_no_epochs_is_refused(small_data, tmp_path):
    with pytest.raises(ValueError, match="`epochs` must be at least 1"):
        small_run(small_data, tmp_path / "run", epochs=0)
    assert not (tmp_path / "run").exists()


def test_labels_out_of_range_are_refused(small_data, tmp_path):
    with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 2\]"):
        runs.train(
            "conditional_vae",
            small_data,
            tmp_path / "run",
            arguments={**TINY, "num_classes": 3},
        )
    assert not (tmp_path / "run").exists()


def test_a_model_with_labels_needs_labelled_data():
    with pytest.raises(ValueError, match="data without labels"):
        feeds.as_condition(zoo.conditional_vae(), None)


def test_training_pair_of_an_unlabelled_model():
    import zoo

    images = datasets.load("digits", (784,)).x_train[:4]
    assert feeds.training_pair(zoo.dense_vae(), images, None) == (images, None)


@pytest.mark.thorough
def test_binarised_run_resumes_and_adapts(small_data, tmp_path):
    def run(folder, epochs, **options):
        return runs.train(
            "importance_weighted_vae",
            small_data,
            tmp_path / folder,
            epochs=epochs,
            batch_size=16,
            arguments={
                "original_dim": 16,
                "latent_dim": 2,
                "intermediate_dim": 4,
                "num_samples": 3,
                "jit_compile": False,
                "learning_rate": 0.0,
            },
            binarize=True,
            verbose=0,
            **options,
        )

    model = run("whole", 3)
    images = datasets.load(small_data, (16,)).x_train
    expected = np.clip(images.mean(axis=0), 0.001, 0.999)
    bias = model.decoder.get_layer("pixels").get_weights()[1]
    np.testing.assert_allclose(1 / (1 + np.exp(-bias)), expected, rtol=1e-4)
    run("parts", 1)
    run("parts", 3, resume=True)
    assert_same_state(tmp_path / "whole", tmp_path / "parts")
    assert lines_of(tmp_path / "whole" / runs.HISTORY) == lines_of(
        tmp_path / "parts" / runs.HISTORY
    )
    with pytest.raises(ValueError, match="binarised in memory"):
        small_run(small_data, tmp_path / "no", binarize=True, streaming=True)


def test_runs_from_before_binarisation_go_on(small_data, tmp_path):
    small_run(small_data, tmp_path, epochs=1)
    path = tmp_path / runs.CONFIG
    settings = json.loads(path.read_text())
    del settings["binarize"]
    path.write_text(json.dumps(settings))
    small_run(small_data, tmp_path, epochs=2, resume=True)
    assert len(lines_of(tmp_path / runs.HISTORY)) == 3


@pytest.mark.slow
def test_margin_epochs_raise_the_margin(tmp_path):
    settings = {
        "arguments": {"capsules": (4, 2, 2, 2)},
        "batch_size": 600,
        "resize": 28,
    }
    run = ("matrix_capsnet", "digits", tmp_path)
    margins = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            margins.append(float(self.model.loss.margin.numpy()))

    runs.train(
        *run,
        epochs=2,
        margin_epochs=2,
        callbacks=[Watch()],
        verbose=0,
        **settings,
    )
    expected = [
        0.2 + 0.79 / (1 + np.exp(4 - 14 * step / 6)) for step in range(6)
    ]
    np.testing.assert_allclose(margins, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="margin_epochs=1 instead of 2"):
        runs.train(*run, resume=True, margin_epochs=1, **settings)
