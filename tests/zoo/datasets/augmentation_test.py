"""Images that are changed at random, for training alone."""

import keras
import numpy as np
import pytest

import zoo
from tests.helpers import tensorflow_only
from zoo import datasets
from zoo import runs
from zoo.datasets import Augmentation
from zoo.datasets import run_feeds
from zoo.image_changes import changes_of
from zoo.settings import Settings

ALL = (
    "rotation=0.1,shift=0.1,zoom=0.1,squeeze=0.2,flip=horizontal,"
    "brightness=0.1,contrast=0.1,erase=0.02,fill=constant"
)
IMAGES = np.random.default_rng(0).random((6, 8, 12, 3), "float32")


def test_images_keep_shape_and_range_and_go_by_the_seed():
    augment = Augmentation(ALL)
    one, same, other = (augment(IMAGES, seed) for seed in (1, 1, (1, 1)))
    assert one.shape == IMAGES.shape and one.dtype == "float32"
    assert one.min() >= 0 and one.max() <= 1
    np.testing.assert_array_equal(one, same)
    for a, b in zip(one, other):
        assert not np.array_equal(a, b)


@pytest.mark.parametrize("change", ALL.split(",")[:-1])
def test_each_change_changes_images_of_its_own(change):
    images = np.tile(IMAGES[:1], (8, 1, 1, 1))
    changed = Augmentation(change)(images, 0)
    np.testing.assert_array_equal(images, np.tile(IMAGES[:1], (8, 1, 1, 1)))
    assert len({image.tobytes() for image in changed}) > 1


def test_what_flips_and_erased_patches_are():
    flipped = Augmentation("flip=horizontal")(IMAGES, 0)
    for image, other in zip(IMAGES, flipped):
        is_same = np.array_equal(other, image)
        assert is_same or np.array_equal(other, image[:, ::-1])
    digits = np.ones((8, 28, 28, 1), "float32")
    erased = (Augmentation("erase=0.0205")(digits, 0) == 0).sum(axis=(1, 2, 3))
    assert set(erased) <= {9, 12, 16, 20, 25}  # about 4 × 4


def test_a_squeeze_is_of_the_width_alone():
    bar = np.zeros((8, 28, 28, 1), "float32")
    bar[:, 4:24, 4:24] = 1
    squeezed = Augmentation("squeeze=0.5,fill=constant")(bar, 0)[..., 0] > 0.5
    assert (squeezed.any(2).sum(1) == 20).all()
    widths = squeezed.any(1).sum(1)
    assert widths.max() <= 20 and widths.min() < 17


def test_flat_images():
    augment = Augmentation("rotation=0.1", IMAGES.shape[1:])
    flat = IMAGES.reshape(6, -1)
    np.testing.assert_array_equal(
        augment(flat, 3).reshape(IMAGES.shape), augment(IMAGES, 3)
    )


def test_batches_change_the_images_alone_anew_in_each_epoch():
    labels = np.arange(6)
    batches = datasets.Batches(
        [IMAGES, labels],
        labels,
        batch_size=6,
        augmentation=Augmentation("rotation=0.1"),
    )
    (images, condition), y = batches[0]
    np.testing.assert_array_equal(condition, y)
    assert not np.array_equal(images, IMAGES[y])
    np.testing.assert_array_equal(batches[0][0][0], images)
    batches.set_epoch(1)
    (others, _), y_others = batches[0]
    assert not np.allclose(others[np.argsort(y_others)], images[np.argsort(y)])


def test_images_of_another_range_keep_to_it_or_are_refused():
    scaled = 255 * IMAGES[:2]
    with pytest.raises(ValueError, match=r"`value_range`, \[0, 1\].*\[.*25"):
        Augmentation(ALL)(scaled, 0)
    with pytest.raises(ValueError, match="values in `value_range`"):
        Augmentation(ALL)(np.full_like(IMAGES, np.nan), 0)
    of_bytes = Augmentation(ALL, value_range=(0, 255))(scaled, 0)
    np.testing.assert_allclose(
        of_bytes, 255 * Augmentation(ALL)(IMAGES[:2], 0), atol=0.05
    )
    centred = Augmentation("shift=0.5,fill=constant", value_range=(-1, 1))
    assert centred(np.ones((2, 8, 8, 1)), 0).min() == -1


