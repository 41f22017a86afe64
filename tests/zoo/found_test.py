"""What the data of a run tell of its net; nothing is trained."""

import dataclasses
import json
import shlex

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.cli.training import train as train_command
from zoo.datasets import feeds
from zoo.datasets import run_feeds
from zoo.datasets import shapes
from zoo.datasets.reading import Reading
from zoo.options import arguments_from
from zoo.registry import builder_of
from zoo.runs.commands import command_of
from zoo.settings import ASKED_FOR
from zoo.settings import Settings


def save_classes(folder, size, names=("cat", "dog", "owl")):
    random = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(4):
            pixels = random.integers(0, 256, (*size, 3), dtype="uint8")
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return save_classes(tmp_path_factory.mktemp("data") / "photos", (40, 56))


@pytest.mark.parametrize(
    ("name", "options", "arguments", "line"),
    [
        (
            "dense_vae",
            {},
            {"original_dim": 6720},
            "dense_vae for images of 40 × 56 × 3 (original_dim=6720), "
            "3 classes: cat, dog, owl",
        ),
        (
            "conv_vae",
            {},
            {"input_shape": [40, 56, 3]},
            "conv_vae for images of 40 × 56 × 3, 3 classes: cat, dog, owl",
        ),
        (
            "capsnet",
            {"resize": 32, "grey": True},
            {"input_shape": [32, 32, 1], "num_classes": 3},
            "capsnet for images of 32 × 32 × 1, 3 classes: cat, dog, owl",
        ),
        (
            "capsule_cnn",
            {"resize": "20x30"},
            {"input_shape": [None, None, 3], "num_classes": 3},
            "capsule_cnn for images of 20 × 30 × 3, 3 classes: cat, dog, owl",
        ),
        (
            "conditional_vae",
            {"resize": (8, 6)},
            {"original_dim": 144, "num_classes": 3},
            "conditional_vae for images of 8 × 6 × 3 (original_dim=144), "
            "3 classes: cat, dog, owl",
        ),
    ],
)
def test_a_net_is_built_for_the_images(photos, name, options, arguments, line):
    settings = Settings.of(name, data=photos, **options)
    assert settings.arguments == arguments
    assert settings.class_names == ["cat", "dog", "owl"]
    assert settings.described() == line
    words = shlex.split(command_of(settings))[4:]
    assert "--set" not in words
    with train_command.make_context("train", words) as context:
        given = {key: context.params[key] for key in ASKED_FOR}
    assert Settings.of(name, **given) == settings


@pytest.mark.parametrize(
    ("data", "name", "arguments"),
    [
        ("digits", "dense_vae", {"original_dim": 64}),
        ("mnist_small", "conv_vae", {"input_shape": [28, 28, 1]}),
        (
            "smallnorb",
            "matrix_capsnet",
            {"input_shape": [48, 48, 2], "num_classes": 5},
        ),
    ],
)
def test_a_net_is_built_for_a_known_set(data, name, arguments):
    assert Settings.of(name, data=data).arguments == arguments


@pytest.mark.parametrize(
    ("shape", "name", "arguments"),
    [
        ((12, 16), "conv_vae", {"input_shape": [12, 16, 1]}),
        ((12, 16, 3), "conv_vae", {"input_shape": [12, 16, 3]}),
        ((30,), "dense_vae", {"original_dim": 30}),
        ((784,), "conv_vae", {"input_shape": [28, 28, 1]}),
        ((144,), "conv_vae", {"input_shape": [12, 12, 1]}),
    ],
)
def test_a_net_is_built_for_an_archive(tmp_path, shape, name, arguments):
    np.savez(tmp_path / "own.npz", x=np.zeros((20, *shape)))
    settings = Settings.of(name, data=tmp_path / "own.npz")
    assert settings.arguments == arguments


def test_what_is_given_is_not_looked_for(photos):
    settings = Settings.of(
        "conditional_vae",
        data=photos,
        arguments={"original_dim": 784, "num_classes": 5},
    )
    assert settings.arguments == {"original_dim": 784, "num_classes": 5}
    assert settings.class_names == ["cat", "dog", "owl", "3", "4"]


def test_sides_that_a_net_cannot_take_tell_what_to_type(tmp_path):
    photos = save_classes(tmp_path / "odd", (41, 57))
    settings = Settings.of("conv_vae", data=photos)
    build = builder_of("conv_vae")
    with pytest.raises(ValueError, match="multiple of 4.*--resize 40x56"):
        build(**settings.arguments)
    settings = Settings.of("conv_vae", data=photos, resize="40x56")
    build(**settings.arguments, compile=False)
    small = Settings.of("capsnet", data=photos, resize=8)
    with pytest.raises(ValueError, match="at least 17.*--resize 32x32"):
        builder_of("capsnet")(**small.arguments)


def test_images_too_small_for_free_sides_tell_what_to_type(photos):
    settings = Settings.of("capsule_cnn", data=photos, resize=8)
    model = zoo.capsule_cnn(**settings.arguments, compile=False)
    with pytest.raises(ValueError, match="8 × 8. `--resize 28`"):
        shapes.check_large_enough(model, settings)


