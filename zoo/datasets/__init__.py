"""Images, poems and tables for the models of the zoo: load, batch, stream."""

from zoo.datasets.arrays import Arrays
from zoo.datasets.augmentation import Augmentation
from zoo.datasets.batches import Batches
from zoo.datasets.batches import binarized
from zoo.datasets.classes import class_names
from zoo.datasets.classes import num_classes
from zoo.datasets.couplet_task import load_real_or_fake
from zoo.datasets.labelled_texts import has_labelled_texts
from zoo.datasets.labelled_texts import labelled_classes
from zoo.datasets.labelled_texts import load_labelled_texts
from zoo.datasets.loading import NAMES
from zoo.datasets.loading import at_hand
from zoo.datasets.loading import image_shape
from zoo.datasets.loading import load
from zoo.datasets.poems import load_texts
from zoo.datasets.row_tables import columns_of
from zoo.datasets.row_tables import is_rows
from zoo.datasets.row_tables import load_rows
from zoo.datasets.row_tables import row_classes
from zoo.datasets.row_tables import split_columns
from zoo.datasets.row_tables import value_names
from zoo.datasets.streams import stream

__all__ = [
    "NAMES",
    "Arrays",
    "Augmentation",
    "Batches",
    "at_hand",
    "binarized",
    "class_names",
    "columns_of",
    "has_labelled_texts",
    "image_shape",
    "is_rows",
    "labelled_classes",
    "load",
    "load_labelled_texts",
    "load_real_or_fake",
    "load_rows",
    "load_texts",
    "num_classes",
    "row_classes",
    "split_columns",
    "stream",
    "value_names",
]
