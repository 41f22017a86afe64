"""Images for the models of the zoo: load them, batch them, stream them."""

from zoo.datasets.batches import Batches
from zoo.datasets.batches import binarized
from zoo.datasets.loading import NAMES
from zoo.datasets.loading import Arrays
from zoo.datasets.loading import load
from zoo.datasets.loading import num_classes
from zoo.datasets.streams import stream

__all__ = [
    "NAMES",
    "Arrays",
    "Batches",
    "binarized",
    "load",
    "num_classes",
    "stream",
]
