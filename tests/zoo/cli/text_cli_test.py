import json

import pytest

import zoo
from tests.poems import CHARACTERS
from tests.zoo.cli.cli_test import call
from tests.zoo.cli.cli_test import output_of
from zoo import runs
from zoo.datasets import feeds
from zoo.pretrained import manifest
from zoo.pretrained import vocabularies
from zoo.runs.ship import main as ship

SMALL = ["--set", "hidden_dim=8", "--epochs", 2]
POEMS = [
    "秦时明月汉时关，万里长征人未还。但使龙城飞将在，不教胡马度阴山。",
    "两个黄鹂鸣翠柳，一行白鹭上青天。窗含西岭千秋雪，门泊东吴万里船。",
    "故人西辞黄鹤楼，烟花三月下扬州。孤帆远影碧空尽，唯见长江天际流。",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on seven-character lines of a file of one's own, and its words."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "own.txt").write_text("\n".join(POEMS), encoding="utf-8")
    text = output_of(
        *["train", "poem_vae", "--data", folder / "own.txt", *SMALL],
        *["--out", folder / "run", "--set", "sentence_length=14"],
        *["--set", "latent_dim=2", "--kl-warm-up", 2],
    )
    return folder / "run", text


@pytest.mark.thorough
def test_a_run_on_a_file_of_ones_own(run):
    folder, text = run
    config = json.loads((folder / "config.json").read_text())
    characters = {c for poem in POEMS for c in poem} - set("，。")
    assert set(config["arguments"]["vocabulary"]) == characters
    model = zoo.load_model(folder / "model.keras")
    assert model.sentence_length == 14
    assert set(model.vocabulary.characters) == characters
    assert float(model.latent.beta) == 0.5  # of the second epoch
    for epoch in (1, 2):
        assert sum(f"{epoch}: " in line for line in text.splitlines()) == 1
    names = {path.name for path in (folder / "pictures").iterdir()}
    assert names == {"samples.txt", "reconstructions.txt", "training.png"}
    assert (folder / "saved_model" / "saved_model.pb").is_file()


@pytest.mark.thorough
def test_scores_of_what_it_was_trained_on(run, tmp_path):
    folder, _ = run
    result = call("score", folder, "--data", folder.parent / "own.txt")
    assert "left out" not in result.stderr
    rows = [line.split(",") for line in result.stdout.splitlines()]
    assert rows[0] == ["text", "score"]
    couplets = "".join(POEMS).replace("，", "").split("。")[:-1]
    assert [name for name, _ in rows[1:]] == couplets
    entries = [{"paragraphs": [POEMS[0]]}, {"paragraphs": [POEMS[1]]}]
    (tmp_path / "own.json").write_text(json.dumps(entries))
    text = output_of("encode", folder, "--data", tmp_path)
    assert [one.split(",")[0] for one in text.splitlines()[1:]] == couplets[:4]


def test_scores_of_single_couplets(run, tmp_path):
    folder, _ = run
    first, second, *_ = POEMS[0].split("。")
    path = tmp_path / "lines.txt"
    path.write_text(f"{first}。\n{second}\n", encoding="utf-8")
    rows = output_of("score", folder, "--data", path).splitlines()
    assert [one.rpartition(",")[0] for one in rows[1:]] == [
        f"{first}。",
        second,
    ]
    path.write_text(f"{first}。\n{second}阴\n", encoding="utf-8")
    refused = call("score", folder, "--data", path)
    assert refused.exit_code == 1 and "of 15 in row 1" in refused.output


def test_rows_without_a_poem_may_be_left_out(run, tmp_path):
    folder, _ = run
    path = tmp_path / "poems.csv"
    path.write_text(f"text,author\n{POEMS[0]},a\n,b\n", encoding="utf-8")
    assert call("score", folder, "--data", path).exit_code == 1
    result = call("score", folder, "--data", path, "--skip-broken")
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 3


def test_poems_without_a_text_are_told(run, tmp_path):
    folder, _ = run
    path = tmp_path / "mixed.txt"
    path.write_text("\n".join([POEMS[0], "秦时明月"]), encoding="utf-8")
    result = call("score", folder, "--data", path)
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 3
    assert "1 of the 2 poems of" in result.stderr


@pytest.mark.thorough
def test_resuming_goes_on(run):
    folder, _ = run
    again = ["train", "poem_vae", "--out", folder, "--resume"]
    refused = call(*again, "--kl-warm-up", 0)
    assert refused.exit_code == 1 and "kl_warm_up=0 instead of 2" in (
        refused.output
    )
    output_of(*again, "--epochs", 3)
    assert len((folder / runs.HISTORY).read_text().splitlines()) == 4


def test_sample_prints_couplets(run):
    options = ["sample", run[0], "--count", 3, "--temperature", 1]
    lines = output_of(*options).splitlines()
    assert len(lines) == 3
    assert all(len(line) == 16 and line[7] == "，" for line in lines)
    assert output_of(*options).splitlines() == lines
    assert output_of(*options, "--seed", 1).splitlines() != lines


def test_evaluate_reports_figures_of_texts(run):
    text = output_of("evaluate", run[0], "--json")
    figures = json.loads(text[text.index("{") :])
    assert set(figures) == {
        "data",
        "examples",
        "held_out",
        "loss",
        "reconstruction_loss",
        "kl_loss",
        "negative_elbo",
        "active_units",
        "elbo_per_character",
        "perplexity",
        "accuracy",
        "novel",
        "distinct_1",
        "distinct_2",
        "repeating_lines",
        "repeating_lines_of_corpus",
    }
    assert figures["data"].endswith("own.txt")
    assert figures["elbo_per_character"] == pytest.approx(-figures["loss"] / 14)


def test_shipping_writes_the_vocabulary(run, tmp_path, monkeypatch):
    from click.testing import CliRunner

    folder, _ = run
    monkeypatch.setattr(manifest, "FOLDER", tmp_path)
    result = CliRunner().invoke(ship, [str(folder), "tang"])
    assert result.exit_code == 0, result.output
    trained = zoo.load_model(folder / "model.keras")
    entry = manifest.tags_of("poem_vae")["tang"]
    assert entry["arguments"]["vocabulary"] is None
    assert "vocabulary" not in entry["command"]
    assert "--kl-warm-up 2" in entry["command"]
    sizes = {"sentence_length": 14, "latent_dim": 2, "hidden_dim": 8}
    shipped = zoo.poem_vae(weights="tang", **sizes)
    assert shipped.vocabulary.characters == trained.vocabulary.characters
    assert shipped.generate(3, seed=0) == trained.generate(3, seed=0)
    assert vocabularies.path_of("poem_vae").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "no/file.txt"], "does not exist"),
        (["--data", "digits"], "'tang'"),
        (["--set", "sentence_length=14"], "two lines of 7 characters"),
        (["--stream"], "read into memory"),
        (["--shift", "1"], "to shift"),
    ],
)
def test_a_mistake_is_told_in_a_line(arguments, message, tmp_path):
    folder = tmp_path / "run"
    result = call("train", "poem_vae", "--out", folder, *SMALL, *arguments)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ") and message in result.output
    assert "Traceback" not in result.output
    assert not folder.exists()


