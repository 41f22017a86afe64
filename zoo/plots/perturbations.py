import math
from collections.abc import Sequence

import keras
import numpy as np
from matplotlib.axes import Axes

from keras_capsvae import CapsuleNetwork
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.labels import check_label
from keras_capsvae.validation.numbers import check_integer
from zoo.plots.canvas import Picture
from zoo.plots.checks import expect
from zoo.plots.checks import expect_decoder
from zoo.plots.checks import expect_kind
from zoo.plots.checks import names_of
from zoo.plots.images import grid_picture
from zoo.plots.images import name_columns
from zoo.plots.images import name_rows


def perturbations(
    model: keras.Model,
    image: Tensor,
    label: int | None = None,
    span: float = 0.25,
    steps: int = 11,
    class_names: Sequence[str] | None = None,
) -> Picture:
    """Draw what each dim of a capsule changes in the decoded image.

    One capsule of the image is decoded again and again, a row for each of its
    dims and a column for each offset that is added to that dim alone.

    Args:
        model: A `CapsuleNetwork` with a decoder, such as `capsnet`.
        image: Array of one image `(h, w, channels)` with values in [0, 1].
        label: Integer, the class whose capsule is decoded. Defaults to `None`:
            the longest.
        span: Float above 0, the largest offset; the smallest is its negative.
            Defaults to 0.25.
        steps: Integer of at least 2, the number of offsets, evenly spaced. An
            odd number has the unchanged capsule in the middle. Defaults to 11.
        class_names: Strings, the names of the classes in the order of their
            labels. Defaults to `None`: the labels.

    Returns:
        A `matplotlib.figure.Figure` with a row for each dim.

    Raises:
        ValueError: If the model is no capsule network or has no decoder, if
            `image` does not fit it, `label` is out of range, `span` is not
            above 0 or `steps` is below 2.
        TypeError: If `label` is no integer.

    Example:

    ```python
    import numpy as np
    import zoo
    from zoo import plots

    figure = plots.perturbations(zoo.capsnet(), np.random.rand(28, 28, 1))
    figure.savefig("perturbations.png")
    ```

    Source: Sabour, Frosst and Hinton, Dynamic Routing Between Capsules, 2017,
    figure 4.
    """
    expect_decoder(model)
    expect_kind(model, CapsuleNetwork)
    check_integer("steps", steps)
    expect(steps >= 2, "`steps` must be at least 2", steps=steps)
    expect(0 < span < math.inf, "`span` must be above 0", span=span)
    batch = keras.ops.convert_to_numpy(image)[None]
    model.check_input(batch, model.inputs[0], "image (with a batch axis)")
    capsules = model.capsules(batch)[0]  # (classes, d)
    lengths = np.linalg.norm(capsules, axis=-1)
    if label is None:
        label = int(lengths.argmax())
    label = check_label(label, len(capsules))

    offsets = np.linspace(-span, span, steps)
    masked = perturbed(capsules, label, offsets)
    images = model.decoder.predict(masked, batch_size=256, verbose=0)
    figure, axes = grid_picture(images, steps, longest_side=9.0)
    name_rows(axes, [f"dim {1 + d}" for d in range(capsules.shape[-1])])
    name_columns(axes, [signed_offset(offset) for offset in offsets])
    put_columns_on_top(axes)
    name = names_of(class_names, len(capsules))[label]
    axes.set_xlabel(
        f"added to a dim of capsule {name} (length {lengths[label]:.2f})"
    )
    return figure


def perturbed(
    capsules: np.ndarray, label: int, offsets: np.ndarray
) -> np.ndarray:
    """Masked capsules (d · steps, classes · d): dim by dim, all offsets."""
    classes, dims = capsules.shape
    poses = np.zeros((dims, len(offsets), classes, dims), "float32")
    poses[:, :, label] = capsules[label]
    for dim in range(dims):
        poses[dim, :, label, dim] += offsets
    return poses.reshape(-1, classes * dims)


def signed_offset(offset: float) -> str:
    if math.isclose(offset, 0, abs_tol=1e-12):
        return "0"
    return f"{offset:+.2g}".replace("-", "\u2212")


def put_columns_on_top(axes: Axes) -> None:
    axes.xaxis.set_ticks_position("top")
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
