import keras
import numpy as np
import pytest

from keras_capsvae import RandomWindow
from tests.helpers import check_layer
from tests.helpers import numpy_of


def numbered(count=64, height=7, width=6):
    """Images whose two channels hold the row and the column."""
    places = np.stack(np.mgrid[:height, :width], axis=-1)
    return np.tile(places.astype("float32"), (count, 1, 1, 1))


def test_contract():
    check_layer(RandomWindow, {"size": 3, "seed": 1}, (7, 6, 2))
    check_layer(RandomWindow, {"size": 6}, (6, 6, 1))


def test_training_takes_a_window_of_its_own_from_each_image():
    windows = numpy_of(RandomWindow(4, seed=0)(numbered(), training=True))
    corners = windows[:, 0, 0]  # row and column of the first pixel
    expected = np.tile(np.mgrid[:4, :4].transpose(1, 2, 0), (64, 1, 1, 1))
    np.testing.assert_array_equal(windows - corners[:, None, None], expected)
    assert set(corners[:, 0]) == {0, 1, 2, 3}
    assert set(corners[:, 1]) == {0, 1, 2}


def test_inference_takes_the_middle():
    window = numpy_of(RandomWindow(3)(numbered(1)))[0]
    np.testing.assert_array_equal(window[0, 0], [2, 1])
    np.testing.assert_array_equal(window[-1, -1], [4, 3])


def test_a_reloaded_layer_draws_what_the_saved_one_would_have(tmp_path):
    images = numbered(4)
    model = keras.Sequential([keras.Input((7, 6, 2)), RandomWindow(3)])
    model(images, training=True)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    drawn = [numpy_of(one(images, training=True)) for one in (model, again)]
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("shape", [(2, 7, 3), (2, 7, 3, 1), (2, None, 7, 1)])
def test_refuses_what_holds_no_window(shape):
    with pytest.raises(ValueError, match="sides of at least 4"):
        RandomWindow(4).build(shape)
