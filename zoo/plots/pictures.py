import math
from collections.abc import Sequence

import keras
import numpy as np

from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from zoo.datasets.feeds import label_classes
from zoo.plots.canvas import Picture
from zoo.plots.checks import as_given
from zoo.plots.checks import example_arrays
from zoo.plots.checks import expect
from zoo.plots.checks import expect_decoder
from zoo.plots.checks import names_of
from zoo.plots.images import PAPER
from zoo.plots.images import as_tiles
from zoo.plots.images import grid_picture
from zoo.plots.images import name_rows

IN_A_ROW = 10


def reconstructions(
    model: keras.Model,
    x: Tensor,
    count: int = 10,
    image_shape: tuple[int, ...] | None = None,
) -> Picture:
    """Draw images above what the model makes of them.

    A variational autoencoder decodes the posterior mean, a capsule network its
    longest capsule.

    Args:
        model: A variational autoencoder of the zoo, or a `CapsuleNetwork` with
            a decoder.
        x: Array of images with values in [0, 1]; for a conditional model the
            list `[images, one_hot]`.
        count: Integer, how many of the first images to draw; all of them when
            there are fewer. Defaults to 10.
        image_shape: `(h, w)` or `(h, w, channels)`, needed for flat images
            that are not square. Defaults to `None`.

    Returns:
        A `matplotlib.figure.Figure` of rows `original` and `reconstruction`,
        two for each ten images.

    Raises:
        ValueError: If `x` is empty, holds NaN or values outside [0, 1], if
            `count` is below 1 or the model has no decoder.

    Example:

    ```python
    import numpy as np
    import zoo
    from zoo import plots

    images = np.random.rand(20, 784)
    figure = plots.reconstructions(zoo.dense_vae(), images)
    figure.savefig("reconstructions.png")
    ```

    Source: Jianlin Su, https://kexue.fm/archives/5253; Sabour, Frosst and
    Hinton, Dynamic Routing Between Capsules, 2017.
    """
    check_integer("count", count)
    expect_decoder(model)
    first = [array[:count] for array in example_arrays(model, x)]
    expect_unit_range(first[0])
    originals = as_tiles(first[0], image_shape)
    decoded = as_tiles(model.reconstruct(as_given(first)), image_shape)
    columns = min(len(originals), IN_A_ROW)
    pairs = np.stack([by_rows(originals), by_rows(decoded)], axis=1)
    figure, axes = grid_picture(
        pairs.reshape(-1, *originals.shape[1:]),
        columns,
        longest_side=max(3.0, 0.7 * columns, 1.4 * len(pairs)),
    )
    name_rows(axes, ["original", "reconstruction"] * len(pairs))
    return figure


def by_rows(tiles: np.ndarray) -> np.ndarray:
    """Tiles (rows, in a row, …), with blank ones where the last row ends."""
    wide = min(len(tiles), IN_A_ROW)
    missing = -len(tiles) % wide
    blank = np.full((missing, *tiles.shape[1:]), PAPER, tiles.dtype)
    return np.concatenate([tiles, blank]).reshape(-1, wide, *tiles.shape[1:])


def expect_unit_range(x: np.ndarray, tolerance: float = 0.1) -> None:
    expect(
        x.min() >= -tolerance and x.max() <= 1 + tolerance,
        "`x` must hold values in [0, 1]",
        smallest=x.min(),
        largest=x.max(),
    )


def samples(
    model: keras.Model,
    count: int = 100,
    seed: int | None = 0,
    image_shape: tuple[int, ...] | None = None,
) -> Picture:
    """Draw images that the model generates, in a square.

    Args:
        model: A variational autoencoder of the zoo.
        count: Integer, number of images. Defaults to 100.
        seed: Integer seed of `model.generate`, or `None` for new images at
            every call. Defaults to 0.
        image_shape: `(h, w)` or `(h, w, channels)`, needed for flat images
            that are not square. Defaults to `None`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If `count` is below 1 or the images have no known shape.

    Example:

    ```python
    import zoo
    from zoo import plots

    figure = plots.samples(zoo.dense_vae(), count=25)
    figure.savefig("samples.png")
    ```

    Source: Jianlin Su, https://kexue.fm/archives/5253.
    """
    check_integer("count", count)
    images = model.generate(count, seed=seed)
    return grid_picture(images, math.ceil(math.sqrt(count)), image_shape)[0]


def class_samples(
    model: keras.Model,
    per_class: int = 10,
    seed: int | None = 0,
    image_shape: tuple[int, ...] | None = None,
    class_names: Sequence[str] | None = None,
) -> Picture:
    """Draw images that a conditional model generates, a row for each class.

    All rows are drawn with the same seed, so that a column shows one noise
    vector carried to the mean of each class.

    Args:
        model: A conditional variational autoencoder of the zoo.
        per_class: Integer, images in a row. Defaults to 10.
        seed: Integer seed of `model.generate`, or `None` for new images at
            every call. Defaults to 0.
        image_shape: `(h, w)` or `(h, w, channels)`, needed for flat images
            that are not square. Defaults to `None`.
        class_names: Strings, the names of the classes in the order of their
            labels. Defaults to `None`: the labels.

    Returns:
        A `matplotlib.figure.Figure` whose rows are named by class.

    Raises:
        ValueError: If the model is not conditional or `per_class` is below 1.

    Example:

    ```python
    import zoo
    from zoo import plots

    figure = plots.class_samples(zoo.conditional_vae(), per_class=8)
    figure.savefig("class_samples.png")
    ```

    Source: Jianlin Su, https://kexue.fm/archives/5253.
    """
    check_integer("per_class", per_class)
    count = label_classes(model)
    expect(
        count is not None,
        "`model` must be conditional, with images and labels as inputs",
        model=model.name,
    )
    classes = range(count or 0)
    rows = [model.generate(per_class, seed=seed, label=c) for c in classes]
    figure, axes = grid_picture(np.concatenate(rows), per_class, image_shape)
    name_rows(axes, names_of(class_names, len(classes)))
    axes.set_ylabel("class asked for")
    return figure
