"""Draw the pictures of the documentation: `python docs/draw_pictures.py`."""

import io
import pathlib

from PIL import Image

import zoo
from zoo import plots

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
    picture = beside([plots.manifold(dense), plots.class_samples(conditional)])
    picture.quantize(64).save(FOLDER / "vae.png", optimize=True)


main()
