"""Data sets that tensorflow-datasets prepares."""

import os
import urllib.error
import urllib.request
from typing import Any

import numpy as np

from zoo import data_names
from zoo.data_names import BINARY
from zoo.data_names import STEREO
from zoo.datasets.images import fit_image

NAMES = data_names.DOWNLOADED
STEREO_SHAPE = (48, 48, 2)  # to which Hinton, Sabour and Frosst reduce them
CLASS_NAMES = {
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    "smallnorb": ("animal", "human", "airplane", "truck", "car"),
}
SECONDS_TO_ANSWER = 10


def is_prepared(name: str) -> bool:
    """Whether a data set lies ready on disk."""
    import tensorflow_datasets as tfds

    return tfds.builder(name, try_gcs=False).is_prepared()


def prepared_builder(name: str) -> Any:
    """Return the builder of a data set that lies ready on disk.

    Raises:
        RuntimeError: If it neither lies there nor can be downloaded.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, try_gcs=False)
    if builder.is_prepared():
        return builder
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    try:
        _check_answers(getattr(builder, "URL", builder.info.homepage))
        builder.download_and_prepare(download_config=config)
    except Exception as error:
        raise RuntimeError(_advice(name, builder.data_dir, error)) from error
    return builder


def read_split(
    builder: Any, split: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return images, float32 in [0, 1], and labels, if any, of one split."""
    import tensorflow_datasets as tfds

    whole = builder.as_dataset(split=split, batch_size=-1, shuffle_files=False)
    arrays = tfds.as_numpy(whole)
    if builder.name in STEREO:
        return _reduced_views(arrays), arrays["label_category"].astype("int64")
    images = arrays["image"].astype("float32")
    if builder.name in BINARY:
        return images, None
    return images / 255, arrays["label"].astype("int64")


def num_classes(name: str) -> int | None:
    """Number of classes of a data set, `None` without labels."""
    if name in BINARY:
        return None
    return 5 if name in STEREO else 10


def shape_of(name: str) -> tuple[int, int, int]:
    """Shape of the images of a data set."""
    return STEREO_SHAPE if name in STEREO else (28, 28, 1)


def _reduced_views(arrays):
    """Both views as channels, one example at a time: whole they take 2 GB."""
    views = np.empty((len(arrays["image"]), *STEREO_SHAPE), "float32")
    for index, pair in enumerate(zip(arrays["image"], arrays["image2"])):
        pixels = np.concatenate(pair, axis=-1).astype("float32") / 255
        views[index] = fit_image(pixels, STEREO_SHAPE)
    return views


def _check_answers(url):
    """Fail at once where downloading would go on retrying for minutes."""
    request = urllib.request.Request(url, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER).close()
    except urllib.error.HTTPError as answer:
        answer.close()


def _advice(name, folder, error):
    variable = os.environ.get("TFDS_DATA_DIR", "not set")
    return (
        f"The data set {name!r} must be prepared by tensorflow-datasets in "
        f"{folder}, and it could be neither found there nor downloaded "
        f"({type(error).__name__}: {error}). Set the environment variable "
        "TFDS_DATA_DIR to the folder that holds it (it is "
        f"{variable}), run once with a network, or use 'mnist_small', which "
        "needs no download."
    )