def test_seeds_are_integers_of_any_kind():
    augment = Augmentation("flip=horizontal")
    for seed in (np.int64(1), [1], (np.int32(1),), np.array([1])):
        np.testing.assert_array_equal(augment(IMAGES, seed), augment(IMAGES, 1))
    with pytest.raises(ValueError, match="`seed` must be at least 0"):
        augment(IMAGES, -1)
    with pytest.raises(TypeError, match="`seed` must be an integer"):
        augment(IMAGES, (0, 0.5))


def test_what_is_no_augmentation():
    for changes in (None, {"flip": "horizontal"}):
        with pytest.raises(TypeError, match="must be a text, as"):
            Augmentation(changes)
    with pytest.raises(ValueError, match="flat with `image_shape`"):
        Augmentation("flip=horizontal")(IMAGES.reshape(6, -1), 0)
    for augmentation in ("flip=horizontal", keras.layers.RandomFlip()):
        with pytest.raises(TypeError, match=r"called as f\(images, \(seed"):
            datasets.Batches(IMAGES, augmentation=augmentation)


def test_a_change_without_its_value_and_a_comma_at_the_end():
    with pytest.raises(ValueError, match="a value, as flip=horizontal. "):
        changes_of("flip")
    with pytest.raises(ValueError, match="a value, as rotation=0.1. "):
        changes_of("flip=vertical,rotation=")
    assert changes_of("flip=vertical, ") == {"flip": "vertical"}


@pytest.mark.parametrize(
    "text",
    [
        *("", "rotate=0.1", "rotation", "rotation=0", "rotation=2", "shift=x"),
        *("flip=sideways", "fill=constant", "zoom=0.1,zoom=0.2", "zoom=nan"),
    ],
)
def test_changes_that_are_none(text):
    with pytest.raises(ValueError, match="augment"):
        changes_of(text)


def feed_of(name, **options):
    settings = Settings.of(name, batch_size=400, **options)
    model = zoo.create_model(name, **settings.arguments, compile=False)
    return run_feeds.feed(model, settings)


@pytest.mark.parametrize(
    ("name", "data"), [("dense_vae", "digits"), ("conditional_vae", "digits")]
)
def test_training_images_are_changed_and_held_out_ones_are_not(name, data):
    plain = feed_of(name, data=data)
    changed = feed_of(name, data=data, augment="rotation=0.1")

    def images(batch):
        x = batch[0]
        return x[0] if isinstance(x, tuple | list) else x

    one, other = (images(feed.training(0)[0]) for feed in (plain, changed))
    assert one.shape == other.shape
    assert not np.allclose(one, other)
    np.testing.assert_array_equal(
        images(plain.validation), images(changed.validation)
    )


@tensorflow_only
def test_streams_change_as_arrays_do():
    options = {"data": "digits", "augment": "rotation=0.1,flip=horizontal"}
    batches = feed_of("conv_vae", **options).training(0)
    stream = feed_of("conv_vae", streaming=True, **options).training(1)
    for index, (images, *_) in zip(range(2), stream):
        batches.set_epoch(1)
        np.testing.assert_allclose(images, batches[index][0], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "data"),
    [("gated_cnn_classifier", "tang"), ("tabular_vae", "breast_cancer")],
)
def test_texts_and_tables_are_refused(name, data):
    with pytest.raises(ValueError, match="must be of a model of images"):
        feed_of(name, data=data, augment="rotation=0.1")


@pytest.mark.thorough
def test_a_resumed_run_ends_with_the_weights_of_one_in_a_go(tmp_path):
    options = {
        "data": "digits",
        "augment": "rotation=0.1,shift=0.1",
        "batch_size": 500,
        "arguments": {"jit_compile": False},
        "verbose": 0,
    }
    whole = runs.train("dense_vae", out=tmp_path / "a", epochs=2, **options)
    runs.train("dense_vae", out=tmp_path / "b", epochs=1, **options)
    resumed = runs.train(
        "dense_vae", out=tmp_path / "b", epochs=2, resume=True, verbose=0
    )
    for one, other in zip(whole.get_weights(), resumed.get_weights()):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="augment="):
        runs.train(
            "dense_vae", out=tmp_path / "b", resume=True, augment="zoom=0.1"
        )
