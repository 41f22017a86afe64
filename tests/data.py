"""Which tests need data that not every machine has."""

import os
import pathlib

import pytest

needs_mnist = pytest.mark.skipif(
    not (pathlib.Path(os.environ.get("TFDS_DATA_DIR", "-")) / "mnist").is_dir(),
    reason="TFDS_DATA_DIR is not set to a folder with a prepared MNIST",
)
