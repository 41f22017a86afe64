import numpy as np
import pytest

from zoo import datasets
from zoo.reproduce import reproduce
from zoo.reproduce import routings
from zoo.reproduce import steps
from zoo.reproduce.expectations import Figure


def test_every_routing_is_trained_with_every_seed_in_full():
    runs = list(routings._runs(quick=False))
    assert len(runs) == len(set(runs)) == 7 * (3 + 1)
    assert routings.epochs(quick=False) == 10 * len(runs)
    assert routings.epochs(quick=True) == 2 * 4


def test_the_table_has_a_row_for_each_routing():
    figures = {
        "kmeans, one digit, %": Figure((99.0, 99.5, 99.1)),
        "kmeans, ms a step": Figure((41.234,)),
        "kmeans, parameters": Figure((279488.0,)),
        "self_routing, one digit, %": Figure((98.0,)),
    }
    head, rule, *rows = routings._table(
        figures, ["kmeans", "self_routing"]
    ).splitlines()
    assert head.count("|") == rule.count("|") == rows[0].count("|") == 9
    assert rows[0] == (
        "| `kmeans` | 99.20 ± 0.26 |  |  |  |  | 41.23 | 279,488 |"
    )
    assert rows[1].startswith("| `self_routing` | 98.00 |")


@pytest.mark.slow
def test_the_short_form_goes_on_and_writes_a_table(tmp_path, monkeypatch):
    few = [one[:200] for one in datasets.load("mnist_small")]
    names = ("x_train", "y_train", "x_test", "y_test")
    np.savez(tmp_path / "few.npz", **dict(zip(names, few)))
    monkeypatch.setattr(steps, "mnist", lambda quick: tmp_path / "few.npz")
    monkeypatch.setattr(routings, "QUICK", {"epochs": 1, "batch_size": 64})
    monkeypatch.setattr(routings, "QUICK_ROUTINGS", ("kmeans", "self_routing"))
    outcome = reproduce("routings", tmp_path / "out", quick=True)
    figures, table, picture = outcome.paths
    assert outcome.figures["kmeans, parameters"].mean == 279_488
    assert outcome.figures["self_routing, ms a step"].mean > 0
    assert picture.stat().st_size > 10_000
    before = outcome.figures["self_routing, two digits, %"]
    again = reproduce("routings", tmp_path / "out", quick=True)
    assert again.figures["self_routing, two digits, %"] == before
    assert table.read_text().count("\n") == 4
