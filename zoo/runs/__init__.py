"""Run folders: a training that leaves everything it made, and can go on."""

from zoo.runs.training import CONFIG
from zoo.runs.training import HISTORY
from zoo.runs.training import MODEL
from zoo.runs.training import SAVED_MODEL
from zoo.runs.training import config_of
from zoo.runs.training import finish
from zoo.runs.training import train

__all__ = [
    "CONFIG",
    "HISTORY",
    "MODEL",
    "SAVED_MODEL",
    "config_of",
    "finish",
    "train",
]
