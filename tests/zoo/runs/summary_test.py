import json
import pathlib

import pytest

from zoo.runs.folder import RunFolder
from zoo.runs.summary import summary_of
from zoo.runs.summary import told
from zoo.settings import Settings

CONFIG = {"model": "dense_vae", "keras_backend": "jax", "data": "digits"}


def folder_with(path, history, **config):
    folder = RunFolder(path)
    folder.config.write_text(
        json.dumps(
            {**CONFIG, "epochs": 3, "batch_size": 10, **config},
        )
    )
    folder.history.write_text(history)
    assert isinstance(folder.settings(), Settings)
    return folder


def test_the_best_epoch_is_that_of_the_lowest_held_out_loss(tmp_path):
    history = (
        "epoch,accuracy,loss,val_accuracy,val_loss\n"
        "0,0.5,3.0,0.6,2.5\n1,0.6,2.0,0.7,2.25\n2,0.9,1.0,0.8,2.75\n"
    )
    folder = folder_with(tmp_path, history)
    files = [
        folder.config,
        folder.pictures / "a.png",
        folder.pictures / "b.png",
    ]
    summary = summary_of(folder, files)
    assert summary == {
        "model": "dense_vae",
        "data": "digits",
        "epochs": 3,
        "figures_of": "test",
        "last": {"epoch": 3, "val_accuracy": 0.8, "val_loss": 2.75},
        "best": {"epoch": 2, "val_accuracy": 0.7, "val_loss": 2.25},
        "kept": 3,
        "epochs_of_another_loss": 0,
        "seconds_trained": None,
        "files": ["config.json", "pictures/a.png", "pictures/b.png"],
        "next": f"python -m zoo evaluate {tmp_path}",
    }
    assert told(summary, pathlib.Path("runs/a"), 125.2).splitlines() == [
        "3 epochs, 2:05 in all.",
        "test           accuracy  loss",
        "last epoch, 3       0.8  2.75",
        "best epoch, 2       0.7  2.25",
        "In runs/a: config.json, pictures/ (a.png, b.png); the model is that "
        "of epoch 3.",
        summary["next"].replace("python", "Next: python"),
    ]


@pytest.mark.parametrize("options", [{"best": True}, {"patience": 2}])
def test_the_model_may_be_that_of_the_best_epoch(options, tmp_path):
    history = "epoch,loss,val_loss\n0,3.0,2.0\n1,2.0,3.0\n"
    folder = folder_with(tmp_path, history, **options)
    assert summary_of(folder, [])["kept"] == 1


def test_without_held_out_data_and_with_what_is_no_number(tmp_path):
    history = "epoch,loss,val_loss\n0,3.0,NA\n1,2.0,NA\n2,nan,NA\n"
    summary = summary_of(folder_with(tmp_path, history), [])
    assert summary["best"] == {"epoch": 2, "loss": 2.0}
    assert summary["last"] == {"epoch": 3}
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    lines = told(summary, tmp_path, 1.0).splitlines()
    assert lines[1:4] == [
        "training       loss",
        "last epoch, 3",
        "best epoch, 2     2",
    ]


def test_what_equals_the_loss_is_shown_once_and_idle_latents_told(tmp_path):
    history = (
        "epoch,loss,val_kl_loss,val_loss,val_negative_elbo\n"
        "0,9.0,0.125,8.0,8.0\n1,8.0,0.25,7.0,7.0\n"
    )
    lines = told(
        summary_of(folder_with(tmp_path, history), []), tmp_path, 1.0
    ).splitlines()
    assert lines[1].split() == ["test", "kl_loss", "loss"]
    assert "The latents carry next to nothing yet (0.25 nats" in lines[3]
    history = history.replace("0.25", "2.5").replace("7.0\n", "6.5\n")
    lines = told(
        summary_of(folder_with(tmp_path, history), []), tmp_path, 1.0
    ).splitlines()
    assert lines[1].split()[-1] == "negative_elbo"
    assert not any("latents" in line for line in lines)


def test_without_a_test_the_next_step_draws(tmp_path):
    folder = folder_with(tmp_path, "epoch,loss\n0,3.0\n")
    assert summary_of(folder, [])["next"] == f"python -m zoo sample {tmp_path}"
    assert "1 epoch, 0:01" in told(summary_of(folder, []), tmp_path, 1.0)
