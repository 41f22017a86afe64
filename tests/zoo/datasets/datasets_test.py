import functools
import time
import urllib.error
import urllib.request

import keras
import numpy as np
import pytest
from PIL import Image

from keras_capsvae.models.checked_model import CheckedModel
from tests.data import needs_mnist
from zoo import datasets
from zoo.datasets import downloads
from zoo.datasets import images
from zoo.datasets.embedded import SAMPLES

needs_tensorflow = pytest.mark.skipif(
    keras.backend.backend() == "torch",
    reason="fit of tf.data pipelines is tested on TensorFlow and JAX",
)


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


def test_arrays_are_shown_by_their_shapes(digits):
    assert str(digits._replace(y_test=None, x_test=["a", "b"])) == (
        "Arrays(x_train=float32 (1437, 8, 8, 1), y_train=int64 (1437,), "
        "x_test=2 examples, y_test=None)"
    )


@pytest.fixture
def npz(tmp_path):
    def save(**arrays):
        np.savez(tmp_path / "own.npz", **arrays)
        return tmp_path / "own.npz"

    return save


def save_image(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.squeeze(pixels)).save(path, **options)


def as_bytes(pixels):
    return np.round(pixels * 255).astype("uint8")


def save_digits(folder, digits, count, classes=True):
    for index in range(count):
        name = str(digits.y_train[index]) if classes else "."
        path = folder / name / f"{index:03}.png"
        save_image(path, as_bytes(digits.x_train[index]))


@pytest.fixture
def folder(tmp_path, digits):
    save_digits(tmp_path / "photos", digits, 40)
    return tmp_path / "photos"


@pytest.fixture
def flat_folder(tmp_path, digits):
    save_digits(tmp_path / "flat", digits, 10, classes=False)
    return tmp_path / "flat"


def assert_same_arrays(left, right):
    for one, other in zip(left, right, strict=True):
        np.testing.assert_array_equal(one, other)


# Names


def test_names():
    assert (
        *("mnist_small", "digits", "mnist", "fashion_mnist", "kmnist"),
        "binarized_mnist",
        "smallnorb",
    ) == datasets.NAMES


def test_mnist_small():
    arrays = datasets.load("mnist_small")
    for split, count in (("train", 6000), ("test", 1000)):
        x, y = getattr(arrays, f"x_{split}"), getattr(arrays, f"y_{split}")
        assert x.shape == (count, 28, 28, 1) and y.shape == (count,)
        assert x.dtype == np.float32 and y.dtype == np.int64
        assert x.min() == 0 and x.max() == 1
        # The classes of MNIST, from 9.0 % (fives) to 11.2 % (ones).
        shares = np.bincount(y) / count
        assert shares.argmin() == 5 and shares.argmax() == 1
        assert shares.min() > 0.085 and shares.max() < 0.115
    assert datasets.num_classes("mnist_small") == 10
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 1.5e6


@pytest.mark.thorough
@needs_mnist
def test_mnist_small_is_of_mnist():
    sample, mnist = datasets.load("mnist_small"), datasets.load("mnist")
    for split in ("train", "test"):
        known = {
            (image.tobytes(), label)
            for image, label in zip(
                getattr(mnist, f"x_{split}"), getattr(mnist, f"y_{split}")
            )
        }
        images = getattr(sample, f"x_{split}")
        chosen = {
            (image.tobytes(), label)
            for image, label in zip(images, getattr(sample, f"y_{split}"))
        }
        assert chosen <= known and len(chosen) == len(images)


def test_a_download_has_a_sample_at_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(downloads, "is_prepared", lambda name: False)
    assert datasets.at_hand("mnist") == "mnist_small"
    assert datasets.at_hand("kmnist") == "kmnist"
    assert datasets.at_hand(tmp_path) == tmp_path
    monkeypatch.setattr(downloads, "is_prepared", lambda name: True)
    assert datasets.at_hand("mnist") == "mnist"


def test_digits(digits):
    assert digits.x_train.shape == (1437, 8, 8, 1)
    assert digits.x_test.shape == (360, 8, 8, 1)
    assert digits.x_train.dtype == digits.x_test.dtype == np.float32
    assert digits.y_train.dtype == digits.y_test.dtype == np.int64
    assert digits.x_train.min() == 0 and digits.x_train.max() == 1
    assert np.ptp(np.bincount(digits.y_test)) <= 2
    assert_same_arrays(digits, datasets.load("digits"))


