import keras
import numpy as np
import pytest
from click.testing import CliRunner

from zoo import cli
from zoo import datasets
from zoo.reproduce import CLAIMS
from zoo.reproduce import couplets
from zoo.reproduce import reproduce
from zoo.reproduce import steps
from zoo.runs.progress import Progress


def test_an_unknown_claim_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`claim` must be one of .*vae-curves"):
        reproduce("vae-curve", tmp_path)


def test_a_claim_about_images_has_data_of_its_own(tmp_path):
    with pytest.raises(ValueError, match="data of its own"):
        reproduce("vae-curves", tmp_path, data="mnist")


def test_the_embedded_couplets_are_too_few_to_tell(tmp_path, monkeypatch):
    monkeypatch.setattr(couplets, "EPOCHS", 1)
    arguments = ["reproduce", "couplets", "--quick", "--out", str(tmp_path)]
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exit_code == 0, result.output
    assert "56 test examples: too few to tell" in result.output
    assert CLAIMS["couplets"].says in result.output
    assert str(tmp_path / "quick" / "figures.json") in result.output


def _fit(folder, epochs):
    """The weights after this many epochs, and those trained in this call."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).random((20, 3), "float32")
    batches = datasets.Batches(x, x.sum(1), batch_size=5, shuffle=False)
    with Progress(epochs) as progress:
        steps.fit(model, batches, epochs, folder, progress)
        assert progress.done == epochs
    return model.get_weights(), model.history.epoch


@pytest.mark.thorough
def test_a_training_that_was_stopped_goes_on(tmp_path):
    whole, _ = _fit(tmp_path / "whole", 4)
    _fit(tmp_path / "parts", 1)
    resumed, epochs = _fit(tmp_path / "parts", 4)
    assert epochs == [1, 2, 3]
    for one, other in zip(whole, resumed):
        np.testing.assert_array_equal(one, other)
    again, epochs = _fit(tmp_path / "parts", 4)
    assert epochs == []
    np.testing.assert_array_equal(again[0], whole[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    "claim", sorted(set(CLAIMS) - {"clusters", "couplets"})
)
def test_the_short_form_shows_the_direction(claim, tmp_path):
    outcome = reproduce(claim, tmp_path, quick=True)
    assert set(outcome.verdicts().values()) == {"as expected"}
    for path in outcome.paths[1:]:
        assert path.stat().st_size > 10_000
