import keras
import numpy as np
import pytest

import zoo
from zoo import plots
from zoo.plots.assignments import assigned
from zoo.plots.assignments import matrix_capsule_layers
from zoo.plots.canvas import PAGE
from zoo.plots.receptive_fields import fields_and_shape

SHAPE = (19, 21, 1)  # 8 × 9 primary positions, of which 7 × 9 are seen


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    return zoo.matrix_capsnet(SHAPE, 4, capsules=(5, 2, 3, 3))


def random_image(shape=SHAPE):
    return np.random.default_rng(0).random(shape, "float32")


def test_shares_in_all_classes_are_what_the_image_changes(model):
    primary, routed = matrix_capsule_layers(model)
    assert [layer.name for layer in routed] == [
        "conv_capsules_1",
        "conv_capsules_2",
        "class_capsules",
    ]
    batch = random_image()[None]
    maps, active, scores = assigned(model, batch, routed)
    below = keras.Model(model.inputs, primary.output)
    given, empty = (
        below.predict(images, verbose=0)[1][0, :7]
        for images in (batch, np.zeros_like(batch))
    )
    changes = np.abs(given - empty).sum(-1)
    np.testing.assert_allclose(maps.sum(-1), changes, rtol=1e-4, atol=1e-6)
    assert active.shape == (routed[-1].routings, 4)
    expected = model.predict(batch, verbose=0)[0]
    np.testing.assert_allclose(scores, expected, rtol=1e-4)


def test_picture_shows_the_highest_scores(model):
    image = random_image()
    figure = plots.assignments(model, image)
    titles = [axes.get_title() for axes in figure.axes[:5]]
    scores = model.predict(image[None], verbose=0)[0]
    best = np.argsort(-scores)[:3]
    assert titles[0] == "image" and titles[-1] == "activations"
    for title, label in zip(titles[1:4], best):
        assert title == f"class {label} · activation {scores[label]:.2f}"
    assert figure.get_size_inches()[0] <= PAGE


def test_a_frame_holds_what_the_layer_above_reads(model):
    figure = plots.assignments(model, random_image())
    for axes in figure.axes[1:4]:
        (frame,) = axes.patches
        left, right, bottom, top = axes.images[1].get_extent()
        assert frame.get_xy() == (left, top)
        assert frame.get_width() == right - left == 9 * 2
        assert frame.get_height() == bottom - top == 7 * 2


def test_an_empty_background_is_not_coloured(model):
    image = np.zeros(SHAPE, "float32")
    image[12:16, 2:6] = 1
    primary, routed = matrix_capsule_layers(model)
    maps, _, _ = assigned(model, image[None], routed)
    assert maps[:4].max() == 0 and maps[:, 4:].max() == 0 < maps.max()


def test_picture_of_chosen_classes(model):
    figure = plots.assignments(model, random_image(), classes=[2, 0])
    titles = [axes.get_title() for axes in figure.axes[1:3]]
    assert [title.split()[1] for title in titles] == ["2", "0"]
    with pytest.raises(ValueError, match="from 0 to 3"):
        plots.assignments(model, random_image(), classes=[4])
    with pytest.raises(ValueError, match="image"):
        plots.assignments(model, random_image((8, 8, 1)))


def test_refuses_other_models():
    with pytest.raises(ValueError, match="MatrixCapsuleNetwork"):
        plots.assignments(zoo.capsule_cnn(), random_image())


def test_a_window_is_the_middle_of_the_image():
    model = zoo.matrix_capsnet((24, 26, 2), 2, (4, 2, 2, 2), window=20)
    whole = zoo.matrix_capsnet((20, 20, 2), 2, (4, 2, 2, 2))
    fields = [
        fields_and_shape(one, one.get_layer("primary"), shape)[0]
        for one, shape in ((model, (24, 26, 2)), (whole, (20, 20, 2)))
    ]
    assert [side.positions for side in fields[0]] == [8, 8]
    for side, inner, cut in zip(*fields, (2, 3)):
        assert side.centre == inner.centre + cut
    assert model.predict(np.zeros((1, 24, 26, 2)), verbose=0).shape == (1, 2)
    with pytest.raises(ValueError, match="window=20"):
        zoo.matrix_capsnet((19, 30, 1), window=20)
    with pytest.raises(TypeError, match="window='20'"):
        zoo.matrix_capsnet(window="20")