@pytest.mark.thorough
@needs_mnist
def test_mnist():
    mnist = datasets.load("mnist")
    assert mnist.x_train.shape == (60000, 28, 28, 1)
    assert mnist.x_test.shape == (10000, 28, 28, 1)
    assert mnist.x_train.dtype == np.float32
    assert mnist.x_train.min() == 0 and mnist.x_train.max() == 1
    assert mnist.y_test[:5].dtype == np.int64
    assert np.bincount(mnist.y_test).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]


@pytest.fixture
def smallnorb(tmp_path, monkeypatch):
    """Seven random pairs of views where tensorflow-datasets looks for them."""
    import tensorflow_datasets as tfds

    features = tfds.builder("smallnorb", data_dir=tmp_path).info.features
    random = np.random.default_rng(0)

    def example(label):
        example = {
            name: 0 if name.startswith(("label", "instance")) else None
            for name in features
        }
        views = {
            name: random.integers(256, size=(96, 96, 1), dtype="uint8")
            for name in ("image", "image2")
        }
        return {**example, **views, "label_category": label}

    splits = {"train": range(5), "test": (4, 2)}
    tfds.dataset_builders.store_as_tfds_dataset(
        name="smallnorb",
        version="2.0.0",
        features=features,
        split_datasets={
            name: list(enumerate(map(example, labels)))
            for name, labels in splits.items()
        },
        data_dir=tmp_path,
        disable_shuffling=True,
    )
    # TFDS_DATA_DIR is read once, when tensorflow-datasets is imported.
    found = functools.partial(tfds.builder, data_dir=tmp_path)
    monkeypatch.setattr(tfds, "builder", found)
    return tmp_path


def test_smallnorb_holds_both_views(smallnorb):
    import tensorflow_datasets as tfds

    norb = datasets.load("smallnorb")
    assert norb.x_train.shape == (5, 48, 48, 2)
    assert norb.y_train.tolist() == [0, 1, 2, 3, 4]
    assert norb.y_test.tolist() == [4, 2]
    assert datasets.num_classes("smallnorb") == 5
    (first, *_) = tfds.as_numpy(
        tfds.builder("smallnorb").as_dataset("train", shuffle_files=False)
    )
    # The inner pixels of a triangle filter of four pixels.
    weights = np.array([1, 3, 3, 1]) / 8
    for channel, name in enumerate(("image", "image2")):
        pixels = first[name][9:13, 21:25, 0] / 255
        expected = weights @ pixels @ weights
        received = norb.x_train[0, 5, 11, channel]
        assert received == pytest.approx(expected, abs=1e-3)


def test_smallnorb_is_no_stream(smallnorb):
    with pytest.raises(ValueError, match="load"):
        datasets.stream("smallnorb")


def test_download_that_cannot_be_had(tmp_path, monkeypatch):
    def unreachable(*args, **options):
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    start = time.monotonic()
    with pytest.raises(RuntimeError, match="kmnist") as caught:
        datasets.load("kmnist")
    assert time.monotonic() - start < 30
    message = str(caught.value)
    assert str(tmp_path) in message
    assert "TFDS_DATA_DIR" in message and "'mnist_small'" in message
    assert "no network" in message
    assert isinstance(caught.value.__cause__, urllib.error.URLError)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="Did you mean kmnist") as caught:
        datasets.load("kmnst")
    assert all(name in str(caught.value) for name in datasets.NAMES)


def test_missing_path(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.npz"):
        datasets.load(tmp_path / "nothing.npz")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        datasets.load(f"{tmp_path}/nothing")


def test_source_that_is_no_path():
    with pytest.raises(TypeError, match="name or a path"):
        datasets.load(3)


# Shapes


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((28, 28, 1), (28, 28, 1)),
        ((5, 7, 3), (5, 7, 3)),
        ((None, None, 3), (8, 8, 3)),
        ((64,), (64,)),
        ((784,), (784,)),
        ((None,), (64,)),
        ([4, 4, 1], (4, 4, 1)),
    ],
)
def test_shape(shape, expected):
    arrays = datasets.load("digits", shape)
    assert arrays.x_train.shape == (1437, *expected)
    assert arrays.x_test.shape == (360, *expected)
    assert arrays.x_train.dtype == np.float32
    assert arrays.x_train.min() >= 0 and arrays.x_train.max() <= 1


