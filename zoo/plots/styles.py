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
from zoo.plots.checks import names_of
from zoo.plots.images import as_tiles
from zoo.plots.images import grid_picture
from zoo.plots.images import name_columns
from zoo.plots.pictures import expect_unit_range


def styles(
    model: keras.Model,
    x: Tensor,
    count: int = 8,
    image_shape: tuple[int, ...] | None = None,
    class_names: Sequence[str] | None = None,
) -> Picture:
    """Draw each image's style in all classes: a row a style, a column a class.

    The first column is the image itself. The model encodes it with its label
    and decodes the same latents with every other, `model.relabel`.

    Args:
        model: A conditional variational autoencoder of the zoo.
        x: The list `[images, one_hot]`, images with values in [0, 1].
        count: Integer, how many of the first images to draw; all of them when
            there are fewer. Defaults to 8.
        image_shape: `(h, w)` or `(h, w, channels)`, needed for flat images
            that are not square. Defaults to `None`.
        class_names: Strings, the names of the classes in the order of their
            numbers. Defaults to `None`: the numbers.

    Returns:
        A `matplotlib.figure.Figure` whose columns are named by class.

    Raises:
        ValueError: If the model is not conditional, `x` is empty, holds NaN or
            values outside [0, 1], or `count` is below 1.

    Example:

    ```python
    import numpy as np
    import zoo
    from zoo import plots

    images, labels = np.random.rand(20, 784), np.eye(10)[np.arange(20) % 10]
    figure = plots.styles(zoo.conditional_vae(), [images, labels])
    figure.savefig("styles.png")
    ```

    Source: Kingma et al., Semi-supervised Learning with Deep Generative Models,
    2014.
    """
    check_integer("count", count)
    classes = label_classes(model)
    expect(
        classes is not None,
        "`model` must be conditional, with images and labels as inputs",
        model=model.name,
    )
    first = [array[:count] for array in example_arrays(model, x)]
    expect_unit_range(first[0])
    columns = [as_tiles(first[0], image_shape)]
    for label in range(classes or 0):
        moved = model.relabel(as_given(first), label)
        columns.append(as_tiles(moved, image_shape))
    tiles = np.stack(columns, axis=1)  # (count, 1 + classes, h, w, c)
    figure, axes = grid_picture(
        tiles.reshape(-1, *tiles.shape[2:]), len(columns)
    )
    name_columns(axes, ["image", *names_of(class_names, classes or 0)])
    axes.set_ylabel("style")
    axes.set_xlabel("class")
    return figure
