"""Images changed at random for training, by Keras' own layers."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from zoo.image_changes import changes_of

PURPOSE = 2  # apart from the numbers that order and binarisation come from
OPTIONS = {"data_format": "channels_last", "dtype": "float32"}
IN_RANGE = {"value_range": (0.0, 1.0), **OPTIONS}


class Augmentation:
    """Random changes of images in [0, 1], each by a layer of Keras.

    | change | layer |
    |---|---|
    | `rotation=0.1` | `RandomRotation`, by up to a tenth of a turn |
    | `shift=0.1` | `RandomTranslation`, by up to a tenth of each side |
    | `zoom=0.1` | `RandomZoom` of both sides alike, in or out |
    | `squeeze=0.2` | `RandomZoom` of the width, narrower by up to a fifth |
    | `flip=horizontal` | `RandomFlip`, also `vertical` or both |
    | `brightness=0.1` | `RandomBrightness`, by up to a tenth of the range |
    | `contrast=0.1` | `RandomContrast` |
    | `erase=0.02` | `RandomErasing` of a patch of that share of the area |
    | `fill=constant` | 0 comes in at the edges, instead of Keras' `reflect` |

    Both flips are `horizontal_and_vertical`; `fill` may be `nearest` or `wrap`.

    Args:
        changes: Text as above, with commas between changes.
        image_shape: `(height, width, channels)` of images that are given flat.
            Defaults to `None`: none are.

    Raises:
        ValueError: If there is no such change or its value is out of range.

    Example:

    >>> augment = Augmentation("rotation=0.1,flip=horizontal")
    >>> augment(np.ones((2, 8, 8, 3), "float32"), seed=(0, 1)).shape
    (2, 8, 8, 3)
    """

    def __init__(
        self, changes: str, image_shape: Sequence[int] | None = None
    ) -> None:
        self._layers = _layers_of(changes_of(changes))
        self.image_shape = image_shape

    def __call__(
        self, images: np.ndarray, seed: int | Sequence[int]
    ) -> np.ndarray:
        """The images changed, float32; the same for the same seed.

        Args:
            images: Array `(n, height, width, channels)`, or `(n, dim)` where
                `image_shape` is given.
            seed: Integer from 0 on, or several.
        """
        parts = (seed,) if isinstance(seed, int) else tuple(seed)
        words = np.random.SeedSequence((PURPOSE, *parts)).generate_state(1)
        generator = keras.random.SeedGenerator(int(words[0] >> 1))
        changed = np.array(images, "float32")  # RandomBrightness adds in place
        if changed.ndim == 2 and self.image_shape is not None:
            changed = changed.reshape(-1, *self.image_shape)
        changed = keras.ops.convert_to_tensor(changed)
        for layer in self._layers:
            transformation = layer.get_random_transformation(
                changed, training=True, seed=generator
            )
            changed = layer.transform_images(
                changed, transformation, training=True
            )
        changed = keras.ops.convert_to_numpy(changed)
        return np.clip(changed, 0.0, 1.0).reshape(np.shape(images))


def _layers_of(changes):
    edges = {"fill_mode": changes.get("fill", "reflect"), **OPTIONS}
    makers = {
        "rotation": lambda share: layers.RandomRotation(share, **edges),
        "shift": lambda share: layers.RandomTranslation(share, share, **edges),
        "zoom": lambda share: layers.RandomZoom(share, **edges),
        "squeeze": lambda share: layers.RandomZoom(0.0, (0.0, share), **edges),
        "flip": lambda mode: layers.RandomFlip(mode, **OPTIONS),
        "brightness": lambda share: layers.RandomBrightness(share, **IN_RANGE),
        "contrast": lambda share: layers.RandomContrast(share, **IN_RANGE),
        "erase": lambda share: layers.RandomErasing(
            (1.0, 1.0), (share, share), fill_value=0.0, **IN_RANGE
        ),
    }
    return [
        make(changes[name]) for name, make in makers.items() if name in changes
    ]
