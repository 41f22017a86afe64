import math

import keras
import numpy as np

from keras_capsvae import GaussianLatent
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from zoo.plots.canvas import Picture
from zoo.plots.checks import as_given
from zoo.plots.checks import example_arrays
from zoo.plots.checks import expect
from zoo.plots.checks import expect_kind
from zoo.plots.images import grid_picture
from zoo.plots.images import name_columns
from zoo.plots.images import name_rows
from zoo.plots.perturbations import put_columns_on_top
from zoo.plots.perturbations import signed_offset


def traversals(
    model: keras.Model,
    x: Tensor,
    count: int = 10,
    span: float = 3.0,
    steps: int = 11,
    image_shape: tuple[int, ...] | None = None,
) -> Picture:
    """Draw what each latent changes in the decoded image.

    The posterior mean of the first image is decoded again and again, a row for
    each latent and a column for each value that this latent takes alone: its
    mean over all images, and so many deviations below and above. Latents whose
    posterior means differ most among the images come first: those at the end
    change nothing if they are not in use.

    Args:
        model: A variational autoencoder of images with Gaussian latents.
        x: Array of images, better hundreds than one; for a conditional model
            the list `[images, one_hot]`.
        count: Integer, how many latents to draw; all of them when there are
            fewer. Defaults to 10.
        span: Float above 0, the largest number of deviations. Defaults to 3.
        steps: Integer of at least 2, the number of values, evenly spaced.
            Defaults to 11.
        image_shape: `(h, w)` or `(h, w, channels)`, needed for flat images
            that are not square. Defaults to `None`.

    Returns:
        A `matplotlib.figure.Figure` with a row for each latent, which tells the
        deviation of its posterior means.

    Raises:
        ValueError: If `x` does not fit the model, its latents are not Gaussian
            or maps of them, `count` is below 1, `span` is not above 0 or
            `steps` is below 2.

    Example:

    ```python
    import numpy as np
    import zoo
    from zoo import plots

    model = zoo.conv_vae(latent_dim=16)
    figure = plots.traversals(model, np.random.rand(50, 28, 28, 1))
    figure.savefig("traversals.png")
    ```

    Source: Higgins et al., beta-VAE, 2017, figure 1.
    """
    check_integer("count", count)
    check_integer("steps", steps, 2)
    expect(0 < span < math.inf, "`span` must be above 0", span=span)
    expect_kind(model, VariationalAutoencoder)
    arrays = example_arrays(model, x)
    means, deviations = _gaussians(model, as_given(arrays))
    use = means.std(axis=0)
    spread = np.sqrt(means.var(axis=0) + (deviations**2).mean(axis=0))
    order = np.argsort(-use)[:count]
    offsets = np.linspace(-span, span, steps)

    z = np.tile(means[0], (len(order), steps, 1))
    for row, dim in enumerate(order):
        z[row, :, dim] = means[:, dim].mean() + offsets * spread[dim]
    decoded = model.decode(
        z.reshape(-1, z.shape[-1]),
        condition=[array[0] for array in arrays[1:]] or None,
    )
    images = decoded[0] if isinstance(decoded, list) else decoded
    figure, axes = grid_picture(images, steps, image_shape, longest_side=9.0)
    name_rows(axes, [f"latent {dim} \u00b7 {use[dim]:.2f}" for dim in order])
    name_columns(axes, [signed_offset(offset) for offset in offsets])
    put_columns_on_top(axes)
    axes.set_xlabel("deviations from the mean of all images")
    axes.set_ylabel("deviation of the posterior means")
    return figure


def _gaussians(model, x):
    """Means and deviations of the posteriors, `(n, latent_dim)`."""
    expect(
        isinstance(model.latent, GaussianLatent),
        "`model` must have Gaussian latents",
        latent=type(model.latent).__name__,
    )
    mean, log_var = model.posterior(x)
    expect(
        mean.ndim == 2,
        "`model` must have latents (n, latent_dim)",
        shape=mean.shape,
    )
    return mean, np.exp(log_var / 2)
