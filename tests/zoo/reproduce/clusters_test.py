import pytest

from zoo.reproduce import clusters
from zoo.reproduce import reproduce


@pytest.mark.slow
def test_the_short_form_judges_clusters_and_draws_them(tmp_path, monkeypatch):
    monkeypatch.setattr(clusters, "QUICK_EPOCHS", 3)
    outcome = reproduce("clusters", tmp_path, quick=True)
    figures, (_, picture) = outcome.figures, outcome.paths
    assert {name.rsplit(", ", 1)[1] for name in figures} == {
        "purity",
        "hungarian",
        "nmi",
        "ari",
    }
    (purity,) = figures["responsibilities, mnist, purity"].values
    (hungarian,) = figures["responsibilities, mnist, hungarian"].values
    assert 0.25 < hungarian <= purity <= 1  # chance is 0.1
    assert picture.stat().st_size > 10_000
