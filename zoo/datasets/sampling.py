"""Write the embedded sample of MNIST: `python -m zoo.datasets.sampling`."""

import numpy as np

from zoo.datasets import loading
from zoo.datasets.embedded import SAMPLES
from zoo.datasets.splits import SPLIT_SEED

SHARE = 10  # one image in so many


def main() -> None:
    """Write a tenth of MNIST's training and of its test images."""
    mnist = loading.load("mnist")
    arrays = {}
    for split in ("train", "test"):
        images = getattr(mnist, f"x_{split}")
        labels = getattr(mnist, f"y_{split}")
        rows = _stratified(labels, len(labels) // SHARE)
        pixels = np.rint(255 * images[rows, ..., 0])
        arrays[f"x_{split}"] = pixels.astype("uint8")
        arrays[f"y_{split}"] = labels[rows].astype("uint8")
    np.savez_compressed(SAMPLES / "mnist_small.npz", **arrays)


def _stratified(labels, count):
    """Rows in random order, with the classes in their own proportions."""
    from sklearn.model_selection import train_test_split

    rows, _ = train_test_split(
        np.arange(len(labels)),
        train_size=count,
        stratify=labels,
        random_state=SPLIT_SEED,
    )
    return rows


if __name__ == "__main__":
    main()
