import json

import numpy as np
import pytest

from zoo import datasets
from zoo.reproduce import matrix_capsules
from zoo.reproduce import reproduce


@pytest.mark.slow
def test_writes_figures_and_a_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix_capsules, "SMALL", (4, 2, 2, 2))
    monkeypatch.setattr(matrix_capsules, "QUICK_EPOCHS", 1)
    digits = datasets.load("digits", (28, 28, 1))
    np.savez(tmp_path / "own.npz", **digits._asdict())
    sample = str(tmp_path / "own.npz")
    monkeypatch.setattr(matrix_capsules.steps, "SAMPLE", sample)
    outcome = reproduce("matrix-capsules", tmp_path, quick=True)
    figures, picture = outcome.paths
    assert figures.parent == tmp_path / "quick"
    written = json.loads(figures.read_text())
    (accuracy,) = written["figures"]["small net"]["values"]
    assert 0 <= accuracy <= 1
    (verdict,) = written["expected"].values()
    assert (verdict == "NOT as expected") == outcome.contradicts
    assert picture.stat().st_size > 500
