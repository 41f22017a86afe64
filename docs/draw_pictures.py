"""Draw the pictures of the documentation: `python docs/draw_pictures.py`."""

import io
import pathlib

from PIL import Image

import zoo
from zoo import datasets
from zoo import plots
from zoo.reproduce.two_digits import side_by_side

FOLDER = pathlib.Path(__file__).parent / "pictures"
HEIGHT = 900


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
    file = io.BytesIO()
    figure.savefig(file, bbox_inches="tight")
    image = Image.open(file).convert("RGB")
    return image.resize((image.width * HEIGHT // image.height, HEIGHT))


def main():
    dense = zoo.dense_vae(weights="mnist")
    conditional = zoo.conditional_vae(weights="mnist")
    _save([plots.manifold(dense), plots.class_samples(conditional)], "vae")

    capsules = zoo.capsule_cnn(weights="mnist")
    mnist = datasets.load("mnist")
    images, labels = side_by_side(mnist.x_test, mnist.y_test, 2)
    _save(
        [
            plots.couplings(capsules, images[0]),
            plots.predictions(capsules, images[:6], labels[:6]),
        ],
        "capsules",
    )


def _save(figures, name):
    picture = beside(figures).quantize(64)
    picture.save(FOLDER / f"{name}.png", optimize=True)


main()
