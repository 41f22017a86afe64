import math
import os
from collections.abc import Mapping
from typing import Any

import keras

from zoo.plots.canvas import PALETTE
from zoo.plots.canvas import Picture
from zoo.plots.checks import expect
from zoo.plots.curves import draw_curve
from zoo.plots.curves import epochs_and_columns
from zoo.plots.curves import is_validation
from zoo.plots.curves import name_axes

PANELS_IN_A_ROW = 3


def compared_curves(
    histories: Mapping[
        str, keras.callbacks.History | Mapping | str | os.PathLike
    ],
    loss_unit: str = "loss",
) -> Picture:
    """Draw each quantity of several training runs over their epochs.

    A run has a colour; training is solid, validation dashed.

    Args:
        histories: Name of a run → what `training_curves` takes.
        loss_unit: String, the unit of all losses. Defaults to `"loss"`.

    Returns:
        A `matplotlib.figure.Figure` with one panel for each quantity, the
        loss first.

    Raises:
        ValueError: If there is nothing to draw, or a history is none.

    Example:

    ```python
    from zoo import plots

    slow, fast = {"loss": [3.0, 2.0, 1.5]}, {"loss": [3.0, 1.0, 0.5]}
    figure = plots.compared_curves({"slow": slow, "fast": fast})
    figure.savefig("curves.png")
    ```
    """
    runs = {name: epochs_and_columns(one) for name, one in histories.items()}
    names = [
        name
        for _, columns in runs.values()
        for name in columns
        if not is_validation(name, columns)
    ]
    quantities = sorted(dict.fromkeys(names), key=lambda name: name != "loss")
    expect(quantities, "`histories` must hold a quantity", histories=histories)
    wide = min(len(quantities), PANELS_IN_A_ROW)
    high = math.ceil(len(quantities) / wide)
    figure = Picture(max(4.5, 3.4 * wide), 3.0 * high + 0.25 * len(runs))
    for place, name in enumerate(quantities):
        axes = figure.add_subplot(high, wide, place + 1)
        _draw_runs(axes, name, runs)
        name_axes(axes, name, loss_unit)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", frameon=False, ncols=1
    )
    return figure


def _draw_runs(axes: Any, name: str, runs: Mapping[str, Any]):
    for place, (run, (epochs, columns)) in enumerate(runs.items()):
        colour = PALETTE[place % len(PALETTE)]
        if name in columns:
            draw_curve(axes, epochs, columns[name], run, colour, "-")
        if f"val_{name}" in columns:
            validation = columns[f"val_{name}"]
            draw_curve(
                axes, epochs, validation, f"{run}, held out", colour, "--"
            )
