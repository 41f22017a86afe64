"""The register of the zoo: builders, their cards, and the search in them."""

from zoo.registry.builders import arguments_of
from zoo.registry.builders import builder_of
from zoo.registry.builders import create_model
from zoo.registry.builders import list_models
from zoo.registry.builders import model_info
from zoo.registry.builders import register

__all__ = [
    "arguments_of",
    "builder_of",
    "create_model",
    "list_models",
    "model_info",
    "register",
]
