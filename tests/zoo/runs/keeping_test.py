import json
import warnings

import keras
import numpy as np
import pytest

from tests.zoo.runs.training_test import TINY
from tests.zoo.runs.training_test import assert_same_state
from zoo import datasets
from zoo import runs
from zoo.datasets import run_feeds
from zoo.export import load_model
from zoo.registry import builder_of
from zoo.runs.folder import RunFolder
from zoo.runs.keeping import WarnOfRise
from zoo.runs.keeping import has_risen
from zoo.settings import Settings

STEPS = 3  # of an epoch, without the tenth that chooses
RISES = {**TINY, "learning_rate": 0.1}  # a rate at which the loss goes up


def run(data, folder, **options):
    options = {"epochs": 4, "seed": 2, "verbose": 0, **options}
    return runs.train(
        "dense_vae", data, folder, batch_size=16, arguments=RISES, **options
    )


def losses_of(folder):
    return [one["val_loss"] for one in RunFolder(folder).figures()]


class Stopped(Exception):
    pass


class StopIn(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch:
            raise Stopped


@pytest.fixture(scope="module")
def best_run(small_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "best"
    return folder, run(small_data, folder, best=True)


def test_the_choice_is_a_tenth_of_each_class(small_data):
    model = builder_of("conditional_vae")(**TINY, num_classes=4)
    settings = Settings.of(
        "conditional_vae", data=small_data, arguments=TINY, patience=3
    )
    whole = datasets.load(small_data, (16,))
    split = run_feeds.arrays_of_run(model, settings)
    tenths = np.ceil(np.bincount(whole.y_train) / 10)
    np.testing.assert_array_equal(np.bincount(split.y_test), tenths)
    both = np.concatenate([split.x_train, split.x_test])
    np.testing.assert_array_equal(
        np.sort(both, axis=0), np.sort(whole.x_train, axis=0)
    )
    rows = {image.tobytes(): label for image, label in zip(*whole[:2])}
    for image, label in zip(split.x_test, split.y_test, strict=True):
        assert rows[image.tobytes()] == label
    again = run_feeds.arrays_of_run(model, settings)
    np.testing.assert_array_equal(split.x_test, again.x_test)


@pytest.mark.thorough
def test_the_run_ends_with_its_best_epoch(best_run, small_data):
    folder, model = best_run
    losses = losses_of(folder)
    best = int(np.argmin(losses))
    assert best < 3, "the test needs a loss that rises"
    settings = RunFolder(folder).settings()
    choice = run_feeds.arrays_of_run(model, settings).x_test
    steps = int(model.optimizer.iterations) // (best + 1)
    assert int(model.optimizer.iterations) == steps * (best + 1)
    last = load_model(folder / "last.keras")
    assert int(last.optimizer.iterations) == steps * 4
    figures = model.evaluate(choice, verbose=0, return_dict=True)
    assert figures["reconstruction_loss"] == pytest.approx(
        RunFolder(folder).figures()[best]["val_reconstruction_loss"], rel=0.2
    )
    runs.finish(folder)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["kept"] == summary["best"]["epoch"] == best + 1
    assert summary["last"]["epoch"] == 4


@pytest.mark.thorough
def test_stopped_within_an_epoch_and_resumed_it_is_the_same(
    best_run, small_data, tmp_path
):
    folder = tmp_path / "parts"
    with pytest.raises(Stopped):
        run(small_data, folder, best=True, callbacks=[StopIn(2)])
    run(small_data, folder, best=True, resume=True)
    assert_same_state(best_run[0], folder)
    for name in (runs.HISTORY, runs.CONFIG):
        assert (best_run[0] / name).read_text() == (folder / name).read_text()
    first, second = (
        load_model(one / "last.keras") for one in (best_run[0], folder)
    )
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.thorough
def test_patience_ends_a_run_where_it_was_stopped_too(
    best_run, small_data, tmp_path
):
    folder = tmp_path / "run"
    best = int(np.argmin(losses_of(best_run[0])))
    if best:  # stopped before it is known
        run(small_data, folder, patience=1, epochs=1)
    run(small_data, folder, patience=1, resume=best > 0)
    assert losses_of(folder) == losses_of(best_run[0])[: best + 2]
    assert_same_state(folder, best_run[0])
    run(small_data, folder, patience=1, resume=True)
    assert len(losses_of(folder)) == best + 2
    run(small_data, folder, patience=9, resume=True)
    assert losses_of(folder) == losses_of(best_run[0])


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("options", "comparable"),
    [
        ({"kl_warm_up_steps": 3 * STEPS}, 3),
        ({"kl_warm_up": 1, "kl_cycles": 2}, 3),
        ({"kl_warm_up": 9}, 9),
    ],
)
def test_epochs_of_another_loss_do_not_count(
    options, comparable, small_data, tmp_path
):
    run(small_data, tmp_path, best=True, epochs=2, **options)
    run(small_data, tmp_path, best=True, resume=True)
    lowest = int(np.argmin(losses_of(tmp_path)))
    assert lowest < 3, "the test needs a loss that rises"
    (steps,) = {
        int(load_model(tmp_path / name).optimizer.iterations)
        for name in ("model.keras", "last.keras")
    }
    assert steps == STEPS * 4
    runs.finish(tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["epochs_of_another_loss"] == comparable
    assert summary["kept"] == summary["best"]["epoch"] == 4


def test_no_patience_is_lost_while_the_loss_changes(small_data, tmp_path):
    run(small_data, tmp_path, epochs=6, patience=1, kl_warm_up=3)
    assert len(losses_of(tmp_path)) >= 4


def test_it_cannot_begin_without_and_go_on_with(small_data, tmp_path):
    run(small_data, tmp_path, epochs=1)
    with pytest.raises(ValueError, match="patience=3 instead of 0"):
        run(small_data, tmp_path, patience=3, resume=True)
    with pytest.raises(ValueError, match="chosen on data in memory"):
        run(small_data, tmp_path / "no", patience=3, streaming=True)


@pytest.mark.parametrize(
    ("losses", "rises"),
    [
        ([90, *range(80, 71, -1), *range(72, 84)], True),
        ([90, *range(80, 71, -1), *range(72, 80)], False),  # not for long
        ([300, 151, *[151.5] * 30], False),  # by little
        ([-50, -80, *[-70] * 10], True),
        ([3, 2, *[float("nan")] * 20], False),
        ([], False),
        ([5], False),
    ],
)
def test_a_rise_for_long(losses, rises):
    assert has_risen(losses) == rises


def test_a_rise_is_warned_of_once():
    losses = [90, 80, 72, *range(73, 115)]
    watch = WarnOfRise(losses[:5])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for epoch, loss in enumerate(losses[5:], start=5):
            watch.on_epoch_end(epoch, {"val_loss": float(loss)})
        WarnOfRise(losses).on_epoch_end(len(losses), {"val_loss": 115.0})
        WarnOfRise([]).on_epoch_end(0, {"loss": 115.0})
        few = WarnOfRise(losses[:5], examples=6)
        for epoch, loss in enumerate(losses[5:]):
            few.on_epoch_end(epoch, {"val_loss": loss})
        while_it_changes = WarnOfRise([], first=len(losses) - 5)
        for epoch, loss in enumerate(losses):
            while_it_changes.on_epoch_end(epoch, {"val_loss": loss})
    (told,) = [str(one.message) for one in caught]
    assert "rises since epoch 3: from 72 to 82" in told
    assert "--patience" in told
