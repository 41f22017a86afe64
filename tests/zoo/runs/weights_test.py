"""Runs that begin with weights, and train a part of a net alone."""

import json

import numpy as np
import pytest

import zoo
from zoo import runs

SIZES = {"original_dim": 16, "intermediate_dim": 8, "jit_compile": False}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "own.npz"
    images = np.random.default_rng(0).integers(0, 256, (40, 4, 4), "uint8")
    np.savez(path, x=images)
    return path


@pytest.fixture(scope="module")
def first(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "first"
    sizes = {**SIZES, "latent_dim": 2, "kl_weight": 0.5}
    options = {"epochs": 1, "arguments": sizes, "verbose": 0}
    return runs.train("dense_vae", data, folder, **options), folder


def parts(model):
    return model.encoder.get_weights(), model.decoder.get_weights()


@pytest.mark.thorough
def test_a_run_that_begins_with_another(first, data, tmp_path):
    trained, folder = first
    options = {
        "weights": folder / "model.keras",
        "freeze": "decoder",
        "arguments": {"jit_compile": False},
        "seed": 5,
        "verbose": 0,
    }
    out = tmp_path / "second"
    second = runs.train("dense_vae", data, out, epochs=1, **options)
    config = json.loads((out / runs.CONFIG).read_text())
    assert config["weights"] == str(folder / "model.keras")
    assert config["freeze"] == "decoder"
    runs.train("dense_vae", data, out, epochs=2, resume=True, **options)
    resumed = zoo.load_model(out / runs.MODEL)
    for model in (second, resumed):
        encoder, decoder = parts(model)
        for one, other in zip(decoder, parts(trained)[1], strict=True):
            np.testing.assert_array_equal(one, other)
        changes = [
            np.abs(one - other).max()
            for one, other in zip(encoder, parts(trained)[0], strict=True)
        ]
        # Some steps of Adam away from where it began.
        assert 0 < max(changes) < 0.1
    with pytest.raises(
        ValueError, match="freeze='latent' instead of 'decoder'"
    ):
        runs.train(
            "dense_vae",
            data,
            out,
            epochs=3,
            resume=True,
            **{**options, "freeze": "latent"},
        )


def test_weights_that_do_not_fit_leave_no_folder(first, data, tmp_path):
    _, folder = first
    with pytest.raises(
        ValueError, match="built with latent_dim=2 instead of 5"
    ):
        runs.train(
            "dense_vae",
            data,
            tmp_path / "run",
            weights=folder / "model.keras",
            arguments={**SIZES, "latent_dim": 5},
        )
    assert not (tmp_path / "run").exists()


def test_weights_are_given_once():
    with pytest.raises(ValueError, match="`weights` must be given once"):
        runs.train("dense_vae", weights="mnist", arguments={"weights": "mnist"})


def test_a_net_is_that_of_the_run(first):
    trained, folder = first
    model = zoo.dense_vae(weights=folder)
    assert model.input_shape == (None, 16)
    assert float(model.latent.beta) == 1.0
    for one, other in zip(parts(model)[1], parts(trained)[1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_damaged_run_is_named(first, tmp_path):
    (tmp_path / "model.keras").write_bytes(
        (first[1] / "model.keras").read_bytes()
    )
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ValueError, match="config.json is damaged"):
        zoo.dense_vae(weights=tmp_path)