@pytest.mark.parametrize("size", [(5, 5), (20, 13), (3, 16)])
def test_resize_is_bilinear_and_antialiased(digits, size):
    resized = images.fit_images(digits.x_test, (*size, 1))
    expected = keras.ops.image.resize(
        digits.x_test, size, antialias=True, data_format="channels_last"
    )
    expected = keras.ops.convert_to_numpy(expected)
    np.testing.assert_allclose(resized, expected, atol=1e-6)


def test_grey_and_rgb(digits):
    rgb = images.fit_images(digits.x_test, (8, 8, 3))
    np.testing.assert_array_equal(rgb, np.repeat(digits.x_test, 3, axis=-1))
    grey = images.fit_images(rgb, (8, 8, 1))
    np.testing.assert_allclose(grey, digits.x_test, atol=1e-6)


def test_flat_images_become_images(digits):
    flat = digits.x_test.reshape(-1, 64)
    np.testing.assert_array_equal(
        images.fit_images(flat, (8, 8, 1)), digits.x_test
    )
    np.testing.assert_array_equal(
        images.fit_images(flat, (4, 16, 1)).reshape(-1, 64), flat
    )
    assert images.fit_images(flat, (9, 9, 3)).shape == (360, 9, 9, 3)


def test_flat_size_names_the_nearest_squares():
    with pytest.raises(ValueError, match="729 and 784"):
        datasets.load("digits", (780,))


@pytest.mark.parametrize(
    "shape", [(8, 8), (0,), (8, 8, -1), (8.0, 8, 1), 64, "64", (True,), ()]
)
def test_shape_that_is_wrong(shape):
    with pytest.raises((TypeError, ValueError), match="`shape` must be"):
        datasets.load("digits", shape)


def test_channels_without_conversion():
    with pytest.raises(ValueError, match="1 channels to convert to 2"):
        datasets.load("digits", (8, 8, 2))


# Files of arrays


def test_npz_with_a_test_set(npz, digits):
    path = npz(**digits._asdict())
    assert_same_arrays(datasets.load(path), digits)
    assert_same_arrays(datasets.load(str(path)), digits)


def test_npz_of_bytes_is_divided_by_255(npz, digits):
    pixels = as_bytes(digits.x_train[..., 0])
    arrays = datasets.load(npz(x=pixels))
    assert arrays.x_train.shape == (1293, 8, 8, 1)
    assert arrays.x_test.shape == (144, 8, 8, 1)
    assert arrays.y_train is None and arrays.y_test is None
    assert arrays.x_train.dtype == np.float32 and arrays.x_train.max() == 1


def test_npz_is_split_once_and_for_all(npz):
    x = np.arange(100, dtype="uint8")[:, np.newaxis]
    path = npz(x=x, y=np.arange(100, dtype="int32"))
    arrays = datasets.load(path)
    assert_same_arrays(arrays, datasets.load(path))
    assert len(arrays.y_test) == 10 and arrays.y_test.dtype == np.int64
    labels = np.concatenate([arrays.y_train, arrays.y_test])
    assert sorted(labels) == list(range(100))
    np.testing.assert_array_equal(
        np.round(arrays.x_test[:, 0] * 255), arrays.y_test
    )


def test_npz_without_a_test_set_is_split(npz, digits):
    arrays = datasets.load(npz(x_train=digits.x_train, y_train=digits.y_train))
    assert len(arrays.x_test) == len(arrays.y_test) == 149


