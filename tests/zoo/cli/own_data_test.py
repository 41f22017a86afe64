"""Own photos and texts through the command line, each trained once."""

import json

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.zoo.cli.cli_test import call
from tests.zoo.cli.cli_test import output_of
from zoo import runs

TEXTS = [("I love it! 👍", "good"), ("Плохо…", "bad"), ("سيئ", "bad")]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "photos"
    random = np.random.default_rng(0)
    for name in ("cat", "dog", "owl"):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            pixels = random.integers(0, 256, (14, 18, 3), dtype="uint8")
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def run_of_photos(photos):
    folder = photos.parent / "run"
    text = output_of(
        *["train", "conditional_vae", "--data", photos, "--out", folder],
        *["--epochs", 1, "--set", "intermediate_dim=4"],
        *["--set", "jit_compile=False"],
    )
    return folder, text


@pytest.mark.thorough
def test_a_net_is_trained_on_photos_as_they_are(run_of_photos):
    folder, text = run_of_photos
    assert (
        "conditional_vae for images of 14 × 18 × 3 (original_dim=756), "
        "3 classes: cat, dog, owl"
    ) in text
    config = json.loads((folder / "config.json").read_text())
    assert config["class_names"] == ["cat", "dog", "owl"]
    assert config["image_shape"] == [14, 18, 3]
    assert runs.class_names_of(folder / "model.keras") == ["cat", "dog", "owl"]
    names = {path.name for path in (folder / "pictures").iterdir()}
    assert {"class_samples.png", "latent.png", "reconstructions.png"} <= names


@pytest.mark.thorough
def test_the_run_is_drawn_in_the_shape_of_its_photos(run_of_photos, tmp_path):
    out = output_of("sample", run_of_photos[0], "--out", tmp_path)
    assert "class_samples.png" in out


def test_a_run_without_sizes_in_common_is_refused(photos, tmp_path):
    for name in ("a", "b"):
        (tmp_path / "mixed" / name).mkdir(parents=True)
        for side in (20, 30):
            image = Image.new("RGB", (side, side))
            image.save(tmp_path / "mixed" / name / f"{side}.png")
    out = tmp_path / "run"
    result = call(
        "train", "conv_vae", "--data", tmp_path / "mixed", "--out", out
    )
    assert result.exit_code == 1 and "--resize 32x32" in result.output
    assert not out.exists()


@pytest.fixture(scope="module")
def run_of_texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    lines = [f"{text},{label}" for text, label in TEXTS * 8]
    table = folder / "own.csv"
    table.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    text = output_of(
        *["train", "gated_cnn_classifier", "--data", table, "--epochs", 1],
        *["--set", "hidden_dim=4", "--out", folder / "run"],
    )
    return folder, text


@pytest.mark.thorough
def test_a_classifier_is_trained_on_a_table(run_of_texts):
    folder, text = run_of_texts
    assert "2 classes: bad, good" in text
    page = (folder / "run" / "pictures" / "predictions.txt").read_text("utf-8")
    assert "labelled good" in page or "labelled bad" in page
    model = zoo.load_model(folder / "run" / "model.keras")
    assert model.encode_text(["new: 不"]).shape == (1, 5)  # □ for 不, no colon


@pytest.mark.thorough
def test_the_classifier_is_judged_on_another_table(run_of_texts, tmp_path):
    folder, _ = run_of_texts
    other = tmp_path / "other.jsonl"
    lines = [{"content": "love", "sentiment": "good"}] * 12
    lines += [{"content": "плохо", "sentiment": "bad"}]
    other.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    text = output_of("evaluate", folder / "run", "--data", other, "--json")
    assert 0 <= json.loads(text[text.index("{") :])["accuracy"] <= 1
    lines[0]["sentiment"] = "new"
    other.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    refused = call("evaluate", folder / "run", "--data", other)
    assert refused.exit_code == 1 and "bad, good. Received: new" in (
        refused.output
    )
