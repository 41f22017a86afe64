"""Latents on a sphere, drawn; and what is drawn of categories."""

import numpy as np
import pytest

import zoo
from zoo import plots
from zoo.plots import gallery
from zoo.plots.sphere import equal_area

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((12, 16), "float32")
LABELS = np.arange(12) % 3


@pytest.fixture(scope="module")
def model():
    return zoo.vmf_vae(16, 3, 4, seed=0)


def test_the_projection_keeps_areas():
    """Evenly spread directions cover a disc of the area 2π evenly."""
    directions = RANDOM.normal(size=(40_000, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    front = directions[directions[:, 0] > 0]
    radii = np.linalg.norm(equal_area(front), axis=-1)
    assert radii.max() <= np.sqrt(2)
    inside = [(radii < radius).mean() for radius in (0.5, 1.0, 1.3)]
    np.testing.assert_allclose(inside, [0.125, 0.5, 0.845], atol=0.02)


def test_each_example_is_on_one_side(model):
    figure = plots.latent_sphere(model, IMAGES, LABELS)
    sides = [axes.collections[0].get_offsets() for axes in figure.axes]
    assert sum(map(len, sides)) == len(IMAGES)
    front = model.encode(IMAGES)
    front = front[front[:, 0] > 0]
    np.testing.assert_allclose(sides[0], equal_area(front), rtol=1e-5)


def test_colours_of_many_labels_mean_the_same_on_both_sides(model):
    figure = plots.latent_sphere(model, IMAGES, np.arange(12))
    limits = [axes.collections[0].get_clim() for axes in figure.axes[:2]]
    assert limits == [(0, 11), (0, 11)]


def test_other_latents_are_no_sphere():
    with pytest.raises(ValueError, match="length 1 in three dims.*12, 4"):
        plots.latent_sphere(zoo.vmf_vae(16, 4, 4), IMAGES)


def test_pictures_that_suit(model, tmp_path):
    models = {
        "ball": (model, ["latent", "reconstructions", "samples"]),
        "circle": (
            zoo.vmf_vae(16, 2, 4),
            ["latent", "reconstructions", "samples"],
        ),
        "codes": (
            zoo.gumbel_vae((4, 4, 1), 5, 2),
            ["reconstructions", "samples"],
        ),
    }
    for folder, (one, names) in models.items():
        images = IMAGES.reshape(-1, *one.inputs[0].shape[1:])
        paths = gallery.draw(one, tmp_path / folder, images, LABELS)
        assert sorted(path.stem for path in paths) == names
