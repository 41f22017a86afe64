import json

import click
import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import zoo
from zoo import runs
from zoo.pretrained import manifest
from zoo.pretrained import weights
from zoo.pretrained.halving import halve
from zoo.registry import arguments_of
from zoo.runs.ship import architecture
from zoo.runs.ship import check_loss
from zoo.runs.ship import check_predictions
from zoo.runs.ship import main

SIZES = {"original_dim": 64, "intermediate_dim": 8}


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A run, shipped into an empty folder under the tag `tiny`."""
    arguments = {**SIZES, "jit_compile": False}
    model = runs.train(
        "dense_vae",
        out=tmp_path / "run",
        data="digits",
        epochs=1,
        seed=4,
        verbose=0,
        arguments=arguments,
    )
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr(manifest, "FOLDER", tmp_path / "weights")
    result = CliRunner().invoke(main, [str(tmp_path / "run"), "tiny"])
    assert result.exit_code == 0, result.output
    return model


@pytest.mark.thorough
def test_shipped_weights_are_those_of_the_run(shipped):
    loaded = zoo.dense_vae(64, intermediate_dim=8, weights="tiny")
    for a, b in zip(loaded.get_weights(), shipped.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.thorough
def test_the_manifest_tells_how_they_were_made(shipped):
    entry = manifest.tags_of("dense_vae")["tiny"]
    assert entry["command"] == (
        "python -m zoo train dense_vae --data digits --epochs 1 --seed 4 "
        "--set intermediate_dim=8 --set jit_compile=false"
    )
    of_latents = {"latent_dim": 2, "prior": None, "normalised_mean": None}
    assert entry["arguments"] == {**SIZES, **of_latents}
    assert entry["metrics"]["test_loss"] > 0
    path = manifest.FOLDER / entry["file"]
    assert entry["sha256"] == weights.sha256(path)
    with h5py.File(path) as file:  # no slots: iterations and rate alone
        assert len(file["optimizer/vars"]) <= 2


@pytest.mark.thorough
def test_a_run_that_began_with_a_tag_keeps_its_architecture(shipped):
    given = {"weights": "tiny", "latent_dim": 2, "learning_rate": 0.1}
    assert architecture(zoo.dense_vae, given) == {
        **arguments_of(zoo.dense_vae.__wrapped__, {}),
        **SIZES,
        "latent_dim": 2,
    }


@pytest.mark.thorough
def test_shipping_another_run_keeps_the_first(shipped, tmp_path):
    CliRunner().invoke(main, [str(tmp_path / "run"), "other"])
    assert set(manifest.tags_of("dense_vae")) == {"tiny", "other"}
    text = (manifest.FOLDER / "manifest.json").read_text()
    assert json.loads(text) == manifest.entries()


@pytest.mark.thorough
def test_a_vae_at_half_the_size(shipped, tmp_path):
    whole = (manifest.FOLDER / "dense_vae-tiny.weights.h5").stat().st_size
    result = CliRunner().invoke(main, [str(tmp_path / "run"), "half", "--half"])
    assert result.exit_code == 0, result.output
    path = manifest.FOLDER / "dense_vae-half.weights.h5"
    assert path.stat().st_size < whole
    with h5py.File(path) as file:
        assert file["layers/functional/layers/dense/vars/0"].dtype == "float16"
    one, other = (
        manifest.entries()["dense_vae"][tag]["metrics"]
        for tag in ("tiny", "half")
    )
    assert one["test_loss"] == pytest.approx(other["test_loss"], abs=0.01)
    check_loss(10.0, 10.009)
    check_loss(-1000.0, -1000.09)
    with pytest.raises(click.ClickException, match="100.0200 for 100.0000"):
        check_loss(100.0, 100.02)


@pytest.mark.thorough
def test_a_classifier_at_half_the_size(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "FOLDER", tmp_path)
    run, shade = str(tmp_path / "run"), np.arange(60, dtype="uint8") % 3
    images = np.broadcast_to(80 * shade[:, None, None], (60, 12, 12))
    np.savez(tmp_path / "shades.npz", x=images, y=shade)
    model = runs.train(
        "efficient_cnn",
        out=run,
        data=str(tmp_path / "shades.npz"),
        epochs=1,
        seed=4,
        verbose=0,
        arguments={"jit_compile": False},
    )
    x = images[:6, ..., None] / np.float32(255)
    sizes = []
    for options in ([], ["--half"]):
        result = CliRunner().invoke(main, [run, "tiny", *options])
        assert result.exit_code == 0, result.output
        path = tmp_path / "efficient_cnn-tiny.weights.h5"
        sizes.append(path.stat().st_size)
        loaded = zoo.efficient_cnn(weights="tiny")
        np.testing.assert_allclose(
            loaded.predict(x, verbose=0),
            model.predict(x, verbose=0),
            atol=1e-2 if options else 1e-6,
        )
    assert sizes[1] < 0.6 * sizes[0]
    model.set_weights([1e6 + one for one in model.get_weights()])
    model.save_weights(path)
    with pytest.raises(ValueError, match="beyond ±65504 .* Received: "):
        halve(path)
    with pytest.raises(click.ClickException, match="another class for . of 6"):
        check_predictions(loaded, model, x)
