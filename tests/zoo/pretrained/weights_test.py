import json
import pathlib
import re

import numpy as np
import pytest

import zoo
from tests.data import needs_mnist
from tests.helpers import numpy_of
from zoo import datasets
from zoo import evaluation
from zoo.datasets import feeds
from zoo.pretrained import manifest
from zoo.pretrained import weights

SIZES = {"original_dim": 6, "latent_dim": 3, "intermediate_dim": 4}
TAG = "tiny"
README = pathlib.Path(__file__).parents[3] / "README.md"


def tiny(**arguments):
    return zoo.dense_vae(**{**SIZES, "compile": False, **arguments})


def heads(model):
    x = np.linspace(0, 1, 12, dtype="float32").reshape(2, 6)
    return numpy_of(model.encoder(x))


@pytest.fixture
def trained():
    return tiny(seed=1, kl_weight=0.5)


def ship(folder, monkeypatch, name, model, arguments):
    """Make this folder one of shipped weights, with one tag."""
    path = folder / f"{TAG}.weights.h5"
    model.save_weights(path)
    entry = {
        "file": path.name,
        "sha256": weights.sha256(path),
        "arguments": arguments,
    }
    (folder / "manifest.json").write_text(json.dumps({name: {TAG: entry}}))
    monkeypatch.setattr(manifest, "FOLDER", folder)
    return path


@pytest.fixture
def shipped(trained, tmp_path, monkeypatch):
    """A folder of shipped weights with one tag of `dense_vae`."""
    return ship(tmp_path, monkeypatch, "dense_vae", trained, SIZES)


def test_tag(shipped, trained):
    model = tiny(weights=TAG, seed=2)
    np.testing.assert_array_equal(heads(model), heads(trained))


def test_a_tag_brings_the_arguments_it_was_trained_with(shipped, trained):
    model = zoo.dense_vae(weights=TAG, compile=False)
    np.testing.assert_array_equal(heads(model), heads(trained))


