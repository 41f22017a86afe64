import contextlib
import io
import sys

import keras
import numpy as np
import pytest

from zoo.runs import progress
from zoo.runs.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(scope="module")
def model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when they are told to."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def fit(model, epochs, *callbacks):
    x = np.ones((8, 2), "float32")
    model.fit(
        *(x, x[:, :1]),
        batch_size=2,
        epochs=epochs,
        validation_split=0.25,
        verbose=0,
        callbacks=callbacks,
    )


@contextlib.contextmanager
def terminal(monkeypatch):
    with monkeypatch.context() as patch:
        screen = Terminal()
        patch.setattr(sys, "stderr", screen)
        yield screen


@pytest.mark.parametrize(("epochs", "lines"), [(1, 1), (7, 7), (40, 10)])
def test_a_pipe_gets_a_few_lines(epochs, lines, model, capsys):
    with Progress(epochs) as told:
        fit(model, epochs, told.callback())
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == lines and not err and "\r" not in out
    last = out.splitlines()[-1]
    assert last.startswith(f"epoch {epochs} of {epochs}  loss ")
    assert "held out" in last


def test_a_terminal_gets_one_bar(model, monkeypatch, capsys):
    with terminal(monkeypatch) as screen, Progress(6) as told:
        for name in ("first", "second"):
            told.name = name
            fit(model, 3, told.callback())
            told.say(f"{name} is done")
    shown = screen.getvalue()
    assert shown.count("\n") == 1 and shown.endswith("\n")
    last = shown.rstrip("\n").split("\r")[-1]
    assert last.startswith("100 % |") and "second  epoch 3 of 3" in last
    out = capsys.readouterr().out
    assert out == "first is done\nsecond is done\n"


def test_a_narrow_terminal_gets_all_words(model, monkeypatch):
    monkeypatch.setenv("COLUMNS", "62")
    with terminal(monkeypatch) as screen, Progress(2000) as told:
        told.skip(1234)
        told.step(0.0, "epoch 1235 of 2000")
        told.end_epoch("epoch 1235 of 2000", {"loss": 1.5, "held out": 0.0625})
    last = screen.getvalue().rstrip().split("\r")[-1]
    assert len(last) <= 62 and last.split("| ")[1].startswith("epoch 1235 of")
    assert "held out 0.0625" in last


def test_the_time_left_is_that_of_the_epochs_after_the_first(clock):
    told = Progress(11)
    clock[0] = 50.0  # the step is compiled
    told.step(0.5, "epoch 1 of 11")
    clock[0] = 60.0
    assert told._time_left(1.0) == "3:20 left"
    told.end_epoch("epoch 1 of 11", {})
    clock[0] = 80.0  # validation and a call of more steps are compiled
    told.step(0.1, "epoch 2 of 11")
    assert told._time_left(1.1) == ""
    clock[0] = 82.0
    told.step(0.5, "epoch 2 of 11")
    assert told._time_left(1.5) == "0:48 left"


def test_epochs_done_before_take_no_time(clock):
    told = Progress(30)
    told.skip(20)
    told.step(0.0, "epoch 21 of 30")
    clock[0] = 10.0
    assert told._time_left(22) == "0:40 left"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (36_005, "10:00:05")],
)
def test_times_as_people_write_them(seconds, text):
    assert progress.as_time(seconds) == text
