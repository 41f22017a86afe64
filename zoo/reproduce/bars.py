"""Bars of several nets beside each other: a mean, and a dot for each seed."""

from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as MatplotlibFigure

from zoo.reproduce.expectations import Figures


def bars_of_nets(
    figures: Figures,
    nets: Sequence[str],
    measured: Mapping[str, str],
    form: str,
    highest: float,
    published: Mapping[str, float],
) -> MatplotlibFigure:
    """A group of bars for each thing measured, in it a bar for each net.

    Args:
        figures: Name → `Figure`.
        nets: Names of the nets.
        measured: Label of a group → what follows the name of a net in the name
            of its figure. What was not measured is left out.
        form: Format of the numbers on the bars.
        highest: The best accuracy: 1, or 100 of accuracies in percent.
        published: Figures to draw as lines, by the same names.
    """
    picture = MatplotlibFigure(figsize=(8, 3.4), layout="constrained")
    axes = picture.subplots()
    width = 0.8 / len(nets)
    measured = {
        label: ending
        for label, ending in measured.items()
        if f"{nets[0]}, {ending}" in figures
    }
    for number, net in enumerate(nets):
        names = [f"{net}, {ending}" for ending in measured.values()]
        places = np.arange(len(names)) + (number + 0.5) * width - 0.4
        means = [figures[name].mean for name in names]
        bars = axes.bar(places, means, 0.9 * width, label=net)
        size = min(7, 50 * width)
        axes.bar_label(
            bars, [form.format(mean) for mean in means], fontsize=size
        )
        for place, name in zip(places, names):
            seeds = figures[name].values
            axes.plot([place] * len(seeds), seeds, "k.", markersize=3)
            if name in published:
                ends = place - width / 2, place + width / 2
                axes.hlines(published[name], *ends, "k")
    axes.set_xticks(range(len(measured)), measured)
    axes.set_ylabel("accuracy" if highest == 1 else "accuracy, %")
    axes.set_ylim(0, 1.08 * highest)
    axes.spines[["top", "right"]].set_visible(False)
    picture.legend(
        loc="outside upper center", ncols=min(len(nets), 4), frameon=False
    )
    axes.annotate(
        "dots: seeds · lines: the post",
        (1, 0.98),
        xycoords="axes fraction",
        ha="right",
        fontsize=8,
        color="0.4",
    )
    return picture