def test_a_tag_brings_routings_and_warns_of_others(tmp_path, monkeypatch):
    sizes = {"input_shape": [17, 17, 1], "capsules": [3, 2, 2, 2]}
    arguments = {**sizes, "num_classes": 2, "routings": 2}
    trained = zoo.matrix_capsnet(**arguments, seed=0, compile=False)
    ship(tmp_path, monkeypatch, "matrix_capsnet", trained, arguments)
    model = zoo.matrix_capsnet(weights=TAG, compile=False)
    with pytest.warns(UserWarning, match="routings=2 instead of 1"):
        other = zoo.matrix_capsnet(weights=TAG, compile=False, routings=1)
    for one, routings in ((model, 2), (other, 1)):
        assert one.get_layer("class_capsules").routings == routings
        for a, b in zip(one.get_weights(), trained.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_tags_are_in_the_info(shipped):
    assert list(zoo.model_info("dense_vae")["weights"]) == [TAG]
    assert zoo.model_info("conv_vae")["weights"] == {}


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_path(trained, tmp_path, suffix, kind):
    path = tmp_path / f"mine{suffix}"
    save = trained.save_weights if "weights" in suffix else trained.save
    save(path)
    model = tiny(weights=kind(path), seed=2)
    np.testing.assert_array_equal(heads(model), heads(trained))


@pytest.mark.thorough
def test_weights_of_a_trained_model(tmp_path):
    model = tiny(compile=True)
    model.fit(np.ones((2, 6)), verbose=0)
    model.save_weights(tmp_path / "mine.weights.h5")
    again = tiny(weights=tmp_path / "mine.weights.h5", compile=True)
    np.testing.assert_array_equal(heads(again), heads(model))
    again.fit(np.ones((2, 6)), verbose=0)


def test_kl_weight_and_seed_of_the_builder_survive(shipped):
    fresh = tiny(kl_weight=0.125, seed=7)
    loaded = tiny(kl_weight=0.125, seed=7, weights=TAG)
    assert float(loaded.latent.beta) == 0.125
    states = [
        numpy_of(model.latent.seed_generator.state) for model in (fresh, loaded)
    ]
    np.testing.assert_array_equal(*states)


def test_unknown_tag(shipped):
    with pytest.raises(ValueError, match=r"\['tiny'\].*weights='huge'"):
        tiny(weights="huge")


def test_missing_path(tmp_path):
    with pytest.raises(ValueError, match="nothing.weights.h5"):
        tiny(weights=tmp_path / "nothing.weights.h5")


def test_damaged_shipped_file(shipped):
    data = bytearray(shipped.read_bytes())
    data[len(data) // 2] ^= 1
    shipped.write_bytes(data)
    with pytest.raises(ValueError, match="damaged: expected sha256") as error:
        tiny(weights=TAG)
    assert weights.sha256(shipped) in str(error.value)


def test_missing_shipped_file(shipped):
    shipped.unlink()
    with pytest.raises(ValueError, match="tiny.weights.h5 are missing"):
        tiny(weights=TAG)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
@pytest.mark.parametrize("content", [b"", b"not weights at all"])
def test_a_file_of_ones_own_that_is_no_weights(tmp_path, suffix, content):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged file") as error:
        tiny(weights=path)
    assert path.name in str(error.value)


def test_a_truncated_file_of_ones_own(shipped):
    path = shipped.with_name("short.weights.h5")
    path.write_bytes(shipped.read_bytes()[:-2000])
    with pytest.raises(ValueError, match="damaged file"):
        tiny(weights=path)


@pytest.mark.parametrize(
    ("argument", "received", "expected"),
    [("latent_dim", 2, 3), ("intermediate_dim", 8, 4), ("original_dim", 7, 6)],
)
def test_other_arguments_than_the_tag(shipped, argument, received, expected):
    with pytest.raises(ValueError) as error:
        tiny(weights=TAG, **{argument: received})
    assert f"{argument}={expected} instead of {received}" in str(error.value)


def test_other_arguments_than_the_file(shipped):
    with pytest.raises(ValueError, match="do not fit this dense_vae"):
        tiny(weights=shipped, latent_dim=2)


def test_image_shapes_compare_as_the_manifest_holds_them(tmp_path, monkeypatch):
    shape = (8, 8, 1)
    model = zoo.conv_vae(shape, seed=0, compile=False)
    arguments = {"input_shape": list(shape), "latent_dim": 2}
    ship(tmp_path, monkeypatch, "conv_vae", model, arguments)
    zoo.conv_vae(shape, weights=TAG, compile=False)
    with pytest.raises(ValueError, match=r"input_shape=\[8, 8, 1\] instead"):
        zoo.conv_vae((12, 8, 1), weights=TAG, compile=False)


SHIPPED = [
    (name, tag) for name, tags in manifest.entries().items() for tag in tags
]


@pytest.mark.slow
@needs_mnist
@pytest.mark.parametrize(
    ("name", "tag"),
    [one for one in SHIPPED if one[1].startswith("mnist")],
)
def test_shipped_weights_reach_what_the_manifest_says(name, tag):
    entry = manifest.tags_of(name)[tag]
    model = zoo.create_model(name, weights=tag, seed=0)
    arrays = datasets.load(entry["data"], feeds.image_shape(model))
    images = feeds.test_images(arrays, entry.get("binarize", False))
    figures = evaluation.evaluate(model, images, arrays.y_test, verbose=0)
    assert {f"test_{key}" for key in figures} == set(entry["metrics"])
    # The decoder of a VAE sees fresh noise: a standard error of 0.2 nats.
    tolerance = 1e-4 if "accuracy" in figures else 1.0
    for key, value in figures.items():
        expected = entry["metrics"][f"test_{key}"]
        assert value == pytest.approx(expected, abs=tolerance)
    if "active_units" in figures:
        assert figures["active_units"] == entry["metrics"]["test_active_units"]


def test_the_shipped_poet_writes_couplets():
    model = zoo.poem_vae(weights="tang")
    _, quote = README.read_text(encoding="utf-8").split("seed=43")
    quoted = re.findall(r"\w{5}，\w{5}。", quote)
    assert quoted[:20] == model.generate(20, seed=43)
    couplets = model.generate(50, seed=1)
    assert len(set(couplets)) == 50
    characters = set("".join(model.vocabulary.characters))
    assert all(set(lines) <= characters | {"，", "。"} for lines in couplets)
    first = model.reconstruct(["白日依山尽黄河入海流"])
    assert first == model.reconstruct(["白日依山尽黄河入海流"])


NOT_SHIPPED = {
    # To be trained:
    "deep_conv_vae",
    "fsq_vae",
    "gated_cnn_classifier",
    "tabular_vae",  # for a table of one's own
}


def test_every_small_model_ships_weights():
    names = {name for name, _ in SHIPPED}
    assert names == set(zoo.list_models()) - NOT_SHIPPED
