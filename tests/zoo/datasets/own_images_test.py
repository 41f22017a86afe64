"""Folders of images as people have them: sizes, alpha, faults."""

import numpy as np
import pytest
from PIL import Image

from zoo import datasets
from zoo.datasets.headers import header_of
from zoo.datasets.images import read_image
from zoo.datasets.reading import Reading
from zoo.datasets.reading import sides_of
from zoo.datasets.whole import has_test_part

RANDOM = np.random.default_rng(0)


def save(path, height=40, width=56, mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RANDOM.integers(0, 256, (height, width, 3), dtype="uint8")
    Image.fromarray(pixels).convert(mode).save(path, **options)
    return path


def save_classes(folder, names=("cat", "dog"), count=4, **options):
    for name in names:
        for number in range(count):
            save(folder / name / f"{number}.png", **options)
    return folder


@pytest.fixture
def photos(tmp_path):
    return save_classes(tmp_path / "photos")


def test_images_keep_their_shape_and_classes_their_names(photos):
    arrays = datasets.load(photos)
    assert arrays.x_train.shape[1:] == (40, 56, 3)
    assert datasets.image_shape(photos) == (40, 56, 3)
    assert datasets.image_shape(photos, (20, None, 1)) == (20, 56, 1)
    assert datasets.class_names(photos) == ["cat", "dog"]


def test_names_of_a_run_decide_the_labels_of_other_folders(photos):
    arrays = datasets.load(photos, class_names=["ape", "cat", "dog"])
    labels = {*arrays.y_train.tolist(), *arrays.y_test.tolist()}
    assert labels == {1, 2}
    with pytest.raises(ValueError, match=r"classes .*ape, cat.*dog"):
        datasets.load(photos, class_names=["ape", "cat"])


def test_several_sizes_are_counted_and_what_to_type_is_said(photos):
    save(photos / "cat" / "large.png", 60, 60)
    for read in (datasets.load, datasets.image_shape):
        with pytest.raises(
            ValueError,
            match=r"8 of 40 × 56, 1 of 60 × 60 .*--resize 32x64 "
            r"\(`shape=\(32, 64, 3\)`",
        ):
            read(photos)
    assert datasets.load(photos, (40, 56, None)).x_train.shape[1:] == (
        40,
        56,
        3,
    )


def test_broken_images_are_all_named_and_counted(photos):
    broken = photos / "cat" / "1.png"
    broken.write_bytes(broken.read_bytes()[:300])
    (photos / "dog" / "3.png").write_bytes(b"no image")
    for read in (datasets.load, datasets.image_shape):
        with pytest.raises(ValueError, match="2 of 8 images.*skip-broken") as e:
            read(photos)
        assert "cat/1.png" in str(e.value) and "dog/3.png" in str(e.value)
    with pytest.warns(UserWarning, match="2 of 8 .*left out.*cat/1.png"):
        arrays = datasets.load(photos, skip_broken=True)
    assert len(arrays.x_train) + len(arrays.x_test) == 6


def test_a_truncated_image_alone_is_found_when_it_is_decoded(photos):
    broken = photos / "cat" / "1.png"
    broken.write_bytes(broken.read_bytes()[:300])
    assert not header_of(broken).problem
    with pytest.raises(ValueError, match="cat/1.png.*truncated"):
        datasets.load(photos)


def test_nothing_is_left_when_all_are_broken(photos):
    for path in photos.rglob("*.png"):
        path.write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="8 of 8"),
        pytest.raises(ValueError, match="of which none can"),
    ):
        datasets.load(photos, skip_broken=True)


def test_an_empty_class_is_named(photos):
    (photos / "empty").mkdir()
    (photos / "empty" / ".DS_Store").write_bytes(b"x")
    (photos / "empty" / "Thumbs.db").write_bytes(b"x")
    with pytest.raises(ValueError, match="empty without any"):
        datasets.load(photos)


def test_files_that_systems_leave_do_not_count(photos):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._0.png"):
        (photos / "cat" / name).write_bytes(b"x")
    arrays = datasets.load(photos)
    assert len(arrays.x_train) + len(arrays.x_test) == 8


def test_images_of_cameras_are_left_out_with_a_word(photos):
    (photos / "cat" / "IMG_1.HEIC").write_bytes(b"x")
    with pytest.warns(UserWarning, match="1 images in .*left out: IMG_1.HEIC"):
        datasets.load(photos)


def test_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    path = save(tmp_path / "a.jpg", 40, 56, exif=exif)
    header = header_of(path)
    assert (header.height, header.width) == (56, 40)
    assert read_image(path).shape == (56, 40, 3)


def test_transparent_pixels_are_laid_on_white_with_a_word(tmp_path):
    pixels = np.zeros((4, 4, 4), "uint8")
    pixels[:2, :, 3] = 255
    for number in range(3):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    with pytest.warns(UserWarning, match="3 of 3 .*alpha channel.*on white"):
        arrays = datasets.load(tmp_path)
    assert arrays.x_train.shape[1:] == (4, 4, 3)
    assert (arrays.x_train[:, :2] == 0).all()
    assert (arrays.x_train[:, 2:] == 1).all()


def test_a_palette_with_a_transparent_colour(tmp_path):
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 0])
    image.putpixel((0, 0), 1)
    path = tmp_path / "a.png"
    image.save(path, transparency=0)
    assert header_of(path).has_alpha
    read = read_image(path)
    np.testing.assert_allclose(read[0, 0] * 255, [200, 100, 0], atol=1e-3)
    np.testing.assert_allclose(read[3, 3], 1)


def test_grey_images_among_coloured_ones_are_coloured_with_a_word(photos):
    save(photos / "cat" / "grey.png", mode="L")
    with pytest.warns(UserWarning, match="1 of 9 .*repeated in 3 channels"):
        arrays = datasets.load(photos)
    assert arrays.x_train.shape[1:] == (40, 56, 3)


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32"])
def test_deep_images_are_counted_not_cut(photos, dtype, tmp_path):
    deep = np.full((40, 56), 40000, dtype)
    Image.fromarray(deep).save(photos / "cat" / "deep.tif")
    for options in ({}, {"skip_broken": True}):
        with pytest.raises(ValueError, match="8 bits a channel.*deep.tif"):
            datasets.load(photos, **options)


def test_a_validation_folder_is_the_test(tmp_path):
    save_classes(tmp_path / "train")
    save_classes(tmp_path / "val", count=1)
    arrays = datasets.load(tmp_path)
    assert (len(arrays.x_train), len(arrays.x_test)) == (8, 2)
    assert has_test_part(tmp_path)
    assert not has_test_part(tmp_path / "train")
    save_classes(tmp_path / "test", count=2)
    with pytest.warns(UserWarning, match="test is the test"):
        arrays = datasets.load(tmp_path)
    assert len(arrays.x_test) == 4


def test_sides():
    assert sides_of("64") == sides_of(64) == (64, 64)
    assert sides_of("40x56") == sides_of((40, 56)) == sides_of("40×56")
    for wrong in ("", "x", "4x", "1x2x3", "-4", "0", "a", True, 1.5):
        with pytest.raises(ValueError):
            sides_of(wrong)


def test_what_a_reading_asks_for():
    assert Reading().asked_shape is None
    assert Reading(resize="8").asked_shape == (8, 8, None)
    settings = {"resize": "8", "seed": 3, "grey": True}
    assert Reading.of(settings).asked_shape == (8, 8, 1)