X = np.zeros((4, 8, 8, 1), "float32")
Y = np.arange(4)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (dict(z=X), "must have the keys"),
        (dict(x=X * 0 + 2), "`x` .*divide .*from 2.0 to 2.0"),
        (dict(x=X - 1), "from -1.0 to -1.0"),
        (dict(x=X * np.nan), "from nan to nan"),
        (dict(x=X + np.inf), "from inf to inf"),
        (dict(x=X.astype("int64")), "Received: int64 with values"),
        (dict(x=X.astype("complex64")), "Received: complex64"),
        (dict(x=X[:0]), "must not be empty"),
        (dict(x=X[:, :0]), "must not be empty"),
        (dict(x=X[:, 0, 0, 0]), "`x` must have shape"),
        (dict(x=X[np.newaxis]), "`x` must have shape"),
        (dict(x=X[:1]), "at least 2 examples"),
        (dict(x=X, y=Y[:3]), "one label for each of 4 images. Received: 3"),
        (dict(x=X, y=np.stack([Y, Y], -1)), r"Received: shape \(4, 2\)"),
        (dict(x=X, y=Y * 0.5), "whole numbers .*float64 with fractions"),
        (dict(x=X, y=Y * np.nan), "whole numbers .*float64 with fractions"),
        (dict(x=X, y=Y - 1), "from 0 on. Received: -1"),
        (dict(x_train=X, x_test=X[:, 1:]), "images of one shape"),
        (dict(x_train=X, x_test=X, y_train=Y), "no `y_test`"),
        (dict(x=np.array([{}])), "plain arrays"),
    ],
)
def test_npz_that_is_wrong(npz, arrays, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(npz(**arrays))


@pytest.mark.parametrize("labels", [Y[:, np.newaxis], Y * 1.0, Y > 0])
def test_labels_in_a_column_as_floats_or_of_two_kinds(npz, labels):
    arrays = datasets.load(npz(x_train=X, y_train=labels, x_test=X, y_test=Y))
    assert arrays.y_train.tolist() == labels.ravel().tolist()
    assert arrays.y_train.dtype == np.int64


def test_corrupt_npz(npz, tmp_path):
    content = npz(x=X, y=Y).read_bytes()
    broken = tmp_path / "broken.npz"
    for wrong in (b"", b"no zip", content[:200], content[:-30]):
        broken.write_bytes(wrong)
        with pytest.raises(ValueError, match="broken.npz"):
            datasets.load(broken)


def test_bare_array_file(tmp_path):
    np.save(tmp_path / "x.npy", X)
    arrays = datasets.load(tmp_path / "x.npy")
    np.testing.assert_array_equal(
        np.concatenate([arrays.x_train, arrays.x_test]).sum(), X.sum()
    )
    assert arrays.y_train is None
    np.save(tmp_path / "texts.npy", np.array(["a", None], object))
    with pytest.raises(ValueError, match="texts.npy"):
        datasets.load(tmp_path / "texts.npy")


# Folders of images


def test_folder_of_classes(folder, digits):
    arrays = datasets.load(folder)
    assert arrays.x_train.shape == (33, 8, 8, 1)
    assert arrays.x_test.shape == (7, 8, 8, 1)
    assert arrays.y_train.dtype == np.int64
    loaded = np.concatenate([arrays.x_train, arrays.x_test])
    labels = np.concatenate([arrays.y_train, arrays.y_test])
    order = np.argsort(digits.y_train[:40], kind="stable")
    expected = as_bytes(digits.x_train[:40][order]) / np.float32(255)
    assert sorted(image.tobytes() for image in loaded) == sorted(
        image.tobytes() for image in expected
    )
    assert sorted(labels) == sorted(digits.y_train[:40])
    assert_same_arrays(arrays, datasets.load(str(folder)))


def test_folder_of_train_and_test(tmp_path, digits):
    save_digits(tmp_path / "train", digits, 40)
    save_digits(tmp_path / "test", digits, 20)
    arrays = datasets.load(tmp_path)
    assert (len(arrays.x_train), len(arrays.x_test)) == (40, 20)
    assert arrays.y_test.tolist() == sorted(digits.y_train[:20])


def test_flat_folder(flat_folder):
    arrays = datasets.load(flat_folder, (16,))
    assert arrays.x_train.shape == (9, 16) and arrays.x_test.shape == (1, 16)
    assert arrays.y_train is None and arrays.y_test is None


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".BMP", ".gif"])
def test_formats(tmp_path, digits, suffix):
    rgb = np.repeat(as_bytes(digits.x_train[:4]), 3, axis=-1)
    for index, pixels in enumerate(np.kron(rgb, np.ones((1, 4, 4, 1), "B"))):
        save_image(tmp_path / f"{index}{suffix}", pixels)
    arrays = datasets.load(tmp_path)
    assert arrays.x_train.shape == (3, 32, 32, 3)
    assert 0.9 < arrays.x_train.max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_modes(tmp_path, mode):
    grey = np.arange(0, 256, 4, dtype="uint8").reshape(8, 8)
    for index in range(2):
        Image.fromarray(grey).convert(mode).save(tmp_path / f"{index}.png")
    arrays = datasets.load(tmp_path, (8, 8, 1))
    if mode != "1":
        np.testing.assert_allclose(
            arrays.x_train[0, :, :, 0], grey / 255, atol=1e-6
        )


