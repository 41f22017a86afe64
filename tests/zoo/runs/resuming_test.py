import os
import shlex
import time

import keras
import numpy as np
import pytest

from tests.zoo.runs.training_test import TINY
from tests.zoo.runs.training_test import assert_same_state
from zoo import runs
from zoo.runs.commands import command_of
from zoo.runs.commands import command_to_go_on
from zoo.runs.comparing import comparison
from zoo.runs.folder import RunFolder
from zoo.runs.progress import as_time


@pytest.fixture(scope="module")
def small_data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "own.npz"
    images = np.random.default_rng(0).integers(0, 256, (40, 4, 4), "uint8")
    np.savez(path, x=images)
    return path


def run(data, folder, **options):
    options = {"epochs": 2, "arguments": TINY, "verbose": 0, **options}
    return runs.train("dense_vae", data, folder, batch_size=16, **options)


def rate_of(model):
    return float(model.optimizer.learning_rate)


@pytest.mark.thorough
def test_a_run_goes_on_with_another_learning_rate(small_data, tmp_path, capsys):
    folder = tmp_path / "run"
    run(small_data, folder, epochs=1)
    again = {"resume": True, "verbose": "auto"}
    model = run(small_data, folder, learning_rate=0.25, **again)
    assert rate_of(model) == 0.25
    assert "Learning rate after epoch 1: 0.25" in capsys.readouterr().out
    # Not told again, it stays.
    assert rate_of(run(small_data, folder, epochs=3, **again)) == 0.25
    model = run(
        small_data,
        folder,
        epochs=4,
        arguments={**TINY, "learning_rate": 0.5},
        **again,
    )
    assert rate_of(model) == 0.5
    settings = RunFolder(folder).settings()
    assert settings.learning_rate is None and settings.arguments == TINY
    assert settings.rate_changes == {"1": 0.25, "3": 0.5}


@pytest.mark.thorough
def test_what_is_not_given_is_that_of_the_run(small_data, tmp_path):
    for folder, epochs in [("whole", 3), ("parts", 1)]:
        run(small_data, tmp_path / folder, epochs=epochs, seed=3, kl_warm_up=2)
    folder = RunFolder(tmp_path / "parts")
    runs.train("dense_vae", out=folder.path, resume=True, epochs=3, verbose=0)
    assert_same_state(tmp_path / "whole", folder.path)
    assert folder.settings().data == str(small_data)
    # The command that Ctrl-C names has no epochs either.
    command = command_to_go_on(folder.path, folder.settings(), None)
    words = shlex.split(command)
    assert words[-4:] == ["dense_vae", "--out", str(folder.path), "--resume"]
    runs.train(words[-4], out=words[-2], resume=True, verbose=0)
    assert folder.epochs() == 3
    for given, said in [
        ({"seed": 0}, "seed=0 instead of 3"),
        ({"arguments": {"latent_dim": 7}}, '"latent_dim": 7|latent_dim.: 7'),
        ({"batch_size": 8}, "batch_size=8 instead of 16"),
    ]:
        with pytest.raises(ValueError, match=said):
            runs.train("dense_vae", out=folder.path, resume=True, **given)
    with pytest.raises(ValueError, match="'conv_vae' instead of 'dense_vae'"):
        runs.train("conv_vae", out=folder.path, resume=True)


def test_fewer_epochs_than_are_done_are_refused(small_data, tmp_path, capsys):
    run(small_data, tmp_path, epochs=2)
    config = (tmp_path / runs.CONFIG).read_bytes()
    with pytest.raises(ValueError, match="has 2 epochs already.*above 2"):
        run(small_data, tmp_path, epochs=1, resume=True)
    assert (tmp_path / runs.CONFIG).read_bytes() == config
    run(small_data, tmp_path, epochs=2, resume=True, verbose="auto")
    told = capsys.readouterr().out
    assert "All are done; `--epochs` (epochs) above 2 goes on" in told


