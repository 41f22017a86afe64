"""The command line on a model of one's own that embeds its label."""

import numpy as np
import pytest

from tests.own_nets import LABELS
from tests.own_nets import X
from tests.own_nets import embedded_label_vae
from tests.zoo.cli.cli_test import call
from zoo import evaluation


@pytest.fixture
def model():
    return embedded_label_vae((1,))


def test_evaluation(model):
    figures = evaluation.evaluate(model, X, LABELS, verbose=0)
    assert np.isfinite(list(figures.values())).all()


def test_encode(model, tmp_path):
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "data.npz", x=X, y=LABELS)
    run = call(
        *("encode", tmp_path / "model.keras", "--data", tmp_path / "data.npz"),
        *("--out", tmp_path / "latents.npz"),
    )
    assert run.exit_code == 0, run.output
    with np.load(tmp_path / "latents.npz") as found:
        assert any(array.shape == (8, 2) for array in found.values())
