import functools
import inspect
import os
import pathlib
import sys

import pytest

# Nets of the tests take few steps: what counts is the time to compile them.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    # Graphs of so few steps are not worth rewriting either.
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": True}
    )

pytest.register_assert_rewrite("tests.helpers")

ROOT = pathlib.Path(__file__).parents[1]
OUR_CODE = tuple(str(ROOT / name) for name in ("keras_capsvae", "zoo"))


@pytest.fixture(autouse=True)
def reset_seed():
    """Every test starts from one global seed, whatever ran before it."""
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=keras.backend.backend() == "torch")
def tensors_as_on_a_gpu(monkeypatch):
    """NumPy cannot read a tensor on a GPU: our code must not let it try."""
    import torch

    read = torch.Tensor.__array__

    def refused(tensor, *args, **kwargs):
        caller = sys._getframe(1).f_code.co_filename
        if caller.startswith(OUR_CODE):
            raise TypeError(f"NumPy reads a tensor in {caller}")
        return read(tensor, *args, **kwargs)

    monkeypatch.setattr(torch.Tensor, "__array__", refused)


@pytest.fixture
def short_training(monkeypatch):
    """Trainings of one epoch, without XLA, which compiles for longer."""
    _always_with(monkeypatch, "compile", jit_compile=False)
    _always_with(monkeypatch, "fit", epochs=1, verbose=0)


def _always_with(monkeypatch, name, **arguments):
    method = getattr(keras.Model, name)

    @functools.wraps(method)
    def changed(*args, **kwargs):
        given = inspect.signature(method).bind(*args, **kwargs)
        given.arguments |= arguments
        return method(*given.args, **given.kwargs)

    monkeypatch.setattr(keras.Model, name, changed)
