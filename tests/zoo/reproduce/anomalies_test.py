import pytest

from zoo.reproduce import anomalies
from zoo.reproduce import reproduce


@pytest.mark.thorough
def test_the_short_form_tells_tumours_apart_and_draws_them(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(anomalies, "EPOCHS", 2)
    monkeypatch.setattr(anomalies, "NUM_SAMPLES", 2)
    outcome = reproduce("anomalies", tmp_path, quick=True)
    figures, (_, picture) = outcome.figures, outcome.paths
    assert all(0 <= one.mean <= 1 for one in figures.values())
    for name in ("tabular_vae, AUROC", "isolation forest, AUROC"):
        assert figures[name].mean > 0.85
    assert picture.stat().st_size > 10_000


def test_no_row_is_trained_on_and_tested():
    train, benign, malignant = anomalies._split(seed=1)
    assert len(train) + len(benign) == 357 and len(malignant) == 212
    rows = {tuple(row) for row in train}
    assert not any(tuple(row) in rows for row in benign)
