import pytest

from zoo.reproduce import clusters


@pytest.mark.slow
def test_the_short_form_judges_clusters_and_draws_them(tmp_path, monkeypatch):
    monkeypatch.setattr(clusters, "QUICK_EPOCHS", 3)
    figures, (picture,) = clusters.run(tmp_path, quick=True)
    assert {name.rsplit(", ", 1)[1] for name in figures} == {
        "purity",
        "hungarian",
        "nmi",
        "ari",
    }
    (purity,) = figures["responsibilities, mnist_small, purity"].values
    (hungarian,) = figures["responsibilities, mnist_small, hungarian"].values
    assert 0.25 < hungarian <= purity <= 1  # chance is 0.1
    assert picture.stat().st_size > 10_000
