"""Draw the pictures of the documentation: `python docs/draw_pictures.py`."""

import io
import pathlib

import numpy as np
from PIL import Image

import zoo
from zoo import datasets
from zoo import plots
from zoo.plots.images import grid_picture
from zoo.plots.images import name_rows
from zoo.reproduce.two_digits import side_by_side

FOLDER = pathlib.Path(__file__).parent / "pictures"
HEIGHT = 800
WIDEST = 1600  # pixels of a page
SHOWN = 12  # images in a row


def beside(figures):
    """One image of several figures at one height."""
    images = [_scaled(figure) for figure in figures]
    width = sum(image.width for image in images)
    joined = Image.new("RGB", (width, HEIGHT), "white")
    left = 0
    for image in images:
        joined.paste(image, (left, 0))
        left += image.width
    return joined


def _scaled(figure):
    image = _drawn(figure)
    return image.resize((image.width * HEIGHT // image.height, HEIGHT))


def _drawn(figure):
    file = io.BytesIO()
    figure.savefig(file, bbox_inches="tight")
    return Image.open(file).convert("RGB")


def main():
    mnist = datasets.load("mnist_small")
    images, labels = side_by_side(mnist.x_test, mnist.y_test, 2)
    capsules = zoo.capsule_cnn(weights="mnist")
    read = plots.predictions(capsules, images[:8], labels[:8])
    dense = zoo.dense_vae(weights="mnist")
    _save(beside([plots.manifold(dense), read]), "digits")
    _save(_drawn(plots.couplings(capsules, images[0])), "capsules")
    matrix = zoo.matrix_capsnet(weights="mnist")
    _save(_drawn(plots.assignments(matrix, mnist.x_test[1])), "assignments")
    spoilt = _spoilt(mnist.x_test[:12])
    maps = plots.score_maps(zoo.conv_vae(weights="mnist"), spoilt)
    _save(_drawn(maps), "score_maps")
    clusters = zoo.cluster_vae(weights="mnist")
    rows = plots.traversals(clusters, mnist.x_test[:300], count=6)
    _save(_drawn(rows), "traversals")
    _save(_drawn(plots.clusters(clusters, mnist.x_test)), "clusters")
    codes = zoo.vq_vae(weights="mnist")
    _save(_drawn(_coded(codes, mnist.x_test[:SHOWN])), "codes")


def _coded(model, digits):
    """Digits, what their codes give back, and what the prior draws."""
    rows = {
        "images": digits,
        "from their codes": model.reconstruct(digits),
        "drawn": model.generate(SHOWN, seed=0),
    }
    figure, axes = grid_picture(np.concatenate([*rows.values()]), columns=SHOWN)
    name_rows(axes, list(rows))
    return figure


def _spoilt(digits):
    """Digits of which the first has a bar, one is turned, one has a square."""
    digits = digits.copy()
    digits[0, 4:9, 4:24] = 1
    digits[1] = digits[1].swapaxes(0, 1)[::-1]
    digits[2, 20:26, 20:26] = 0.6
    return digits


def _save(picture, name):
    picture.thumbnail((WIDEST, WIDEST))
    picture.quantize(128).save(FOLDER / f"{name}.png", optimize=True)


main()
