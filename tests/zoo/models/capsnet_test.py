"""`capsnet` for images that are larger than digits."""

import warnings

import numpy as np
import pytest

import zoo
from zoo.models import capsnet_sizes

PHOTOS = {
    "filters": 8,
    "num_channels": 2,
    "strides": (3, 2),
    "decoder_units": (4,),
}


def sizes(**changed):
    given = {
        "input_shape": (28, 28, 1),
        "num_classes": 10,
        "filters": 256,
        "num_channels": 32,
        "strides": (1, 2),
        "decoder_units": (512, 1024),
    }
    return capsnet_sizes.checked(**{**given, **changed})


@pytest.mark.parametrize(
    "arguments",
    [PHOTOS, {**PHOTOS, "decoder_units": None}, {"strides": [2, 1]}],
)
def test_parameters_are_counted_before_anything_is_built(arguments):
    shape = {"input_shape": (40, 33, 3), "num_classes": 3}
    model = zoo.capsnet(**shape, **arguments, compile=False)
    assert model.count_params() == sizes(**shape, **arguments).parameters()


def test_photos_of_64_pixels_train():
    model = zoo.capsnet((64, 64, 3), 3, **PHOTOS, jit_compile=False)
    images = np.random.default_rng(0).random((4, 64, 64, 3), "float32")
    losses = model.fit(images, np.arange(4) % 3, verbose=0).history
    assert np.isfinite(losses["loss"]).all()
    assert model.reconstruct(images).shape == images.shape
    assert model.capsules(images).shape == (4, 3, 16)


@pytest.mark.parametrize("side", [64, 96, 128, 224])
@pytest.mark.parametrize("num_classes", [10, 26, 100])
def test_what_a_warning_proposes_makes_fewer_than_50_millions(
    side, num_classes
):
    asked = {"input_shape": (side, side, 3), "num_classes": num_classes}
    if (side, num_classes) == (64, 10):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert sizes(**asked).parameters() == 42_167_040
        return
    with pytest.warns(UserWarning, match=f"{side} × {side} × 3 has") as told:
        large = sizes(**asked)
    smaller = large.smaller()
    said = " and ".join(f"{key}={one}" for key, one in smaller.items())
    assert smaller and said in str(told[0].message)
    assert f"{large.parameters():,} parameters" in str(told[0].message)
    assert sizes(**asked, **smaller).parameters() < 50_000_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strides": 2}, r"as \(2, 2\).*strides=2"),
        ({"strides": (0, 2)}, "`strides` must be at least 1"),
        ({"strides": (3, 2)}, "height must be at least 33.*56 × 56"),
        ({"filters": 0}, "filters=0"),
        ({"num_channels": 0}, "num_channels=0"),
        ({"decoder_units": ()}, "`decoder_units` must be a number"),
    ],
)
def test_bad_sizes(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.capsnet(**arguments)


@pytest.mark.filterwarnings("ignore:capsnet for images")
def test_class_capsules_beyond_the_memory_of_any_machine():
    with pytest.raises(ValueError, match="capsules.*fewer input capsules"):
        zoo.capsnet((224, 224, 3), 10**6)