def test_images_of_several_sizes(flat_folder):
    save_image(flat_folder / "large.png", np.zeros((9, 9), "uint8"))
    with pytest.raises(ValueError, match="10 of 8 × 8, 1 of 9 × 9"):
        datasets.load(flat_folder)
    assert datasets.load(flat_folder, (8, 8, 1)).x_train.shape[1:] == (8, 8, 1)


def test_corrupt_images(flat_folder):
    content = (flat_folder / "001.png").read_bytes()
    for wrong in (b"", b"no image", content[:-40]):
        (flat_folder / "001.png").write_bytes(wrong)
        with pytest.raises(ValueError, match="001.png"):
            datasets.load(flat_folder)


def test_deep_images_are_refused(tmp_path):
    for index in range(2):
        deep = np.full((8, 8), 40000, "uint16")
        save_image(tmp_path / f"{index}.png", deep)
    with pytest.raises(ValueError, match="8 bits a channel"):
        datasets.load(tmp_path)


def test_folder_without_images(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty without any"):
        datasets.load(tmp_path / "empty")
    (folder / "none").mkdir()
    with pytest.raises(ValueError, match="none without any"):
        datasets.load(folder)


def test_folder_that_mixes_images_and_classes(folder):
    save_image(folder / "loose.png", np.zeros((8, 8), "uint8"))
    with pytest.raises(ValueError, match="loose.png"):
        datasets.load(folder)


def test_test_images_of_other_classes(tmp_path, digits):
    save_digits(tmp_path / "train", digits, 3)
    save_image(tmp_path / "test" / "x" / "0.png", np.zeros((8, 8), "uint8"))
    with pytest.raises(ValueError, match="classes of the training images"):
        datasets.load(tmp_path)


def test_classes_in_one_of_train_and_test(tmp_path, digits):
    save_digits(tmp_path / "train", digits, 3)
    save_digits(tmp_path / "test", digits, 3, classes=False)
    with pytest.raises(ValueError, match="both have none"):
        datasets.load(tmp_path)


# Binarisation


class FakeBuilder:
    """What tensorflow-datasets has of binarized_mnist, four images."""

    name = "binarized_mnist"
    pixels = (np.arange(4 * 784) % 3 == 0).reshape(4, 28, 28, 1)

    def is_prepared(self):
        return True

    def as_dataset(self, split, batch_size, shuffle_files):
        import tensorflow as tf

        images = tf.constant(self.pixels.astype("uint8"))
        return tf.data.Dataset.from_tensors(
            {"image": images}
        ).get_single_element()


def test_published_binarisation(monkeypatch):
    import tensorflow_datasets as tfds

    monkeypatch.setattr(tfds, "builder", lambda *_, **__: FakeBuilder())
    arrays = datasets.load("binarized_mnist", (784,))
    assert arrays.x_train.shape == (4, 784)
    assert arrays.x_train.dtype == np.float32
    np.testing.assert_array_equal(
        arrays.x_test, FakeBuilder.pixels.reshape(4, 784)
    )
    assert arrays.y_train is None and arrays.y_test is None
    assert datasets.num_classes("binarized_mnist") is None
    with pytest.raises(ValueError, match="to stream"):
        datasets.stream("binarized_mnist")


def test_binarised_images_are_fixed_by_the_seed(digits):
    one, same, other = (
        datasets.binarized(digits.x_test, seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert one.dtype == np.float32
    assert set(np.unique(one)) == {0, 1}
    draws = [datasets.binarized(digits.x_test, seed) for seed in range(200)]
    error = np.mean(draws, axis=0) - digits.x_test
    assert abs(error).max() < 6 * 0.5 / 200**0.5
    assert abs(error.mean()) < 1e-3


def test_binarisation_keeps_black_and_white():
    images = np.repeat([[0.0, 1.0]], 10_000, axis=0)
    np.testing.assert_array_equal(datasets.binarized(images), images)


def test_batches_binarise_anew_in_each_epoch(digits):
    batches = datasets.Batches(
        digits.x_train, digits.y_train, seed=2, binarize=True, shuffle=False
    )
    drawn = []
    for epoch in (0, 1, 0):
        batches.set_epoch(epoch)
        drawn.append(np.concatenate([x for x, _ in batches]))
    assert set(np.unique(drawn)) == {0, 1}
    np.testing.assert_array_equal(drawn[0], drawn[2])
    differ = (drawn[0] != drawn[1]).mean()
    expected = (2 * digits.x_train * (1 - digits.x_train)).mean()
    assert differ == pytest.approx(expected, rel=0.05)
    assert not np.array_equal(drawn[0][:100], drawn[0][100:200])


@pytest.mark.parametrize("value", [-0.1, 1.5, np.nan])
def test_only_probabilities_are_binarised(value):
    images = np.array([[0.5, value]])
    with pytest.raises(ValueError, match=r"to binarise must .*\[0, 1\]"):
        datasets.binarized(images)
    with pytest.raises(ValueError, match=r"to binarise must .*\[0, 1\]"):
        datasets.Batches(images, binarize=True)


# Batches


def expected_batches(x, batch_size, seed, epochs):
    for epoch in epochs:
        order = np.random.default_rng((seed, epoch)).permutation(len(x))
        for start in range(0, len(x), batch_size):
            yield x[order[start : start + batch_size]]


def test_batches_follow_the_seed_and_the_epoch(digits):
    batches = datasets.Batches(digits.x_train, batch_size=100, seed=3)
    assert len(batches) == 15
    expected = expected_batches(digits.x_train, 100, 3, range(3))
    for epoch in range(3):
        batches.set_epoch(epoch)
        assert batches.epoch == epoch
        for (x,) in batches:
            np.testing.assert_array_equal(x, next(expected))


def test_batches_turn_to_any_epoch(digits):
    uninterrupted = datasets.Batches(*digits[:2])
    for epoch in range(5):
        uninterrupted.set_epoch(epoch)
        list(uninterrupted)
    resumed = datasets.Batches(*digits[:2])
    resumed.set_epoch(4)
    for left, right in zip(uninterrupted, resumed, strict=True):
        assert_same_arrays(left, right)


@pytest.mark.parametrize(
    ("epoch", "error"), [(-1, ValueError), (1.5, TypeError)]
)
def test_epoch_that_is_wrong(digits, epoch, error):
    with pytest.raises(error, match="`epoch` must be"):
        datasets.Batches(digits.x_train).set_epoch(epoch)


def test_batches_keep_the_last_partial_one(digits):
    batches = datasets.Batches(digits.x_train, digits.y_train, 1000)
    assert [len(y) for _, y in batches] == [1000, 437]


def test_batches_of_several_inputs(digits):
    inputs = (digits.x_train, [digits.y_train, digits.x_train])
    batches = datasets.Batches(inputs, digits.y_train, 10)
    (images, (labels, again)), targets = batches[0]
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(labels, targets)


def test_batches_in_the_order_of_the_arrays(digits):
    batches = datasets.Batches(digits.x_train, shuffle=False)
    x = np.concatenate([x for (x,) in batches])
    np.testing.assert_array_equal(x, digits.x_train)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(x=X, y=Y[:3]), ValueError, r"lengths \[4, 3\]"),
        (dict(x=(X, X[:2])), ValueError, r"lengths \[4, 2\]"),
        (dict(x=X[:0]), ValueError, "at least one example"),
        (dict(x=()), ValueError, "must be arrays"),
        (dict(x=3.0), ValueError, "must be arrays"),
        (
            dict(x=X, batch_size=0),
            ValueError,
            "`batch_size` must be at least 1",
        ),
        (
            dict(x=X, batch_size=2.0),
            TypeError,
            "`batch_size` must be an integer",
        ),
        (dict(x=X, seed=-1), ValueError, "`seed` must be at least 0"),
        (dict(x=X, seed=None), TypeError, "`seed` must be an integer"),
    ],
)
def test_batches_that_are_wrong(arguments, error, message):
    with pytest.raises(error, match=message):
        datasets.Batches(**arguments)


