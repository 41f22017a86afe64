"""A table of one's own through the command line, trained once."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.helpers import tensorflow_only
from tests.zoo.cli.cli_test import call
from tests.zoo.cli.cli_test import output_of

HEADER = ["size", "colour", "age", "kind"]
RANDOM = np.random.default_rng(0)
ROWS = [
    [f"{age / 10 + 0.1 * RANDOM.normal():.3f}", colour, age, kind]
    for age, colour, kind in zip(
        RANDOM.integers(20, 60, 60), ["red", "blue"] * 30, ["ok", "ill"] * 30
    )
]


def _write(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    data = _write(folder / "table.csv", HEADER, ROWS)
    text = output_of(
        *["train", "tabular_vae", "--data", data, "--out", folder / "run"],
        *["--label-column", "kind", "--category-columns", "colour"],
        *["--epochs", 2, "--set", "intermediate_dim=4"],
        *["--set", "jit_compile=False"],
    )
    assert "tabular_vae for rows of 4 columns" in text
    return folder / "run"


@pytest.fixture
def new(tmp_path):
    """Columns in another order, without the label; the first row is odd."""
    rows = [[age, size, colour] for size, colour, age, _ in ROWS[:9]]
    rows[0][0] = 5000
    return _write(tmp_path / "new.csv", ["age", "size", "colour"], rows)


def _rows(text):
    lines = [line for line in text.splitlines() if "," in line]
    return list(csv.DictReader(io.StringIO("\n".join(lines))))


@pytest.mark.thorough
def test_the_run_keeps_the_columns(run):
    config = json.loads((run / "config.json").read_text())
    assert config["columns"] == {
        "size": "number",
        "colour": ["blue", "red"],
        "age": "integer",
        "kind": "label",
    }
    assert config["arguments"]["categories"] == {"colour": 2}
    assert {one.name for one in (run / "pictures").iterdir()} == {
        "latent.png",
        "training.png",
    }


@pytest.mark.thorough
def test_scores(run, new, tmp_path):
    out = tmp_path / "scores.csv"
    options = ["--quantile", 0.99, "--samples", 3, "--out", out]
    text = output_of("score", run, "--data", new, *options)
    assert "score above the threshold" in text
    table = _rows(out.read_text())
    assert list(table[0]) == ["row", "score", "is_outlier"]
    scores = [float(row["score"]) for row in table]
    assert len(scores) == 9 and np.argmax(scores) == 0
    assert table[0]["is_outlier"] == "1"
    model = zoo.load_model(run)
    assert not model.has_threshold  # the run is left as it was
    (table,) = [_rows(output_of("score", run, "--data", new))]
    assert list(table[0]) == ["row", "score"]


def test_scores_of_columns(run, new, tmp_path):
    out = tmp_path / "scores.npz"
    options = ["--data", new, "--values"]
    table = _rows(output_of("score", run, *options))
    names = ["nats_size", "nats_colour", "nats_age"]
    assert list(table[0]) == ["row", "score", *names]
    nats = np.array([[float(row[name]) for name in names] for row in table])
    assert nats[0].argmax() == 2 and nats[:, 1].min() > 0
    output_of("score", run, *options, "--out", out)
    with np.load(out) as arrays:  # numbers first, categories last
        values = arrays["values"]
    assert values.shape == (9, 4)
    np.testing.assert_allclose(values[:, 2:].sum(1), nats[:, 1], rtol=1e-4)
    np.testing.assert_allclose(values.sum(1), nats.sum(1), rtol=1e-4)
    refused = call("score", run, *options, "--picture", tmp_path / "no.png")
    assert refused.exit_code == 1 and "is for images" in refused.output


def test_scores_of_images(tmp_path):
    images = tmp_path / "images.npz"
    np.savez(images, x=RANDOM.random((3, 28, 28, 1)).astype("float32"))
    table = _rows(output_of("score", "dense_vae", "--data", images))
    assert len(table) == 3 and float(table[0]["score"]) > 200
    picture = tmp_path / "scores.png"
    table = _rows(
        output_of(
            *["score", "dense_vae", "--data", images, "--values"],
            *["--picture", picture],
        )
    )
    assert len(table[0]) == 2 + 784 and picture.stat().st_size > 5_000
    refused = call("score", "dense_vae", "--data", images, "--picture", "a.gif")
    assert "--picture must end in .png. Received: a.gif" in refused.output
    refused = call("score", "conditional_vae", "--data", images)
    assert refused.exit_code == 1
    assert "with its label" in refused.output and "without" in refused.output
    refused = call("score", "pooling_cnn", "--data", images)
    assert refused.exit_code == 1 and "no likelihood" in refused.output


def test_scores_under_labels(tmp_path):
    images = RANDOM.integers(0, 256, (4, 28, 28), "uint8")
    labels = np.array([1, 1, 3, 7])
    archive, folder = tmp_path / "labelled.npz", tmp_path / "digits"
    np.savez(archive, x=images, y=labels)
    for place, (image, label) in enumerate(zip(images, labels)):
        path = folder / str(label) / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    model = zoo.conditional_vae(weights="mnist")
    x = images.reshape(4, 784).astype("float32") / 255
    expected = model.score_samples([x, np.eye(10, dtype="float32")[labels]])
    picture = tmp_path / "maps.png"
    for source in (archive, folder):
        call_ = ["score", "conditional_vae", "--data", source, "--overwrite"]
        table = _rows(output_of(*call_, "--picture", picture))
        received = [float(row["score"]) for row in table]
        np.testing.assert_allclose(received, expected, rtol=1e-5)
    assert picture.stat().st_size > 2_000
    (folder / "7").rename(folder / "seven")
    refused = call("score", "conditional_vae", "--data", folder)
    assert refused.exit_code == 1
    assert "among the classes 0, 1, 2" in refused.output
    assert "Received: seven" in refused.output
    # Its encoder takes images alone: those of any folder.
    assert len(_rows(output_of("encode", "conditional_vae", "--data", folder)))


def test_latents_under_labels(tmp_path):
    images = RANDOM.random((3, 12)).astype("float32")
    archive, path = tmp_path / "labelled.npz", tmp_path / "both.keras"
    np.savez(archive, x=images, y=[0, 2, 1])
    model = zoo.conditional_vae(
        12, num_classes=3, intermediate_dim=4, condition="both", seed=0
    )
    model.save(path)
    table = _rows(output_of("encode", path, "--data", archive))
    expected = model.encode([images, np.eye(3)[[0, 2, 1]]])
    received = [[float(row["z_0"]), float(row["z_1"])] for row in table]
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6)
    np.savez(archive, x=images)
    refused = call("encode", path, "--data", archive)
    assert refused.exit_code == 1 and "with its label" in refused.output


def test_new_rows(run, tmp_path):
    out = tmp_path / "rows.csv"
    output_of("sample", run, "--count", 5, "--out", out)
    table = _rows(out.read_text())
    assert len(table) == 5
    assert list(table[0]) == ["size", "colour", "age"]
    assert {row["colour"] for row in table} <= {"red", "blue"}
    assert all(row["age"].lstrip("-").isdigit() for row in table)
    assert max(len(row["size"]) for row in table) > len("-0.12345")
    refused = call("sample", run, "--temperature", 1.0)
    assert "--temperature must not be given" in refused.output


def test_evaluate_and_encode(run, new):
    figures = json.loads(output_of("evaluate", run, "--json"))
    assert figures["examples"] == 6 and figures["held_out"]
    table = _rows(output_of("encode", run, "--data", new))
    assert len(table) == 9 and len(table[0]) == 9


@tensorflow_only
def test_saved_model(run):
    served = zoo.load_model(run / "saved_model")
    assert served.generate(3).shape == (3, 4)


def test_other_data_are_refused(run, tmp_path):
    other = _write(tmp_path / "other.csv", ["size", "age"], [[1, 2]])
    refused = call("score", run, "--data", other)
    assert refused.exit_code == 1
    assert "without colour" in refused.output
    refused = call("train", "tabular_vae", "--data", "mnist_small")
    assert "must be a table of numbers" in refused.output
    refused = call("train", "dense_vae", "--data", other)
    assert "A table holds no images" in refused.output


def test_rows_keep_their_numbers(run, new, tmp_path):
    """As pandas numbers them: blank lines do not count, empty rows do."""
    whole = _rows(output_of("encode", run, "--data", new))
    lines = new.read_text().splitlines()
    lines[2] = ",0.5,red"
    lines[4:6] = ["", ",,", lines[4], lines[5]]
    broken = tmp_path / "broken.csv"
    broken.write_text("\n".join(lines))
    for command in ("encode", "score"):
        text = output_of(command, run, "--data", broken, "--skip-broken")
        table = _rows(text[text.index("row,") :])
        rows = [int(row["row"]) for row in table]
        assert rows == [0, 2, 4, 5, 6, 7, 8, 9]
        if command == "encode":
            del whole[1]
            for one, same in zip(table, whole, strict=True):
                assert float(one["z_0"]) == pytest.approx(
                    float(same["z_0"]), rel=1e-4
                )


def test_a_model_knows_the_columns_that_its_run_was_trained_on(tmp_path):
    pandas = pytest.importorskip("pandas")
    rows = [[size, age] for size, _, age, _ in ROWS]
    data = _write(tmp_path / "table.csv", ["size", "age"], rows)
    output_of(
        *["train", "tabular_vae", "--data", data, "--out", tmp_path / "run"],
        *["--epochs", 1, "--model-only", "--set", "jit_compile=False"],
    )
    model = zoo.load_model(tmp_path / "run")
    frame = pandas.read_csv(data)
    scores = model.score_samples(frame)
    np.testing.assert_array_equal(
        model.score_samples(frame[["age", "size"]]), scores
    )
    with pytest.raises(ValueError, match="size"):
        model.score_samples(frame.rename(columns={"size": "height"}))
