"""What data are called, known before Keras is loaded."""

import os
import pathlib

from zoo.nearest import did_you_mean

EMBEDDED = ("mnist_small", "digits")
LABELLED = ("mnist", "fashion_mnist", "kmnist")
BINARY = ("binarized_mnist",)  # pixels 0 and 1, no labels
STEREO = ("smallnorb",)  # two views of an object, 96 × 96
DOWNLOADED = (*LABELLED, *BINARY, *STEREO)
TEXTS = ("tang",)
TABLES = ("breast_cancer",)  # of scikit-learn
ALL = (*EMBEDDED, *DOWNLOADED, *TEXTS, *TABLES)


def check_data(data: str | None) -> None:
    """Raise where what the command line was given as `--data` is not there.

    Raises:
        ValueError: If it is neither a name nor a path of anything; names the
            nearest.
    """
    if data is None or data in ALL or pathlib.Path(data).exists():
        return
    is_name = os.path.basename(data) == data and "." not in data
    hint = did_you_mean(data, ALL) if is_name else ""
    raise ValueError(
        f"--data must be one of {', '.join(ALL)}, or the path of a file or a "
        f"folder. {hint}Received: {data!r}, which does not exist"
    )
