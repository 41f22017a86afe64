import json

import pytest

from tests.data import needs_mnist
from zoo.reproduce import reproduce


def test_an_unknown_claim_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`claim` must be one of .*vae-curves"):
        reproduce("vae-curve", tmp_path)


@pytest.mark.slow
@needs_mnist
def test_quick_curves_start_as_the_originals(tmp_path):
    figures, picture = reproduce("vae-curves", tmp_path, quick=True)
    figures = json.loads(figures.read_text())
    assert picture.stat().st_size > 10_000
    assert set(figures) == {"dense_vae", "conv_vae", "conditional_vae"}
    # After two epochs the dense original is below 171, and far from its end.
    assert 155 < figures["dense_vae"]["test"]["ours"][0] < 172


@pytest.mark.slow
def test_quick_why_vae_works(tmp_path):
    figures, picture = reproduce("why-vae-works", tmp_path, quick=True)
    figures = json.loads(figures.read_text())
    assert picture.stat().st_size > 10_000
    quantiles = figures.pop("posterior_deviation_quantiles")
    assert 0 < quantiles["0.05"] <= quantiles["0.95"] < 2
    assert len(figures) == 5
    prior = figures["8 prior samples"]
    assert prior["active_units"] == 0
    assert prior["mutual_information"] == pytest.approx(0, abs=1e-3)
    for name, values in figures.items():
        assert values["log_likelihood"] >= values["elbo"] - 3, name
