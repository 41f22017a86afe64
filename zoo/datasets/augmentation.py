"""Images changed at random for training, by Keras' own layers."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from keras_capsvae.validation.numbers import check_integer
from zoo.image_changes import changes_of

PURPOSE = 2  # apart from the numbers that order and binarisation come from
OPTIONS = {"data_format": "channels_last", "dtype": "float32"}


class Augmentation:
    """Random changes of images, each by a layer of Keras.

    | change | layer |
    |---|---|
    | `rotation=0.1` | `RandomRotation`, by up to a tenth of a turn |
    | `shift=0.1` | `RandomTranslation`, by up to a tenth of each side |
    | `zoom=0.1` | `RandomZoom` of both sides alike, in or out |
    | `squeeze=0.2` | `RandomZoom` of the width, divided by up to 1.2 |
    | `flip=horizontal` | `RandomFlip`, also `vertical` or both |
    | `brightness=0.1` | `RandomBrightness`, by up to a tenth of the range |
    | `contrast=0.1` | `RandomContrast` |
    | `erase=0.02` | `RandomErasing` of a patch of that share of the area |
    | `fill=constant` | black comes in at the edges, not Keras' `reflect` |

    Both flips are `horizontal_and_vertical`; `fill` may be `nearest` or `wrap`.
    Black, of erased patches too, is the lowest value of `value_range`.

    Args:
        changes: Text as above, with commas between changes.
        image_shape: `(height, width, channels)` of images that are given flat.
            Defaults to `None`: none are.
        value_range: `(low, high)` that images lie in and keep to. Defaults to
            (0, 1).

    Raises:
        ValueError: If there is no such change or its value is out of range; of
            a call if images have another shape or lie outside `value_range`.
        TypeError: If the changes are no text.

    Example:

    >>> augment = Augmentation("rotation=0.1,flip=horizontal")
    >>> augment(np.ones((2, 8, 8, 3), "float32"), seed=(0, 1)).shape
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        changes: str,
        image_shape: Sequence[int] | None = None,
        value_range: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        self._layers = _layers_of(changes_of(changes), value_range)
        self.image_shape = image_shape
        self.value_range = value_range

    def __call__(
        self, images: np.ndarray, seed: int | Sequence[int]
    ) -> np.ndarray:
        """The images changed, float32; the same for the same seed.

        Args:
            images: Array `(n, height, width, channels)`, or `(n, dim)` where
                `image_shape` is given.
            seed: Integer from 0 on, or several.
        """
        parts = np.ravel(seed).tolist()
        parts = [check_integer("seed", part, 0) for part in parts]
        words = np.random.SeedSequence((PURPOSE, *parts)).generate_state(1)
        generator = keras.random.SeedGenerator(int(words[0] >> 1))
        given = np.array(images, "float32")  # RandomBrightness adds in place
        self._check_range(given)
        changed = keras.ops.convert_to_tensor(self._in_rows(given))
        for layer in self._layers:
            transformation = layer.get_random_transformation(
                changed, training=True, seed=generator
            )
            changed = layer.transform_images(
                changed, transformation, training=True
            )
        changed = keras.ops.convert_to_numpy(changed)
        return np.clip(changed, *self.value_range).reshape(given.shape)

    def _in_rows(self, images):
        """`(n, height, width, channels)`, of flat images too."""
        if images.ndim == 2 and self.image_shape is not None:
            return images.reshape(-1, *self.image_shape)
        if images.ndim != 4:
            raise ValueError(
                "Images to change must have shape (n, height, width, "
                "channels), or be flat with `image_shape`. Received: shape "
                f"{images.shape} with image_shape={self.image_shape}"
            )
        return images

    def _check_range(self, images):
        low, high = self.value_range
        if not ((images >= low) & (images <= high)).all():
            raise ValueError(
                "Images to change must have values in `value_range`, "
                f"[{low:g}, {high:g}]: divide 8-bit images by 255, or give "
                "their range, as value_range=(0, 255). Received: values in "
                f"[{images.min():g}, {images.max():g}]"
            )


def _layers_of(changes, value_range):
    black = value_range[0]
    fill_mode = changes.get("fill", "reflect")
    edges = {"fill_mode": fill_mode, "fill_value": black, **OPTIONS}
    ranged = {"value_range": value_range, **OPTIONS}
    makers = {
        "rotation": lambda share: layers.RandomRotation(share, **edges),
        "shift": lambda share: layers.RandomTranslation(share, share, **edges),
        "zoom": lambda share: layers.RandomZoom(share, **edges),
        "squeeze": lambda share: layers.RandomZoom(0.0, (0.0, share), **edges),
        "flip": lambda mode: layers.RandomFlip(mode, **OPTIONS),
        "brightness": lambda share: layers.RandomBrightness(share, **ranged),
        "contrast": lambda share: layers.RandomContrast(share, **ranged),
        "erase": lambda share: layers.RandomErasing(
            (1.0, 1.0), (share, share), fill_value=black, **ranged
        ),
    }
    return [
        make(changes[name]) for name, make in makers.items() if name in changes
    ]
