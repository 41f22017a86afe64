from collections.abc import Sequence

import numpy as np

from zoo.plots.canvas import Picture
from zoo.plots.checks import expect
from zoo.plots.checks import finite_array
from zoo.plots.checks import names_of

NUMBERED = 20  # classes up to which each cell says its count
LONGEST = 12  # characters of a name that are drawn


def confusion(
    matrix: np.ndarray, class_names: Sequence[str] | None = None
) -> Picture:
    """Draw which classes a classifier takes for which.

    The colour of a cell is its share of the examples of the class in the row.

    Args:
        matrix: Integers `(classes, classes)`, labels in rows and predictions
            in columns, such as `ClassReport.confusion`.
        class_names: Names of the classes. Defaults to `None`: numbers.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If the matrix is not square or the names are not as many.

    Example:

    ```python
    from zoo import plots

    figure = plots.confusion([[9, 1], [0, 8]], ["cat", "dog"])
    figure.savefig("confusion.png")
    ```
    """
    matrix = finite_array("matrix", matrix)
    expect(
        matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1],
        "`matrix` must have a row and a column for each class",
        shape=matrix.shape,
    )
    count = len(matrix)
    names = names_of(class_names, count)
    side = min(2.2 + 0.4 * count, 12.0)
    figure = Picture(side + 0.8, side)
    axes = figure.add_subplot()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(picture, label="share of the class", shrink=0.8)
    step = -(-count // 40)
    places = range(0, count, step)
    shown = [_short(names[place]) for place in places]
    longest = max(map(len, shown))
    axes.set_xticks(places, shown, rotation=90 if longest > 2 else 0)
    axes.set_yticks(places, shown)
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")
    if count <= NUMBERED:
        for (row, column), value in np.ndenumerate(matrix):
            colour = "white" if shares[row, column] > 0.5 else "black"
            if value:
                axes.text(
                    column,
                    row,
                    f"{value:.0f}",
                    ha="center",
                    va="center",
                    color=colour,
                    fontsize=8,
                )
    return figure


def _short(name):
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
