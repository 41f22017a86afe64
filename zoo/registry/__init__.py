"""The register of the zoo: builders that compile what they build."""

from zoo.registry.builders import arguments_of
from zoo.registry.builders import builder_of
from zoo.registry.builders import create_model
from zoo.registry.builders import register
from zoo.registry.builders import training_of

__all__ = [
    "arguments_of",
    "builder_of",
    "create_model",
    "register",
    "training_of",
]
