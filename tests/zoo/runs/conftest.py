"""Data that the tests of runs share."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """64 images of 4×4 with labels in [0, 3], as a user would bring them."""
    path = tmp_path_factory.mktemp("data") / "own.npz"
    images = np.random.default_rng(0).integers(0, 256, (64, 4, 4), "uint8")
    np.savez(path, x=images, y=np.arange(64) % 4)
    return path
