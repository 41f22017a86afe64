import keras
import numpy as np

from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer
from zoo.plots.canvas import Picture
from zoo.plots.checks import as_given
from zoo.plots.checks import example_arrays
from zoo.plots.images import as_tiles
from zoo.plots.images import grid_picture
from zoo.plots.images import name_columns
from zoo.plots.images import name_rows
from zoo.plots.pictures import expect_unit_range


def clusters(
    model: keras.Model,
    x: Tensor,
    per_cluster: int = 8,
    seed: int = 0,
    image_shape: tuple[int, ...] | None = None,
) -> Picture:
    """Draw members of each cluster beside images that the model generates.

    A row for each cluster: on the left members drawn at random from `x`, on
    the right draws from its component of the prior. Places of a cluster that
    has fewer members are left white.

    Args:
        model: A variational autoencoder whose prior has clusters, such as
            `zoo.cluster_vae`.
        x: Array of images with values in [0, 1].
        per_cluster: Integer, images of each kind in a row. Defaults to 8.
        seed: Integer seed of both draws. Defaults to 0.
        image_shape: `(h, w)` or `(h, w, channels)`, needed for flat images
            that are not square. Defaults to `None`.

    Returns:
        A `matplotlib.figure.Figure` whose rows are named by cluster, with the
        number of members.

    Raises:
        ValueError: If the prior has no clusters, `x` is empty, holds NaN or
            values outside [0, 1], or `per_cluster` is below 1.

    Example:

    ```python
    import numpy as np
    import zoo
    from zoo import plots

    images = np.random.rand(50, 28, 28, 1)
    figure = plots.clusters(zoo.cluster_vae(), images)
    figure.savefig("clusters.png")
    ```

    Source: Jianlin Su, https://kexue.fm/archives/5887.
    """
    check_integer("per_cluster", per_cluster)
    arrays = example_arrays(model, x)
    expect_unit_range(arrays[0])
    found = model.predict_clusters(as_given(arrays), 256)
    tiles = as_tiles(arrays[0], image_shape)
    random = np.random.default_rng(seed)
    rows, names = [], []
    for cluster in range(model.latent.num_clusters):
        members = random.permutation(np.flatnonzero(found == cluster))
        shown = np.ones((per_cluster, *tiles.shape[1:]), tiles.dtype)
        shown[: len(members)] = tiles[members[:per_cluster]]
        drawn = model.generate(per_cluster, cluster=cluster, seed=seed)
        blank = np.ones((1, *tiles.shape[1:]))
        rows += [shown, blank, as_tiles(drawn, image_shape)]
        names.append(f"{cluster} ({len(members)})")
    columns = 2 * per_cluster + 1
    figure, axes = grid_picture(np.concatenate(rows), columns, longest_side=8.0)
    name_rows(axes, names)
    axes.set_ylabel("cluster (members)")
    labels = [""] * columns
    labels[per_cluster // 2] = "members"
    labels[per_cluster + 1 + per_cluster // 2] = "draws"
    name_columns(axes, labels)
    return figure
