"""Batches of arrays, in an order that can be resumed exactly."""

from collections.abc import Callable

import keras
import numpy as np

from keras_capsvae.validation.numbers import check_integer
from zoo.datasets.splits import epoch_order

BINARIZATION = 1  # apart from the numbers that shift and order come from


class Batches(keras.utils.PyDataset):
    """Batches of arrays whose order depends on the seed and the epoch alone.

    `fit` on arrays shuffles with a state that cannot be saved, and on
    TensorFlow repeats one permutation at every epoch once a global seed is
    set. Here epoch `e` goes through the examples in the order
    `numpy.random.default_rng((seed, e)).permutation(n)`, so that a run
    resumed at epoch `k` sees what an uninterrupted one sees.

    The models of this library call `set_epoch` at the start of each epoch of
    `fit`, `initial_epoch` included, and leave the order of the batches alone.
    Other Keras models need both from the caller: `shuffle=False` and a callback
    that calls `set_epoch`.

    Args:
        x: Array `(n, …)`, or a tuple or list of such arrays for a model of
            several inputs.
        y: Array of targets `(n, …)`, or a tuple or list. Defaults to `None`.
        batch_size: Examples in a batch; the last one has what is left. Defaults
            to 100.
        seed: Integer from 0 on. Defaults to 0.
        shuffle: Whether to shuffle. Defaults to `True`.
        augmentation: What changes the images of x (of several inputs the
            first), as `Augmentation("flip=horizontal")`: a function that is
            called as `f(images, (seed, epoch, batch))`, with the number of the
            batch. Defaults to `None`.
        shift: Pixels by which each image of x, `(n, height, width, channels)`,
            is moved at most, up or down and left or right, anew in each epoch;
            what comes in at the edges is 0. Defaults to 0.
        binarize: Whether each value p of x, in [0, 1], becomes 1 with
            probability p and 0 otherwise, anew in each epoch. Defaults to
            `False`.

    Attributes:
        epoch: The epoch that the batches belong to now.
        num_examples: The examples of an epoch.

    Returns:
        Each item is a tuple `(x,)` or `(x, y)`.

    Raises:
        ValueError: If the arrays are empty or differ in length, or if a number
            is out of range.
        TypeError: If a number is not an integer, or the augmentation is a text
            or a layer of Keras.

    Example:

    >>> import numpy as np
    >>> from zoo import datasets
    >>> batches = datasets.Batches(np.arange(5), batch_size=2, shuffle=False)
    >>> [x.tolist() for (x,) in batches]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        x: np.ndarray | list[np.ndarray],
        y: np.ndarray | None = None,
        batch_size: int = 100,
        *,
        seed: int = 0,
        shuffle: bool = True,
        augmentation: Callable[..., np.ndarray] | None = None,
        shift: int = 0,
        binarize: bool = False,
    ):
        super().__init__()
        self._data = _as_arrays((x,) if y is None else (x, y))
        self.num_examples = _common_length(self._data)
        self._order_of_epoch = None
        self.batch_size = check_integer("batch_size", batch_size, 1)
        self.seed = check_integer("seed", seed, 0)
        self.epoch = 0
        self.shuffle = bool(shuffle)
        self.augmentation = _checked_augmentation(augmentation)
        self.shift = check_integer("shift", shift, 0)
        images = keras.tree.flatten(self._data[0])
        if self.shift and any(array.ndim != 4 for array in images):
            raise ValueError(
                "Images to shift must have shape (n, height, width, channels). "
                f"Received: shapes {[array.shape for array in images]}"
            )
        self.binarize = bool(binarize)
        if self.binarize:
            for array in images:
                check_probabilities(array)

    def __len__(self) -> int:
        return -(-self.num_examples // self.batch_size)

    def __getitem__(self, index: int) -> tuple:
        if not 0 <= index < len(self):
            raise IndexError(
                f"`index` must lie in [0, {len(self) - 1}]. Received: {index}"
            )
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        if self.shuffle:
            rows = self._order()[rows]
        x, *targets = keras.tree.map_structure(
            lambda array: array[rows], self._data
        )
        place = (self.seed, self.epoch, index)
        if self.augmentation is not None:
            first, *others = x if isinstance(x, tuple) else (x,)
            first = self.augmentation(first, place)
            x = (first, *others) if others else first
        if self.shift:
            random = np.random.default_rng(place)
            x = keras.tree.map_structure(
                lambda images: shifted(images, random, self.shift), x
            )
        if self.binarize:
            x = keras.tree.map_structure(
                lambda images: binarized(images, place), x
            )
        return x, *targets

    def set_epoch(self, epoch: int) -> None:
        """Turn to the order of this epoch, from 0 on."""
        self.epoch = check_integer("epoch", epoch, 0)

    def _order(self):
        epoch, cached = self.epoch, self._order_of_epoch
        if cached is None or cached[0] != epoch:
            cached = epoch, epoch_order(self.seed, epoch, self.num_examples)
            self._order_of_epoch = cached
        return cached[1]


def shifted(
    images: np.ndarray, random: np.random.Generator, most: int
) -> np.ndarray:
    """Each image moved by up to `most` pixels both ways, 0 at the edges."""
    height, width = images.shape[1:3]
    padded = np.pad(images, [(0, 0), (most, most), (most, most), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, (height, width), axis=(1, 2)
    )  # (n, 2·most + 1, 2·most + 1, channels, height, width)
    rows, columns = random.integers(2 * most + 1, size=(2, len(images)))
    chosen = windows[np.arange(len(images)), rows, columns]
    return np.moveaxis(chosen, 1, -1)


def binarized(
    images: np.ndarray, seed: int | tuple[int, ...] = 0
) -> np.ndarray:
    """Images whose value p becomes 1 with probability p and 0 otherwise.

    Args:
        images: Array of values in [0, 1].
        seed: Integer from 0 on, or a tuple of them. Defaults to 0: one fixed
            set of test images.

    Returns:
        An array of the same shape, float32.

    Raises:
        ValueError: If a value is outside [0, 1] or NaN.

    Source: Salakhutdinov and Murray, 2008; Burda et al., 2015, dynamically.
    """
    check_probabilities(images)
    parts = seed if isinstance(seed, tuple) else (seed,)
    random = np.random.default_rng((BINARIZATION, *parts))
    uniform = random.random(images.shape, "float32")
    return (uniform < images).astype("float32")


def check_probabilities(images: np.ndarray) -> None:
    """Raise unless all values lie in [0, 1]."""
    low, high = (np.min(images), np.max(images)) if images.size else (0, 1)
    if not (low >= 0 and high <= 1):
        raise ValueError(
            "Images to binarise must have values in [0, 1]; divide 8-bit "
            f"images by 255. Received: values in [{low:g}, {high:g}]"
        )


def _checked_augmentation(augmentation):
    is_function = callable(augmentation) or augmentation is None
    if not is_function or isinstance(augmentation, keras.Layer):
        raise TypeError(
            "`augmentation` must be called as f(images, (seed, epoch, batch)), "
            'as datasets.Augmentation("flip=horizontal") is; layers of Keras '
            "go into the map of a tf.data.Dataset or into the model. "
            f"Received: {augmentation!r}"
        )
    return augmentation


def _as_arrays(data):
    if isinstance(data, tuple | list):
        return tuple(_as_arrays(part) for part in data)
    return np.asarray(data)


def _common_length(data):
    arrays = keras.tree.flatten(data)
    if not arrays or any(array.ndim == 0 for array in arrays):
        raise ValueError(
            "`x` and `y` must be arrays of shape (n, …), or tuples of "
            f"them. Received: shapes {[array.shape for array in arrays]}"
        )
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(
            "The arrays of `x` and `y` must have the same length. "
            f"Received: lengths {lengths}"
        )
    if lengths[0] == 0:
        raise ValueError(
            "There must be at least one example. Received: arrays of length 0"
        )
    return lengths[0]
