import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.datasets import feeds
from zoo.datasets import images
from zoo.datasets import run_feeds
from zoo.datasets.examples import read_examples
from zoo.datasets.reading import Reading
from zoo.settings import Settings


@pytest.fixture(scope="module")
def capsules():
    return zoo.capsule_cnn(compile=False)


def test_images_too_small_for_a_model_of_any_size_are_refused(capsules):
    with pytest.raises(ValueError, match="digits of 8 × 8. `--resize 28`"):
        feeds.image_shape(capsules, "digits")
    asked = Reading(resize="28")
    assert feeds.image_shape(capsules, "digits", asked) == (28, 28, 1)


def test_images_large_enough_keep_their_size(capsules, tmp_path):
    np.savez(tmp_path / "own.npz", x=np.zeros((20, 14, 19)), y=np.arange(20))
    shape = feeds.image_shape(capsules, tmp_path / "own.npz")
    assert shape == (None, None, 1)


def test_images_are_not_loaded_for_their_shape(capsules, tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(4):
            image = Image.fromarray(np.zeros((30, 20), "uint8"))
            image.save(tmp_path / name / f"{number}.png")

    def refuse(*arguments):
        raise AssertionError("decoded")

    monkeypatch.setattr(images, "read_image", refuse)
    assert feeds.image_shape(capsules, tmp_path) == (None, None, 1)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of images 40 high and 56 wide, in colour, of two classes."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            image = Image.fromarray(np.zeros((40, 56, 3), "uint8"))
            image.save(folder / name / f"{number}.png")
    return folder


def told(caught):
    return [str(warning.message) for warning in caught]


@pytest.mark.filterwarnings("error")
def test_images_are_resized_or_turned_grey_if_asked(photos, capsules):
    dense = zoo.dense_vae(compile=False)
    refused = {
        (dense, Reading()): "28 × 28 × 1. .* 40 × 56 × 3. `--resize 28 --grey`",
        (dense, Reading(resize="28")): "of 28 × 28 × 3. `--grey`",
        (dense, Reading(grey=True)): "of 40 × 56 × 1. `--resize 28`",
        (dense, Reading("64", True)): "of 64 × 64 × 1. `--resize 28`",
        (capsules, Reading()): "must be 40 × 56 × 1. .*`--grey`",
    }
    for (model, reading), message in refused.items():
        for read in (feeds.load, lambda *given: read_examples(*given)):
            with pytest.raises(ValueError, match=message):
                read(model, photos, reading)
    arrays = feeds.load(dense, photos, Reading("28", True))
    assert arrays.x_train.shape[1:] == (784,)
    examples = read_examples(dense, photos, Reading("28", True))
    assert examples.batches[0].shape == (8, 784)
    arrays = feeds.load(capsules, photos, Reading(grey=True))
    assert arrays.x_train.shape[1:] == (40, 56, 1)


def test_grey_images_for_a_model_of_colours(tmp_path):
    np.savez(tmp_path / "own.npz", x=np.zeros((20, 32, 32)))
    with pytest.warns() as caught:
        feeds.load(
            zoo.conv_vae((32, 32, 3), compile=False), tmp_path / "own.npz"
        )
    assert "32 × 32 × 1, are repeated in 3 channels" in told(caught)[0]


def test_images_of_a_stream_do_not_change_unasked_either(photos):
    settings = Settings.of("conv_vae", data=str(photos), streaming=True)
    with pytest.raises(ValueError, match="`--resize 28 --grey`"):
        run_feeds.feed(zoo.conv_vae(compile=False), settings)


@pytest.mark.filterwarnings("error")
def test_nothing_is_said_of_images_that_fit(tmp_path, photos):
    np.savez(tmp_path / "square.npz", x=np.zeros((20, 28, 28)))
    np.savez(tmp_path / "flat.npz", x=np.zeros((20, 784)))
    for name in ("square.npz", "flat.npz", "mnist_small"):
        data = name if name == "mnist_small" else tmp_path / name
        feeds.load(zoo.dense_vae(compile=False), data)
        feeds.load(zoo.conv_vae(compile=False), data)
    feeds.load(zoo.dense_vae(40 * 56 * 3, compile=False), photos)


def test_shape_of_a_model_of_one_size():
    assert feeds.image_shape(zoo.conv_vae(compile=False), "digits") == (
        28,
        28,
        1,
    )


def test_who_takes_labels(capsules):
    images, labels = np.zeros((2, 784)), np.array([1, 2])
    assert feeds.training_pair(capsules, images, labels)[1] is labels
    vae = zoo.dense_vae(compile=False)
    assert feeds.training_pair(vae, images, labels)[1] is None
    conditional = zoo.conditional_vae(compile=False)
    (_, one_hot), targets = feeds.training_pair(conditional, images, labels)
    assert targets is None
    np.testing.assert_array_equal(one_hot, np.eye(10)[labels])


def test_a_classifier_needs_labels(capsules):
    with pytest.raises(ValueError, match="data without labels"):
        feeds.training_pair(capsules, np.zeros((2, 28, 28, 1)), None)
