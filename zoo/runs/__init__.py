"""Run folders: a training that leaves everything it made, and can go on."""

from zoo.run_files import CONFIG
from zoo.run_files import HISTORY
from zoo.run_files import MODEL
from zoo.runs.finishing import finish
from zoo.runs.folder import SAVED_MODEL
from zoo.runs.folder import class_names_of
from zoo.runs.folder import config_of
from zoo.runs.progress import Progress
from zoo.runs.schedules import cosine_decay
from zoo.runs.training import train

__all__ = [
    "CONFIG",
    "HISTORY",
    "MODEL",
    "SAVED_MODEL",
    "Progress",
    "class_names_of",
    "config_of",
    "cosine_decay",
    "finish",
    "train",
]
