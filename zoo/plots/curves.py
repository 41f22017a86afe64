import csv
import math
import os
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from keras_capsvae.typing import Tensor
from zoo.plots.canvas import PALETTE
from zoo.plots.canvas import Picture
from zoo.plots.canvas import remove_upper_frame
from zoo.plots.checks import expect

PANELS_IN_A_ROW = 2
MARKED = 10  # epochs that have a mark each, not a line alone
MISSING = ("", "NA", None)


def training_curves(
    history: keras.callbacks.History | Mapping | str | os.PathLike,
    loss_unit: str = "nats per image",
) -> Picture:
    """Draw each quantity of a training run over its epochs.

    Training (solid) and validation (dashed) share a panel and a colour. What
    equals the loss, as the negative ELBO of most VAEs does, is drawn once.

    Args:
        history: What `model.fit` returns, a dict of lists such as its
            `history`, or the path of a CSV file with a line for each epoch, as
            `keras.callbacks.CSVLogger` writes it. Epochs without a value are
            left out.
        loss_unit: String, the unit of all losses. Defaults to
            `"nats per image"`.

    Returns:
        A `matplotlib.figure.Figure` with one panel for each quantity, the
        loss first.

    Raises:
        ValueError: If there is nothing to draw, or values are not numbers, or
            not one for each epoch.

    Example:

    ```python
    from zoo import plots

    figure = plots.training_curves(
        {"loss": [189.1, 172.3, 168.0], "val_loss": [173.0, 169.2, 166.4]}
    )
    figure.savefig("curves.png")
    ```

    Source: Jianlin Su, https://kexue.fm/archives/5253.
    """
    epochs, columns = epochs_and_columns(history)
    quantities = [name for name in columns if not is_validation(name, columns)]
    quantities = without_copies(quantities, columns)
    expect(quantities, "`history` must hold a quantity", history=history)
    wide = min(len(quantities), PANELS_IN_A_ROW)
    high = math.ceil(len(quantities) / wide)
    figure = Picture(max(4.5, 3.4 * wide), 3.0 * high)
    for place, name in enumerate(quantities):
        axes = figure.add_subplot(high, wide, place + 1)
        colour = PALETTE[place % len(PALETTE)]
        draw_curve(axes, epochs, columns[name], "training", colour, "-")
        if f"val_{name}" in columns:
            validation = columns[f"val_{name}"]
            draw_curve(axes, epochs, validation, "validation", colour, "--")
            if len(epochs) > 1:
                axes.legend(frameon=False)
        if len(epochs) == 1:
            name_marks(axes)
        name_axes(axes, name, loss_unit)
    return figure


def epochs_and_columns(
    history: Any,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Epochs counted from 1, and the values of each quantity over them."""
    if isinstance(history, keras.callbacks.History):
        columns = {**history.history, "epoch": history.epoch}
    elif isinstance(history, Mapping):
        columns = dict(history)
    elif isinstance(history, (str, os.PathLike)):
        columns = csv_columns(history)
    else:
        expect(
            False,
            "`history` must be a keras History, a dict or the path of a CSV "
            "file",
            history=history,
        )
    columns = {name: numbers(name, values) for name, values in columns.items()}
    longest = max((len(values) for values in columns.values()), default=0)
    epochs = columns.pop("epoch", np.arange(longest))
    for name, values in columns.items():
        expect(
            len(values) == len(epochs) > 0,
            f"`{name}` must have a value for each epoch, NaN where there is "
            "none",
            epochs=len(epochs),
            values=len(values),
        )
    return epochs + 1, columns


def csv_columns(path: str | os.PathLike) -> dict[str, list]:
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = rows[0] if rows else ()
    return {name: [row[name] for row in rows] for name in names if name}


def numbers(name: str, values: Tensor) -> np.ndarray:
    try:
        return np.array(
            [math.nan if v in MISSING else float(v) for v in values]
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` must hold numbers. Received: {name}={values!r}"
        ) from error


def without_copies(
    names: Sequence[str], columns: Mapping[str, np.ndarray]
) -> list[str]:
    """The names with the loss first, less those with the values of the loss."""
    loss = columns.get("loss")
    others = [name for name in names if name != "loss"]
    if loss is None:
        return others
    return ["loss"] + [
        name
        for name in others
        if not np.allclose(columns[name], loss, 1e-5, 0, equal_nan=True)
    ]


def is_validation(name: str, columns: Mapping) -> bool:
    return name.startswith("val_") and name[4:] in columns


def draw_curve(
    axes: Axes,
    epochs: np.ndarray,
    values: np.ndarray,
    label: str,
    colour: Any,
    line: str,
) -> None:
    known = np.isfinite(values)
    axes.plot(
        epochs[known],
        values[known],
        color=colour,
        linestyle=line,
        marker="o" if known.sum() <= MARKED else None,
        label=label,
    )


def name_marks(axes: Axes) -> None:
    """Write name and value beside the marks of a single epoch."""
    for place, line in enumerate(axes.lines):
        for epoch, value in np.asarray(line.get_xydata()):
            axes.annotate(
                f"{line.get_label()} {value:.4g}",
                (epoch, value),
                xytext=(8, 0),
                textcoords="offset points",
                va="top" if place else "bottom",
            )
            axes.set_xlim(epoch - 1, epoch + 3)
    axes.set_ymargin(0.5)


def name_axes(axes: Axes, name: str, loss_unit: str) -> None:
    title = name.replace("_", " ").replace("kl ", "KL ")
    title = title.replace("elbo", "ELBO")
    axes.set_title(title)
    axes.set_xlabel("epoch")
    is_loss = name.endswith(("loss", "elbo"))
    axes.set_ylabel(loss_unit if is_loss else title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(left=max(axes.get_xlim()[0], 0.5))  # There is no epoch 0.
    remove_upper_frame(axes)