def test_no_shipped_weights_yet_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "FOLDER", tmp_path)
    result = call("sample", "poem_vae")
    assert result.exit_code == 1 and "comes without weights" in result.output


@pytest.mark.thorough
def test_a_text_classifier_trains_evaluates_and_predicts(tmp_path):
    folder = tmp_path / "run"
    output_of("train", "gated_cnn_classifier", "--out", folder, *SMALL)
    names = {path.name for path in (folder / "pictures").iterdir()}
    assert names == {"predictions.txt", "training.png"}
    model = zoo.load_model(folder / "model.keras")
    assert model.encode_text(["春眠不觉晓"]).shape == (1, 5)
    text = output_of("evaluate", folder, "--json")
    assert set(json.loads(text[text.index("{") :])) == {
        *("data", "examples", "held_out", "loss", "accuracy"),
        *("classes", "confusion"),
    }
    own = tmp_path / "own.txt"
    own.write_text("春眠不觉晓，处处闻啼鸟。\n白日依山尽", encoding="utf-8")
    header, *rows = output_of("predict", folder, "--data", own).splitlines()
    assert header == "text,predicted,altered,real" and len(rows) == 2
    assert all(row.split(",")[1] in ("altered", "real") for row in rows)
    drawn = output_of("sample", folder, "--data", "tang", "--out", tmp_path)
    assert "predictions.txt" in drawn
    refused = call("sample", folder, "--out", tmp_path / "none")
    assert refused.exit_code == 1 and "--data tang" in refused.output


def test_feeds_of_models_of_texts():
    model = zoo.poem_vae(hidden_dim=4, compile=False)
    arrays = feeds.load(model, "tang")
    assert arrays.x_train.shape[1] == 10 and arrays.y_train is None
    assert feeds.takes_text(model)
    assert not feeds.takes_text(zoo.dense_vae(4, compile=False))
    with pytest.raises(ValueError, match="vocabulary"):
        feeds.load(zoo.poem_vae(CHARACTERS, compile=False), "tang")


@pytest.mark.thorough
def test_the_shipped_poet_is_judged_on_embedded_couplets():
    result = call("evaluate", "poem_vae", "--json")
    assert result.exit_code == 0, result.output
    assert "figures are those on tang" in result.stderr
    figures = json.loads(result.stdout)
    assert figures["data"] == "tang"
    assert -7 < figures["elbo_per_character"] < -5


def test_texts_are_encoded_and_classified(run, tmp_path):
    lines = [
        "秦时明月汉时关，万里长征人未还。",
        "两个黄鹂鸣翠柳，一行白鹭上青天。",
    ]
    (tmp_path / "own.txt").write_text("\n".join(lines), encoding="utf-8")
    header, *rows = output_of(
        "encode", run[0], "--data", tmp_path / "own.txt"
    ).splitlines()
    assert header == "text,z_0,z_1"
    assert [row.split(",")[0] for row in rows] == lines
    (tmp_path / "own.txt").write_text("太短", encoding="utf-8")
    refused = call("encode", run[0], "--data", tmp_path / "own.txt")
    assert refused.exit_code == 1 and "14 characters" in refused.output