@pytest.mark.slow
def test_a_change_killed_before_its_first_epoch_is_the_same(
    small_data, tmp_path
):
    class Stopped(Exception):
        pass

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise Stopped

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        run(small_data, folder, epochs=1)
    run(small_data, whole, learning_rate=0.25, resume=True)
    with pytest.raises(Stopped):
        run(
            small_data,
            parts,
            learning_rate=0.25,
            resume=True,
            callbacks=[Stop()],
        )
    run(small_data, parts, resume=True)
    assert_same_state(whole, parts)
    assert (whole / runs.CONFIG).read_text() == (
        parts / runs.CONFIG
    ).read_text()


def test_the_recorded_commands_make_the_run(small_data, tmp_path):
    folder = tmp_path / "run"
    arguments = {**TINY, "learning_rate": 0.125}
    run(small_data, folder, epochs=1, arguments=arguments)
    run(small_data, folder, epochs=3, learning_rate=0.25, resume=True)
    first, second = command_of(RunFolder(folder).settings()).split(" && ")
    assert "--epochs 1" in first and "--set learning_rate=0.125" in first
    assert "--epochs 3" in second and "--learning-rate 0.25" in second
    assert second.endswith("--resume") and "set learning_rate" not in second


@pytest.mark.thorough
def test_the_seconds_of_all_parts_are_counted(small_data, tmp_path):
    class Interrupted(Exception):
        pass

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise Interrupted
            time.sleep(0.2)

    folder = RunFolder(tmp_path / "run")
    with pytest.raises(Interrupted):
        run(small_data, folder.path, epochs=4, callbacks=[Interrupt()])
    first = folder.seconds()
    assert first >= 0.4
    run(small_data, folder.path, epochs=4, resume=True)
    both = folder.seconds()
    assert both > first
    runs.finish(folder.path)
    assert folder.read_summary()["seconds_trained"] == both
    os.utime(folder.config, (0, 0))
    names, *rows = comparison([folder.path])
    assert dict(rows)["duration"] == as_time(both)


def test_a_decay_keeps_its_rate(small_data, tmp_path):
    run(small_data, tmp_path, decay="cosine", epochs=1)
    with pytest.raises(ValueError, match=r"learning_rate=0\.25 instead of"):
        run(
            small_data,
            tmp_path,
            decay="cosine",
            epochs=1,
            learning_rate=0.25,
            resume=True,
        )


def test_data_that_have_grown_are_refused(tmp_path):
    data, folder = tmp_path / "own.npz", tmp_path / "run"
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4), "uint8")
    np.savez(data, x=images[:40])
    run(data, folder, epochs=1)
    before = RunFolder(folder).history.read_text()
    for others in (images, images[:20]):
        np.savez(data, x=others)
        with pytest.raises(ValueError, match="hold the 36 examples"):
            run(data, folder, epochs=2, resume=True)
    assert RunFolder(folder).history.read_text() == before
    np.savez(data, x=images[:40])
    run(data, folder, epochs=2, resume=True)
    assert RunFolder(folder).epochs() == 2


def test_a_run_goes_on_from_elsewhere(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (40, 4, 4), "uint8")
    np.savez(tmp_path / "own.npz", x=images)
    monkeypatch.chdir(tmp_path)
    run("own.npz", "run", epochs=1)
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    with pytest.raises(FileNotFoundError, match="say where it is now"):
        runs.train("dense_vae", None, "../run", resume=True, epochs=2)
    run("../own.npz", "../run", epochs=2, resume=True)
    monkeypatch.chdir(tmp_path)
    run(tmp_path / "own.npz", "run", epochs=3, resume=True)
    assert RunFolder("run").epochs() == 3
    runs.train("dense_vae", "digits", "named", epochs=1, verbose=0)
    with pytest.raises(ValueError, match="own.npz.* instead of 'digits'"):
        runs.train("dense_vae", "own.npz", "named", epochs=2, resume=True)
