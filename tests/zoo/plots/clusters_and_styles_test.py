"""Pictures of clusters and of styles, tile by tile."""

import numpy as np
import pytest

import zoo
from zoo import plots

SIDE = 4
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((12, SIDE * SIDE), "float32")
ONE_HOT = np.eye(3, dtype="float32")[np.arange(12) % 3]


def tile(figure, row, column):
    image = np.asarray(figure.axes[0].images[0].get_array())
    top, left = row * (SIDE + 1), column * (SIDE + 1)
    return image[top : top + SIDE, left : left + SIDE].ravel()


def names(ticks):
    return [tick.get_text() for tick in ticks]


@pytest.fixture(scope="module")
def clustered():
    model = zoo.cluster_vae((SIDE, SIDE, 1), 2, 2, seed=0)
    middle = np.median(model.encode(IMAGES.reshape(-1, SIDE, SIDE, 1)), axis=0)
    model.latent.prior.means.assign(middle + np.array([[1, 0], [-1, 0]]))
    return model


def test_members_stand_left_of_draws(clustered):
    images = IMAGES.reshape(-1, SIDE, SIDE, 1)
    figure = plots.clusters(clustered, images, per_cluster=7, seed=1)
    found = clustered.predict_clusters(images)
    assert set(found) == {0, 1}
    for cluster in (0, 1):
        members = IMAGES[found == cluster]
        for column in range(7):
            shown = tile(figure, cluster, column)
            if column < len(members):
                assert (np.abs(members - shown).max(-1) < 1e-6).any()
            else:
                assert (shown == 1).all()
        drawn = clustered.generate(7, cluster=cluster, seed=1)
        for column, image in enumerate(drawn.reshape(7, -1)):
            shown = tile(figure, cluster, 8 + column)
            np.testing.assert_allclose(shown, image, atol=1e-6)
    (axes,) = figure.axes
    counts = np.bincount(found)
    rows = names(axes.get_yticklabels())
    assert rows == [f"0 ({counts[0]})", f"1 ({counts[1]})"]
    assert [one for one in names(axes.get_xticklabels()) if one] == [
        "members",
        "draws",
    ]


def test_clusters_that_cannot_be_drawn(clustered):
    images = IMAGES.reshape(-1, SIDE, SIDE, 1)
    with pytest.raises(ValueError, match="has no clusters"):
        plots.clusters(zoo.dense_vae(SIDE * SIDE, 2, 4), IMAGES)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        plots.clusters(clustered, 9 * images)
    with pytest.raises(ValueError, match="per_cluster=0"):
        plots.clusters(clustered, images, per_cluster=0)


@pytest.mark.parametrize("condition", ["prior", "decoder"])
def test_a_row_a_style_and_a_column_a_class(condition):
    model = zoo.conditional_vae(
        SIDE * SIDE, 3, 2, 8, condition=condition, seed=0
    )
    given = [IMAGES, ONE_HOT]
    names_of = ["zero", "one", "two"]
    figure = plots.styles(model, given, count=2, class_names=names_of)
    for row in range(2):
        np.testing.assert_allclose(tile(figure, row, 0), IMAGES[row])
        for label in range(3):
            expected = model.relabel([IMAGES[:2], ONE_HOT[:2]], label)[row]
            shown = tile(figure, row, 1 + label)
            np.testing.assert_allclose(shown, expected, atol=1e-6)
    own = model.reconstruct([IMAGES[:2], ONE_HOT[:2]])
    np.testing.assert_allclose(tile(figure, 1, 2), own[1], atol=1e-6)
    columns = names(figure.axes[0].get_xticklabels())
    assert columns == ["image", *names_of]


def test_styles_that_cannot_be_drawn():
    model = zoo.conditional_vae(SIDE * SIDE, 3, 2, 8)
    with pytest.raises(ValueError, match="must be conditional"):
        plots.styles(zoo.dense_vae(SIDE * SIDE, 2, 4), IMAGES)
    with pytest.raises(ValueError, match="count=0"):
        plots.styles(model, [IMAGES, ONE_HOT], count=0)
