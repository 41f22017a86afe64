"""Commands that use a trained model: predict, encode, evaluate, compare."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.zoo.cli.cli_test import call
from tests.zoo.cli.cli_test import output_of
from zoo import runs
from zoo.counting import trained_parameters

NAMES = ["cat", "dog", "fox"]
SIDE = 14


def train(*arguments):
    output_of("train", *arguments, "--set", "jit_compile=false")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of grey images of three classes, told apart by their shade."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for shade, name in enumerate(NAMES):
        (folder / name).mkdir()
        for number in range(12):
            noise = random.integers(0, 40, (SIDE, SIDE), "uint8")
            image = Image.fromarray((noise + 90 * shade).astype("uint8"))
            image.save(folder / name / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def classifier(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "animals"
    train("pooling_cnn", "--data", pictures, "--epochs", 2, "--out", folder)
    return folder


@pytest.fixture(scope="module")
def vaes(tmp_path_factory):
    """Two runs of a VAE that differ in their latents."""
    folder = tmp_path_factory.mktemp("vaes")
    images = np.random.default_rng(0).integers(0, 256, (40, 4, 4), "uint8")
    np.savez(folder / "own.npz", x=images)
    for dims in (2, 3):
        train(
            *["dense_vae", "--data", folder / "own.npz", "--epochs", dims],
            *["--out", folder / f"of_{dims}", "--set", "original_dim=16"],
            *["--set", "intermediate_dim=8", "--set", f"latent_dim={dims}"],
        )
    return folder


def table_in(text):
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.thorough
def test_predict_names_the_classes(classifier, pictures):
    header, *rows = table_in(
        output_of("predict", classifier, "--data", pictures)
    )
    assert header == ["file", "predicted", *NAMES]
    assert len(rows) == 36 and rows[0][0] == "cat/00.png"
    for _, predicted, *scores in rows:
        best = np.argmax(np.array(scores, float))
        assert NAMES[best] == predicted


def test_predict_takes_one_image_and_arrays(classifier, pictures, tmp_path):
    image = pictures / "dog" / "03.png"
    _, row = table_in(output_of("predict", classifier, "--data", image))
    assert row[0] == "03.png"
    pixels = np.asarray(Image.open(image))[np.newaxis]
    np.savez(tmp_path / "own.npz", x=pixels)
    out = tmp_path / "new" / "scores.npz"
    output_of(
        *["predict", classifier / runs.MODEL, "--data", tmp_path / "own.npz"],
        *["--out", out],
    )
    with np.load(out) as found:
        assert found["class_names"].tolist() == NAMES
        assert found["row"].tolist() == [0]
        np.testing.assert_allclose(
            found["scores"][0], np.array(row[2:], float), atol=1e-4
        )
        assert NAMES[found["predicted"][0]] == row[1]


def test_images_of_any_sizes_keep_their_order(classifier, tmp_path):
    for number, side in enumerate([20, 14, 14, 20]):
        image = Image.new("L", (side, side), 80 * number)
        image.save(tmp_path / f"{number}.png")
    _, *rows = table_in(output_of("predict", classifier, "--data", tmp_path))
    assert [row[0] for row in rows] == [f"{place}.png" for place in range(4)]
    for number in range(4):
        one = output_of(
            "predict", classifier, "--data", tmp_path / f"{number}.png"
        )
        np.testing.assert_allclose(
            np.array(table_in(one)[1][2:], float),
            np.array(rows[number][2:], float),
            atol=1e-4,
        )


def test_broken_images_are_named_or_left_out(classifier, pictures, tmp_path):
    for name in ("cat/00.png", "dog/01.png"):
        (tmp_path / name.replace("/", "_")).write_bytes(
            (pictures / name).read_bytes()
        )
    (tmp_path / "broken.png").write_bytes(b"no image")
    command = ["predict", classifier, "--data", tmp_path]
    refused = call(*command)
    assert refused.exit_code == 1 and "1 of 3 images" in refused.output
    assert "broken.png" in refused.output
    result = call(*command, "--skip-broken")
    (told,) = result.stderr.splitlines()
    assert told.startswith("Warning: 1 of 3") and "out: broken.png" in told
    _, *rows = table_in(result.stdout)
    assert [row[0] for row in rows] == ["cat_00.png", "dog_01.png"]


@pytest.mark.slow
def test_images_are_resized_if_asked(vaes, classifier, pictures, tmp_path):
    run, words = vaes / "of_2", ["--data", pictures, "--resize", 4]
    assert len(table_in(output_of("encode", run, *words))) == 37
    text = output_of("evaluate", run, *words, "--json")
    assert json.loads(text)["examples"] == 36
    paths = output_of("sample", run, *words, "--out", tmp_path / "drawn")
    assert "reconstructions.png" in paths


@pytest.mark.thorough
def test_encode_gives_the_latents(vaes, tmp_path):
    out = tmp_path / "z.npz"
    data = vaes / "own.npz"
    text = output_of("encode", vaes / "of_3", "--data", data)
    header, *rows = table_in(text)
    assert header == ["row", "z_0", "z_1", "z_2"]
    output_of("encode", vaes / "of_3", "--data", data, "--out", out)
    model = zoo.load_model(vaes / "of_3" / runs.MODEL)
    with np.load(data) as found:
        z = model.encode(found["x"].reshape(40, 16) / 255)
    with np.load(out) as found:
        np.testing.assert_allclose(found["z"], z, rtol=1e-5, atol=1e-6)
    received = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(received, z, rtol=1e-4, atol=1e-5)


def test_evaluate_has_figures_of_each_class(classifier, pictures, tmp_path):
    picture = tmp_path / "new" / "confusion.png"
    text = output_of(
        *["evaluate", classifier, "--confusion", picture, "--data", pictures]
    )
    lines = [line.split() for line in text.splitlines()]
    assert ["class", "precision", "recall", "count"] in lines
    assert [line for line in lines if line[:1] == ["fox"]]
    assert "label ↓, predicted →" in text
    assert Image.open(picture).width < 2000
    figures = json.loads(
        output_of("evaluate", classifier, "--json", "--data", pictures)
    )
    confusion = np.array(figures["confusion"])
    assert confusion.sum() == figures["examples"] == 6
    classes = figures["classes"]
    assert [one["name"] for one in classes] == NAMES
    assert [one["count"] for one in classes] == confusion.sum(1).tolist()
    right = np.trace(confusion) / confusion.sum()
    assert figures["accuracy"] == pytest.approx(right, abs=1e-6)
    for place, one in enumerate(classes):
        for name, total in (("recall", 1), ("precision", 0)):
            of_all = confusion.sum(total)[place]
            expected = confusion[place, place] / of_all if of_all else None
            assert one[name] == pytest.approx(expected)


def test_data_of_others_are_tested_as_a_whole(classifier, pictures, tmp_path):
    for name in NAMES:
        (tmp_path / "own" / name).mkdir(parents=True)
        for number in range(3):
            file = f"{name}/{number:02}.png"
            (tmp_path / "own" / file).write_bytes(
                (pictures / file).read_bytes()
            )
    counts = {}
    for data in (tmp_path / "own", pictures):
        text = output_of("evaluate", classifier, "--json", "--data", data)
        counts[data] = json.loads(text)["examples"]
    assert list(counts.values()) == [9, 6]


def test_compare_shows_what_differs(vaes, tmp_path):
    picture = tmp_path / "curves.png"
    both = [vaes / "of_2", vaes / "of_3"]
    lines = output_of("compare", *both, "--out", picture).splitlines()
    cells = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert lines[0].split() == ["of_2", "of_3"]
    assert cells["latent_dim"] == ["2", "3"]
    assert "original_dim" not in cells and "data" not in cells
    assert picture.stat().st_size > 1000
    table = json.loads(output_of("compare", *both, "--json"))
    for run in both:
        model = zoo.load_model(run / runs.MODEL)
        column = table[str(run)]
        assert column["parameters"] == f"{trained_parameters(model):,}"
        with open(run / runs.HISTORY, newline="") as file:
            history = list(csv.DictReader(file))
        losses = [float(row["val_loss"]) for row in history]
        assert column["loss, last"] == f"{losses[-1]:.5g}"
        best = int(np.argmin(losses))
        assert column["loss, best"] == f"{losses[best]:.5g} ({best + 1})"


@pytest.mark.parametrize("name", ["one.png", "new/one.png"])
def test_sample_draws_one_picture(name, vaes, tmp_path):
    out = tmp_path / name
    assert output_of("sample", vaes / "of_2", "--out", out) == f"{out}\n"
    assert Image.open(out).width > 100
    assert list(out.parent.iterdir()) == [out]
    refused = call("sample", vaes / "of_2", "--out", out)
    assert refused.exit_code == 1 and "--overwrite" in refused.output
    output_of("sample", vaes / "of_2", "--out", out, "--overwrite")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "VAE", "--data", "OWN"], "no classes to predict"),
        (["encode", "NET", "--data", "OWN"], "has no latents"),
        (["evaluate", "NET", "--data", "OWN"], "has no labels"),
        (["evaluate", "VAE", "--confusion", "x.png"], "is for classifiers"),
        (["predict", "NET", "--data", "no.npz"], "does not exist"),
        (["predict", "NET", "--data", "OWN", "--out", "x.txt"], ".csv or .npz"),
        (["predict", "NET", "--data", "OWN", "--out", ""], "must not be empty"),
        (["predict", "NET", "--data", ""], "--data must not be empty"),
        (["sample", "NET", "--out", ""], "--out must not be empty"),
        (["export", "NET", "--out", ""], "--out must not be empty"),
        (["evaluate", "NET", "--weights", ""], "--weights must not be empty"),
        (["compare", "VAE", "--out", ""], "--out must not be empty"),
        (["sample", "VAE", "--count", 3], "--count must not be given"),
        (["sample", "VAE", "--temperature", 1], "draws no codes"),
        (["encode", "VAE", "--data", "OWN"], "`--resize 4` makes"),
        (["evaluate", "VAE", "--data", "OWN"], "`--resize 4` makes"),
        (["sample", "VAE", "--data", "OWN"], "`--resize 4` makes"),
        (["predict", "NET", "--data", "OWN", "--out", "here.csv"], "exists"),
        (["compare", "VAE", "nothing"], "nothing, which does not exist"),
        (["export", "NET", "--out", "m.h5"], ".weights.h5 for weights"),
        (["export", "NET", "--out", "m.onnx", "--format", "keras"], "end in"),
        (["export", "NET", "--out", "m.keras", "--format", "onnx"], "end in"),
        (["export", "VAE", "--out", "m.tflite"], "give a folder"),
        (["export", "NET", "--out", "full"], "holds files"),
    ],
)
def test_a_mistake_is_told_in_a_line(
    arguments, message, vaes, classifier, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.csv").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    np.savez(tmp_path / "own.npz", x=np.zeros((3, SIDE, SIDE), "uint8"))
    places = {"VAE": vaes / "of_2", "NET": classifier, "OWN": "own.npz"}
    result = call(*(places.get(word, word) for word in arguments))
    assert result.exit_code == 1, result.output
    assert message in result.output and "Traceback" not in result.output
    assert (tmp_path / "here.csv").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("options", "made"),
    [
        (["--out", "m", "--format", "keras"], "m.keras"),
        (["--out", "new/m.keras"], "new/m.keras"),
        (["--out", "v1.0"], "v1.0"),
        (["--out", "m", "--format", "weights"], "m.weights.h5"),
        (["--out", "m.weights.h5"], "m.weights.h5"),
    ],
)
def test_what_is_exported_is_read(options, made, vaes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = vaes / "of_3"
    assert output_of("export", run, *options) == f"{made}\n"
    model = zoo.load_model(run / runs.MODEL)
    x = np.random.default_rng(0).random((3, 16), "float32")
    expected = model.encode(x)
    if made.endswith(".h5"):
        sizes = {"original_dim": 16, "intermediate_dim": 8, "latent_dim": 3}
        received = zoo.dense_vae(**sizes, weights=made).encode(x)
    elif made.endswith(".keras"):
        received = zoo.load_model(made).encode(x)
    else:
        served = zoo.load_model(made)
        received, _ = served.encode(x)
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)
    refused = call("export", run, *options)
    assert refused.exit_code == 1 and "exists already" in refused.output
    output_of("export", run, *options, "--overwrite")


def lite_outputs(path, x):
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(str(path))
    (entry,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(entry["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry["index"], x)
    interpreter.invoke()
    return [
        np.array(interpreter.get_tensor(one["index"]))
        for one in interpreter.get_output_details()
    ]


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_litert_files_give_the_numbers_of_keras(vaes, classifier, tmp_path):
    run = vaes / "of_2"
    text = output_of("export", run, "--out", tmp_path, "--format", "litert")
    assert text.splitlines() == [
        str(tmp_path / "encoder.tflite"),
        str(tmp_path / "decoder.tflite"),
    ]
    random = np.random.default_rng(0)
    x = random.random((3, 16), "float32")
    model = zoo.load_model(run / runs.MODEL)
    received = lite_outputs(tmp_path / "encoder.tflite", x)
    for head in model.posterior(x):
        assert min(np.abs(head - one).max() for one in received) < 1e-5
    z = random.random((3, 2), "float32")
    (received,) = lite_outputs(tmp_path / "decoder.tflite", z)
    np.testing.assert_allclose(received, model.decode(z), atol=1e-5)

    output_of("export", classifier, "--out", tmp_path / "net.tflite")
    x = random.random((2, SIDE, SIDE, 1), "float32")
    (received,) = lite_outputs(tmp_path / "net.tflite", x)
    expected = zoo.load_model(classifier / runs.MODEL).predict(x, verbose=0)
    np.testing.assert_allclose(received, expected, atol=1e-5)


def test_a_classifier_is_one_onnx_file(classifier, tmp_path):
    pytest.importorskip("tf2onnx", reason="the onnx extra is not installed")
    runtime = pytest.importorskip("onnxruntime")
    output_of("export", classifier, "--out", tmp_path / "net.onnx")
    session = runtime.InferenceSession(tmp_path / "net.onnx")
    x = np.random.default_rng(0).random((2, SIDE, SIDE, 1), "float32")
    (received,) = session.run(None, {session.get_inputs()[0].name: x})
    expected = zoo.load_model(classifier / runs.MODEL).predict(x, verbose=0)
    np.testing.assert_allclose(received, expected, atol=1e-5)
