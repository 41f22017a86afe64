import numpy as np
import pytest

from zoo import datasets
from zoo.reproduce import codes
from zoo.reproduce import reproduce
from zoo.reproduce import steps


@pytest.mark.slow
def test_the_short_form_judges_codes_and_draws_them(tmp_path, monkeypatch):
    few = [one[:200] for one in datasets.load("mnist_small")]
    names = ("x_train", "y_train", "x_test", "y_test")
    np.savez(tmp_path / "few.npz", **dict(zip(names, few)))
    monkeypatch.setattr(steps, "mnist", lambda quick: tmp_path / "few.npz")
    monkeypatch.setattr(codes, "QUICK_EPOCHS", 1)
    monkeypatch.setattr(codes, "QUICK_FILTERS", 4)
    monkeypatch.setattr(codes, "QUICK_TRICKS", ("simvq",))
    outcome = reproduce("codes", tmp_path / "out", quick=True)
    figures, (_, picture) = outcome.figures, outcome.paths
    uniform = figures["uniform codes, nats"].mean
    assert figures["vq, mnist, nats of the codes"].mean < uniform
    np.testing.assert_allclose(
        figures["simvq, mnist, nats of the codes"].mean, uniform, rtol=1e-5
    )
    assert 1 <= figures["fsq, mnist, perplexity"].mean <= codes.NUM_CODES
    assert picture.stat().st_size > 10_000
