import json

import pytest

from zoo.reproduce import matrix_capsules
from zoo.reproduce import reproduce


@pytest.mark.filterwarnings("ignore:The images of")
def test_writes_figures_and_a_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix_capsules, "SMALL", (4, 2, 2, 2))
    monkeypatch.setattr(matrix_capsules, "QUICK_EPOCHS", 1)
    monkeypatch.setattr(matrix_capsules.steps, "SAMPLE", "digits")
    outcome = reproduce("matrix-capsules", tmp_path, quick=True)
    figures, picture = outcome.paths
    assert figures.parent == tmp_path / "quick"
    written = json.loads(figures.read_text())
    (accuracy,) = written["figures"]["small net"]["values"]
    assert 0 <= accuracy <= 1
    (verdict,) = written["expected"].values()
    assert (verdict == "NOT as expected") == outcome.contradicts
    assert picture.stat().st_size > 500
