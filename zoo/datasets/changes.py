"""What becomes of images that a model takes in another form, in words."""

from zoo.datasets.images import as_image_shape
from zoo.datasets.images import resolve_shapes


def described_change(
    own_shape: tuple[int, ...], shape: tuple[int | None, ...]
) -> str | None:
    """What `datasets.load` does to images of one shape to give them another.

    Args:
        own_shape: `(height, width, channels)` or `(dim,)` of the source.
        shape: What `datasets.load` takes.

    Returns:
        `None` where no value changes: of flat images of as many values.

    Example:

    >>> described_change((40, 56, 3), (784,))
    '40 × 56 × 3, are resized to 28 × 28 × 1 and turned grey'
    >>> described_change((28, 28, 1), (784,)) is None
    True
    """
    made, _ = resolve_shapes(shape, own_shape)
    if len(made) == 1:
        return None
    own = as_image_shape(own_shape, made)
    deeds = []
    if own[:2] != made[:2]:
        deeds.append(f"resized to {_sizes(made)}")
    if own[-1] > made[-1]:
        deeds.append("turned grey")
    if own[-1] < made[-1]:
        deeds.append(f"repeated in {made[-1]} channels")
    return f"{_sizes(own)}, are {' and '.join(deeds)}" if deeds else None


def _sizes(shape):
    return " × ".join(map(str, shape))