@pytest.mark.parametrize("index", [-1, 15])
def test_batch_out_of_range(digits, index):
    with pytest.raises(IndexError, match=r"must lie in \[0, 14\]"):
        datasets.Batches(digits.x_train)[index]


# Batches in fit: equal weights to the last bit tell that every step, in its
# order, had the same examples.


def small_classifier(model_class=CheckedModel):
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 1))
    pixels = keras.layers.Flatten()(image)
    scores = keras.layers.Dense(10, activation="softmax")(pixels)
    model = model_class(image, scores)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
    return model


def assert_same_weights(left, right):
    assert_same_arrays(left.get_weights(), right.get_weights())


def trained_step_by_step(data, batch_size, epochs):
    model = small_classifier()
    rows = np.arange(len(data.x_train))
    for batch in expected_batches(rows, batch_size, 5, range(epochs)):
        model.train_on_batch(data.x_train[batch], data.y_train[batch])
    return model


@pytest.mark.thorough
@pytest.mark.parametrize("options", [{}, {"shuffle": True}])
@pytest.mark.parametrize("batch_size", [7, 400, 1437])
def test_fit_takes_the_batches_in_order(digits, batch_size, options):
    batches = datasets.Batches(*digits[:2], batch_size, seed=5)
    model = small_classifier()
    model.fit(batches, epochs=2, verbose=0, **options)
    assert_same_weights(model, trained_step_by_step(digits, batch_size, 2))


