import pytest

from zoo.reproduce import collapse
from zoo.reproduce import reproduce


@pytest.mark.slow
def test_the_short_form_measures_every_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(collapse, "QUICK_EPOCHS", 3)
    outcome = reproduce("collapse", tmp_path, quick=True)
    figures, (_, picture) = outcome.figures, outcome.paths
    assert len(figures) == 4 * 3
    floor = collapse.LATENTS * collapse.GAMMA**2 / 2
    (divergence,) = figures["normalised mean, KL"].values
    assert divergence > 0.8 * floor  # of texts that it has not seen
    assert figures["normalised mean, active latents"].mean == collapse.LATENTS
    assert picture.stat().st_size > 5_000
