"""Images that come with the package: nothing is downloaded for them."""

import pathlib
from typing import Any

import numpy as np

from zoo import data_names
from zoo.datasets.archives import read_archive
from zoo.datasets.splits import SPLIT_SEED

SAMPLES = pathlib.Path(__file__).parent / "samples"
NAMES = data_names.EMBEDDED
SAMPLE_OF = {"mnist": "mnist_small"}  # what has to be downloaded


def read(name: str) -> dict[str, tuple[np.ndarray, Any]]:
    """Return images, float32 in [0, 1], and labels of both splits.

    Args:
        name: One of `NAMES`.

    Returns:
        Dict with a pair `(images, labels)` under `"train"` and `"test"`.
    """
    if name == "digits":
        return _digits()
    parts = read_archive(SAMPLES / f"{name}.npz")
    return {
        split: (images, labels) for split, (images, labels, _) in parts.items()
    }


def _digits():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = (digits.images[..., np.newaxis] / 16).astype("float32")
    labels = digits.target.astype("int64")
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=0.2, stratify=labels, random_state=SPLIT_SEED
    )
    return {"train": (x_train, y_train), "test": (x_test, y_test)}
