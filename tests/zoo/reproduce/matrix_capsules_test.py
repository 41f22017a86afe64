import json

from zoo.reproduce import matrix_capsules
from zoo.reproduce import reproduce


def test_writes_figures_and_a_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix_capsules, "SMALL", (4, 2, 2, 2))
    monkeypatch.setattr(
        matrix_capsules.steps, "mnist_or_digits", lambda: "digits"
    )
    figures, picture = reproduce("matrix-capsules", tmp_path, quick=True)
    (small,) = json.loads(figures.read_text())["small"].values()
    assert 0 <= small["accuracy"] <= 1
    assert small["finite_weights"]
    assert picture.stat().st_size > 500