def test_fit_of_any_keras_model(digits):
    batches = datasets.Batches(*digits[:2], 400, seed=5)
    tell_epoch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: batches.set_epoch(epoch)
    )
    model = small_classifier(keras.Model)
    model.fit(
        batches, epochs=3, callbacks=[tell_epoch], shuffle=False, verbose=0
    )
    assert_same_weights(model, trained_step_by_step(digits, 400, 3))


def test_fit_resumes_exactly(digits, tmp_path):
    def fit(model, epochs, initial_epoch=0):
        model.fit(
            datasets.Batches(*digits[:2], 300, seed=5),
            epochs=epochs,
            initial_epoch=initial_epoch,
            validation_data=datasets.Batches(*digits[2:], shuffle=False),
            verbose=0,
        )
        return model

    uninterrupted = fit(small_classifier(), 4)
    fit(small_classifier(), 2).save(tmp_path / "model.keras")
    resumed = keras.models.load_model(
        tmp_path / "model.keras", custom_objects={"CheckedModel": CheckedModel}
    )
    fit(resumed, 4, initial_epoch=2)
    assert_same_weights(uninterrupted, resumed)


# Streams


def numpy_batches(stream, count=None):
    stream = stream if count is None else stream.take(count)
    return list(stream.as_numpy_iterator())


