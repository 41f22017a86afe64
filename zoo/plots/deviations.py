import keras
import numpy as np

from keras_capsvae.typing import Tensor
from zoo.evaluation.figures import posterior_deviations as deviations_of
from zoo.plots.canvas import PALETTE
from zoo.plots.canvas import Picture
from zoo.plots.canvas import remove_upper_frame
from zoo.plots.checks import as_given
from zoo.plots.checks import example_arrays

BINS = 60


def posterior_deviations(model: keras.Model, x: Tensor) -> Picture:
    """Draw how wide the posteriors of a VAE are.

    Args:
        model: A VAE of the zoo.
        x: Images shaped for the model.

    Returns:
        A `matplotlib.figure.Figure`: the histogram of σ over all images and
        latents; the prior has σ = 1.

    Raises:
        ValueError: If `x` is no batch of finite images.

    Source: Jianlin Su, https://kexue.fm/archives/5383.
    """
    arrays = example_arrays(model, x)
    values = deviations_of(model, as_given(arrays)).ravel()
    figure = Picture(4.5, 3.0)
    axes = figure.add_subplot()
    weights = np.full(len(values), 1 / len(values))
    axes.hist(values, BINS, weights=weights, color=PALETTE[0])
    axes.axvline(np.median(values), color="0.3", linewidth=1, linestyle="--")
    axes.set_title(f"posterior σ, median {np.median(values):.3f}")
    axes.set_xlabel("σ (prior: 1)")
    axes.set_ylabel("share of latents")
    remove_upper_frame(axes)
    return figure