@pytest.mark.filterwarnings("error")
def test_what_was_asked_for_is_done_without_a_word(photos):
    for options in ({}, {"resize": "20x16"}, {"resize": 16, "grey": True}):
        settings = Settings.of("dense_vae", data=photos, **options)
        model = zoo.dense_vae(**settings.arguments, compile=False)
        arrays = feeds.load(model, photos, Reading.of(settings))
        assert arrays.x_train.shape[1:] == model.inputs[0].shape[1:]
        of_flat = shapes.shape_of_flat(model, Reading.of(settings))
        assert list(of_flat) == settings.image_shape


def test_other_images_for_a_net_are_resized_if_asked(photos, tmp_path):
    settings = Settings.of("dense_vae", data=photos)
    model = zoo.dense_vae(**settings.arguments, compile=False)
    larger = save_classes(tmp_path / "larger", (60, 70))
    reading = Reading.of(settings)
    with pytest.raises(ValueError, match="60 × 70 × 3. `--resize 40x56`"):
        feeds.load(model, larger, reading)
    asked = dataclasses.replace(reading, resize="40x56")
    arrays = feeds.load(model, larger, asked)
    assert arrays.x_train.shape[1:] == (6720,)


def test_classes_of_other_data_matter_where_labels_were_learned(
    photos, tmp_path
):
    others = save_classes(tmp_path / "others", (40, 56), ("ant", "cat"))
    reading = Reading.of(Settings.of("dense_vae", data=photos))
    vae = zoo.dense_vae(6720, compile=False)
    assert set(feeds.load(vae, others, reading).y_train.tolist()) == {0, 1}
    assert feeds.class_names(vae, others, reading) == ["ant", "cat"]
    cnn = zoo.pooling_cnn((40, 56, 3), 3, compile=False)
    assert feeds.class_names(cnn, others, reading) == ["cat", "dog", "owl"]
    with pytest.raises(ValueError, match="cat, dog, owl. .*ant"):
        feeds.load(cnn, others, reading)


def test_streams_are_flat_for_a_flat_net(photos):
    settings = Settings.of(
        "conditional_vae", data=photos, resize="8x6", streaming=True
    )
    model = zoo.conditional_vae(**settings.arguments, compile=False)
    ((images, labels),) = next(
        iter(run_feeds.feed(model, settings).training(0))
    )
    assert images.shape[1:] == (144,) and labels.shape[1:] == (3,)


TABLE = "text,label\n" + "Good 👍,up\nплохо!,down\nسيئ,down\n" * 5


def test_a_classifier_is_built_for_a_table(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(TABLE, encoding="utf-8")
    settings = Settings.of("gated_cnn_classifier", data=path)
    characters = set("Good 👍плохо!سيئ")
    assert set(settings.arguments.pop("vocabulary")) == characters
    assert settings.arguments == {"num_classes": 2, "unknown": "□"}
    assert settings.class_names == ["down", "up"]
    assert "--set" not in command_of(
        Settings.of("gated_cnn_classifier", data=path)
    )


def test_a_classifier_that_begins_with_a_run_reads_texts(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(TABLE, encoding="utf-8")
    before = Settings.of("gated_cnn_classifier", data=path)
    config = json.dumps(dataclasses.asdict(before))
    (tmp_path / "config.json").write_text(config)
    settings = Settings.of("gated_cnn_classifier", data=path, weights=tmp_path)
    assert "vocabulary" not in settings.arguments
    assert settings.described() == before.described()
    assert "for texts of 13 different characters" in before.described()


@pytest.mark.filterwarnings("ignore:.*brought to")
def test_a_poet_is_built_for_lines(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("to be,\nor not to be\n", encoding="utf-8")
    settings = Settings.of("poem_vae", data=path)
    assert settings.arguments["sentence_length"] == 12
    assert set(settings.arguments["vocabulary"]) == set("to be,rn")
    assert "--set" not in command_of(settings)
    shorter = Settings.of(
        "poem_vae", data=path, arguments={"sentence_length": 4}
    )
    assert command_of(shorter).endswith("--set sentence_length=4")


def test_couplets_of_another_length_are_part_of_the_command(tmp_path):
    path = tmp_path / "own.txt"
    poems = [
        "秦时明月汉时关，万里长征人未还。",
        "两个黄鹂鸣翠柳，一行白鹭上青天。",
    ]
    path.write_text("\n".join(poems), encoding="utf-8")
    with pytest.raises(ValueError, match="mostly 7 characters"):
        Settings.of("poem_vae", data=path)
    settings = Settings.of(
        "poem_vae", data=path, arguments={"sentence_length": 14}
    )
    assert command_of(settings).endswith("--set sentence_length=14")


def test_couplets_keep_the_length_of_the_poet():
    settings = Settings.of("poem_vae", data="tang")
    assert settings.arguments["sentence_length"] == 10
    names = Settings.of("gated_cnn_classifier", data="tang").class_names
    assert names == ["altered", "real"]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("(40, 56, 3)", (40, 56, 3)),
        ("[40, 56, 3]", [40, 56, 3]),
        ("(None, None, 3)", (None, None, 3)),
        ("None", None),
        ("null", None),
        ("True", True),
        ("1e-3", 1e-3),
        ("'a b'", "a b"),
        ("{'a': (1,)}", {"a": (1,)}),
        ("kmeans", "kmeans"),
        ("山水月", "山水月"),
        ("{1, 2}", "{1, 2}"),
        ("b'a'", "b'a'"),
        ("(40, 56", "(40, 56"),
        ("", ""),
    ],
)
def test_values_are_json_or_as_python_writes_them(word, value):
    (found,) = arguments_from((f"x={word}",)).values()
    assert found == value and type(found) is type(value)
