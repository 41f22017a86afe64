import json
import os
import stat
import subprocess
import sys

import keras
import pytest

from zoo import runs
from zoo.runs import files
from zoo.runs.folder import RunFolder

TINY = {"original_dim": 16, "intermediate_dim": 8, "jit_compile": False}
HOLD = """
import pathlib, sys, time
from zoo.runs import files
with files.claimed(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def small_run(data, folder, name="dense_vae", **options):
    options = {"epochs": 1, "arguments": TINY, "verbose": 0, **options}
    return runs.train(name, data, folder, **options)


@pytest.mark.thorough
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_files_follow_the_umask(umask, small_data, tmp_path):
    before = os.umask(umask)
    try:
        small_run(small_data, tmp_path / "run")
        runs.finish(tmp_path / "run")
    finally:
        os.umask(before)
    made = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert len(made) > 6
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask, path


def test_a_second_run_is_refused_while_the_first_is_at_work(
    small_data, tmp_path
):
    folder, seen = tmp_path / "run", []

    class Second(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            for resume in (False, True):
                with pytest.raises(ValueError, match="at work") as error:
                    small_run(small_data, folder, resume=resume)
                seen.append(str(error.value))

    small_run(small_data, folder, callbacks=[Second()])
    assert len(seen) == 2 and str(folder) in seen[0]
    assert len((folder / runs.HISTORY).read_text().splitlines()) == 2
    assert not list(folder.glob(".*"))


@pytest.mark.thorough
def test_a_killed_process_lets_go_of_its_folder(tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    with (
        pytest.raises(ValueError, match="Another run is at work"),
        files.claimed(folder),
    ):
        pytest.fail("two processes hold one folder")
    process.kill()
    process.communicate()
    with files.claimed(folder):
        (folder / "mine").touch()
    assert [path.name for path in folder.iterdir()] == ["mine"]


def test_an_empty_folder_that_was_made_disappears(tmp_path):
    with files.claimed(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not list(tmp_path.iterdir())
    (tmp_path / "own").mkdir()
    with files.claimed(tmp_path / "own"):
        pass
    assert (tmp_path / "own").is_dir()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file.txt"
    files.replace_text(path, "first")

    def fail(place):
        place.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.replace(path, fail)
    assert path.read_text() == "first" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("pooling_cnn", {"kl_warm_up": 3}, "`kl_warm_up` does not suit"),
        ("pooling_cnn", {"margin_epochs": 3}, "`margin_epochs` does not suit"),
        ("dense_vae", {"margin_epochs": 3}, "`margin_epochs` does not suit"),
        ("dense_vae", {"capacity_warm_up": 3}, "`capacity_warm_up` does not"),
        ("dense_vae", {"shift": 1}, "to shift"),
        ("capsule_cnn", {"kl_warm_up": 1}, "`kl_warm_up` does not suit"),
        ("matrix_capsnet", {"kl_warm_up": 1}, "`kl_warm_up` does not suit"),
        ("gated_cnn_classifier", {"binarize": True}, "no pixels"),
        ("poem_vae", {"shift": 1}, "no pixels"),
        (
            "matrix_capsnet",
            {"margin_epochs": 1, "steps_per_execution": 2},
            "must be 1 where something acts on each step",
        ),
    ],
)
def test_an_option_that_does_not_suit_is_refused_before_a_file(
    name, options, message, small_data, tmp_path
):
    is_text = name in ("poem_vae", "gated_cnn_classifier")
    arguments = {"matrix_capsnet": {"capsules": [2, 2, 2, 2]}}.get(name, {})
    if not is_text:
        options = {"resize": 28, **options}
    with pytest.raises(ValueError, match=message):
        small_run(
            "tang" if is_text else small_data,
            tmp_path / "run",
            name,
            arguments=arguments,
            **options,
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("moment", ["on_train_begin", "on_train_batch_end"])
def test_a_run_that_fails_at_first_leaves_its_folder_free(
    moment, small_data, tmp_path
):
    class Fails(keras.callbacks.Callback):
        pass

    def fail(self, *args, **kwargs):
        raise RuntimeError("no more memory")

    setattr(Fails, moment, fail)
    folder = tmp_path / "run"
    with pytest.raises(RuntimeError, match="no more memory"):
        small_run(small_data, folder, callbacks=[Fails()])
    assert not folder.exists()
    small_run(small_data, folder, seed=3)


def test_a_run_that_fails_later_keeps_what_it_has(small_data, tmp_path):
    class Fails(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError("no more memory")

    folder = tmp_path / "run"
    with pytest.raises(RuntimeError):
        small_run(small_data, folder, epochs=2, callbacks=[Fails()])
    small_run(small_data, folder, epochs=2, resume=True)
    assert len((folder / runs.HISTORY).read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "text",
    [
        b"epoch,loss\n0," + b"9" * 200_000 + b"\n",
        b"epoch,loss\n0,\xff\xfe\n",
        b"a poem\n",
    ],
)
def test_a_damaged_history_is_named_and_left_alone(text, small_data, tmp_path):
    folder = RunFolder(tmp_path / "run")
    small_run(small_data, folder.path)
    folder.history.write_bytes(text)
    before = {path: path.read_bytes() for path in folder.path.iterdir()}
    with pytest.raises(ValueError, match="is damaged") as error:
        small_run(small_data, folder.path, epochs=2, resume=True)
    assert str(folder.history) in str(error.value)
    after = {path: path.read_bytes() for path in folder.path.iterdir()}
    assert after == before


def test_a_model_without_its_optimizer_cannot_go_on(small_data, tmp_path):
    folder = RunFolder(tmp_path / "run")
    model = small_run(small_data, folder.path)
    model.compiled = False
    model.save(folder.model)
    with pytest.raises(ValueError, match="it is not compiled"):
        small_run(small_data, folder.path, epochs=2, resume=True)


def test_an_empty_path_is_no_folder(small_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="an empty string"):
        small_run(small_data, "")
    with pytest.raises(ValueError, match="`data` must not be empty"):
        small_run("", "run")
    assert not list(tmp_path.iterdir())


@pytest.mark.thorough
def test_what_a_killed_process_was_writing_goes(small_data, tmp_path):
    folder = RunFolder(tmp_path / "run")
    small_run(small_data, folder.path)
    for path in (folder.config, folder.history, folder.model, folder.last):
        files.temporary(path).write_text("half")
    (folder.path / ".own").touch()
    small_run(small_data, folder.path, epochs=2, resume=True)
    assert [path.name for path in folder.path.glob(".*")] == [".own"]


@pytest.mark.slow
def test_a_run_killed_in_its_first_epoch_begins_again(small_data, tmp_path):
    killed, whole = RunFolder(tmp_path / "killed"), tmp_path / "whole"
    small_run(small_data, whole, learning_rate=0.01)
    small_run(small_data, killed.path, learning_rate=0.01)
    killed.model.unlink()  # as a kill before its first save leaves it
    small_run(small_data, killed.path, resume=True)
    assert killed.history.read_text() == (whole / runs.HISTORY).read_text()
    killed.model.unlink()
    small_run(small_data, killed.path, seed=4)  # another run is free to begin
    assert killed.epochs() == 1


def test_a_model_that_is_lost_is_not_trained_anew(small_data, tmp_path):
    folder = RunFolder(tmp_path / "run")
    small_run(small_data, folder.path, epochs=2)
    folder.model.unlink()
    before = folder.history.read_bytes()
    with pytest.raises(ValueError, match=r"model\.keras is missing"):
        small_run(small_data, folder.path, epochs=3, resume=True)
    with pytest.raises(ValueError, match="holds a run already"):
        small_run(small_data, folder.path)
    assert folder.history.read_bytes() == before


def test_a_history_without_its_last_newline_goes_on(small_data, tmp_path):
    folder = RunFolder(tmp_path / "run")
    small_run(small_data, folder.path)
    folder.history.write_bytes(folder.history.read_bytes().rstrip())
    small_run(small_data, folder.path, epochs=3, resume=True)
    epochs = [
        line.split(",")[0] for line in folder.history.read_text().splitlines()
    ]
    assert epochs == ["epoch", "0", "1", "2"]


def test_the_model_of_another_net_is_refused(small_data, tmp_path):
    folder, other = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "other")
    small_run(small_data, folder.path)
    small_run(small_data, other.path, arguments={**TINY, "latent_dim": 3})
    folder.model.write_bytes(other.model.read_bytes())
    before = {path: path.read_bytes() for path in folder.path.iterdir()}
    with pytest.raises(ValueError, match="not of the net that") as error:
        small_run(small_data, folder.path, epochs=2, resume=True)
    assert "parameters, named dense_vae" in str(error.value)
    assert {p: p.read_bytes() for p in folder.path.iterdir()} == before


@pytest.mark.parametrize("key", ["from_the_future", "seed"])
def test_a_folder_of_a_newer_version_is_named(key, tmp_path):
    folder = RunFolder(tmp_path)
    known = {"model": "dense_vae", "keras_backend": "tensorflow"}
    config = {**known, "version": "99.1", key: "new"}
    folder.config.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"written by version 99\.1 of"):
        folder.settings()
    folder.config.write_text(json.dumps({**known, "version": "99.1"}))
    assert folder.settings().version == "99.1"


@pytest.mark.thorough
def test_a_new_run_in_the_place_of_an_old_one(small_data, tmp_path):
    folder = RunFolder(tmp_path / "run")
    small_run(small_data, folder.path, epochs=2, picture_every=1, best=True)
    runs.finish(folder.path)
    own = [folder.path / "notes.txt", folder.pictures / "own.png"]
    own += [folder.saved_model / "readme.md"]
    for path in own:
        path.write_text("mine")
    with pytest.raises(ValueError, match="goes on or is trained anew"):
        small_run(small_data, folder.path, overwrite=True, resume=True)
    with pytest.raises(ValueError, match="must be at least 1"):
        small_run(small_data, folder.path, overwrite=True, epochs=0)
    assert folder.last.exists()
    small_run(small_data, folder.path, overwrite=True, seed=1)
    left = {path for path in folder.path.rglob("*") if path.is_file()}
    written = {folder.config, folder.history, folder.model, folder.summary}
    assert left == {*written, *own}
    assert folder.settings().seed == 1 and folder.epochs() == 1