@pytest.mark.parametrize("shape", [None, (12, 12, 3), (16,)])
@pytest.mark.parametrize("split", ["train", "test"])
def test_stream_yields_what_load_does(folder, shape, split):
    arrays = datasets.load(folder, shape)
    pair = arrays[:2] if split == "train" else arrays[2:]
    batches, steps = datasets.stream(
        folder, shape, 10, split=split, labels=True, shuffle=False
    )
    assert steps == len(numpy_batches(batches)) == -(-len(pair[0]) // 10)
    yielded = [np.concatenate(p) for p in zip(*numpy_batches(batches))]
    assert_same_arrays(yielded, pair)


def test_stream_follows_the_order_of_batches(folder):
    arrays = datasets.load(folder)
    stream, steps = datasets.stream(
        folder, batch_size=10, labels=True, seed=3, initial_epoch=2
    )
    assert steps == 4
    batches = datasets.Batches(*arrays[:2], 10, seed=3)
    streamed = iter(numpy_batches(stream, 3 * steps))
    for epoch in range(2, 5):
        batches.set_epoch(epoch)
        for expected in batches:
            assert_same_arrays(next(streamed), expected)


def test_stream_has_no_labels_by_default(flat_folder):
    stream, _ = datasets.stream(flat_folder, batch_size=4)
    (spec,) = stream.element_spec
    assert tuple(spec.shape) == (None, 8, 8, 1) and spec.dtype == "float32"
    assert [len(x) for (x,) in numpy_batches(stream, 3)] == [4, 4, 1]


@pytest.mark.parametrize("name", ["mnist_small", "digits"])
def test_stream_of_embedded_images(name):
    arrays = datasets.load(name, (14, 14, 1))
    options = {"shape": (14, 14, 1), "batch_size": 500, "labels": True}
    stream, steps = datasets.stream(name, seed=3, initial_epoch=1, **options)
    assert steps == -(-len(arrays.x_train) // 500)
    batches = datasets.Batches(*arrays[:2], 500, seed=3)
    batches.set_epoch(1)
    for streamed, expected in zip(numpy_batches(stream, steps), batches):
        assert_same_arrays(streamed, expected)
    test, _ = datasets.stream(name, split="test", shuffle=False, **options)
    yielded = [np.concatenate(part) for part in zip(*numpy_batches(test))]
    assert_same_arrays(yielded, arrays[2:])


@pytest.mark.slow
@needs_mnist
def test_stream_of_a_download():
    def labels(count, **options):
        stream, steps = datasets.stream(
            "mnist", None, 1000, split="test", labels=True, **options
        )
        assert steps == 10
        return [y.tolist() for _, y in numpy_batches(stream, count)]

    uninterrupted = labels(20, seed=1)
    keras.utils.set_random_seed(99)
    resumed = labels(10, seed=1, initial_epoch=1)
    assert uninterrupted[10:] == resumed
    assert uninterrupted[:10] != resumed
    assert labels(1, seed=2, initial_epoch=1) != resumed[:1]
    assert len(labels(None, shuffle=False)) == 10


@needs_tensorflow
def test_fit_of_a_stream_resumes_exactly(folder):
    def fit(model, epochs, initial_epoch=0):
        stream, steps = datasets.stream(
            folder, batch_size=10, labels=True, initial_epoch=initial_epoch
        )
        model.fit(
            stream,
            epochs=epochs,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps,
            shuffle=False,
            verbose=0,
        )
        return model

    uninterrupted = fit(small_classifier(), 4)
    resumed = fit(fit(small_classifier(), 2), 4, initial_epoch=2)
    assert_same_weights(uninterrupted, resumed)


def test_stream_names_the_corrupt_image(flat_folder):
    for path in sorted(flat_folder.iterdir())[2:]:
        path.write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"8 of 10 images.*flat/00\d.png"):
        datasets.stream(flat_folder, shuffle=False)


def test_streams_that_are_wrong(flat_folder, npz):
    with pytest.raises(ValueError, match="one sub-folder per class"):
        datasets.stream(flat_folder, labels=True)
    with pytest.raises(ValueError, match="`split` must be 'train' or 'test'"):
        datasets.stream(flat_folder, split="validation")
    with pytest.raises(ValueError, match="`batch_size` must be at least 1"):
        datasets.stream(flat_folder, batch_size=0)
    for source in ("binarized_mnist", npz(x=X)):
        with pytest.raises(ValueError, match="`load` the others"):
            datasets.stream(source)


def test_shifted_batches_move_each_image_by_a_few_pixels():
    images = np.zeros((60, 9, 9, 1), "float32")
    images[:, 4, 4] = 1.0
    labels = np.arange(60)
    batches = datasets.Batches(
        images, labels, batch_size=25, seed=3, shuffle=False, shift=2
    )
    moved = np.concatenate([x for x, _ in batches])
    assert moved.shape == images.shape
    np.testing.assert_array_equal(moved.sum((1, 2, 3)), 1.0)
    _, rows, columns, _ = np.nonzero(moved)
    for places in (rows, columns):
        assert set(places) == {2, 3, 4, 5, 6}
    assert (rows != columns).any()
    again = np.concatenate([x for x, _ in batches])
    np.testing.assert_array_equal(moved, again)
    batches.set_epoch(1)
    assert (np.concatenate([x for x, _ in batches]) != moved).any()
    np.testing.assert_array_equal(
        np.concatenate([y for _, y in batches]), labels
    )


def test_what_is_shifted_out_is_lost_and_zeros_come_in():
    images = np.ones((50, 4, 4, 2), "float32")
    (batch,) = datasets.Batches(images, batch_size=50, shift=1)
    counts = {int(image[..., 0].sum()) for image in batch[0]}
    assert counts == {9, 12, 16}


def test_shift_takes_images():
    with pytest.raises(ValueError, match="n, height, width, channels"):
        datasets.Batches(np.ones((3, 4)), shift=1)
    with pytest.raises(ValueError, match="shift"):
        datasets.Batches(np.ones((3, 4, 4, 1)), shift=-1)


def test_channels_first_are_told_how_to_turn(npz):
    images = np.zeros((4, 3, 16, 16), "uint8")
    with pytest.raises(ValueError, match=r"np.moveaxis\(x, 1, -1\)"):
        datasets.load(npz(x=images))
    signals = np.zeros((10, 1, 100, 8), "uint8")
    assert datasets.load(npz(x=signals)).x_train.shape[1:] == (1, 100, 8)


def test_labels_of_a_data_frame_are_told_of(npz):
    labels = np.array(["a", "b"] * 5, object)
    with pytest.raises(ValueError, match=r"y.astype\(str\)"):
        datasets.load(npz(x=X[:10], y=labels))
