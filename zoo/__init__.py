"""Compiled Keras 3 models of capsule networks and VAEs, ready to train."""

import importlib
import pathlib
import sys
from typing import Any

from zoo.cards import list_models
from zoo.cards import model_info
from zoo.cards import search


def _is_command_line():
    """Whether `python -m zoo` or `keras-capsvae` imports the package."""
    if sys.argv[:1] == ["-m"]:  # while the module to run is being located
        return sys.orig_argv[-len(sys.argv)].removeprefix("-m") == "zoo"
    program = pathlib.Path(sys.argv[0] if sys.argv else "").name
    return program in ("keras-capsvae", "keras-capsvae.exe")


# The command line answers most questions without Keras. A program that imports
# the package can load every file: all classes are registered.
if not _is_command_line():
    from zoo.export import export_litert
    from zoo.export import export_onnx
    from zoo.export import load_model
    from zoo.models.capsnet import capsnet
    from zoo.models.capsnet import capsule_cnn
    from zoo.models.capsnet import pooling_cnn
    from zoo.models.cluster import cluster_vae
    from zoo.models.codes import fsq_vae
    from zoo.models.codes import vq_vae
    from zoo.models.conditional import conditional_vae
    from zoo.models.deep_conv import deep_conv_vae
    from zoo.models.efficient import efficient_capsnet
    from zoo.models.efficient import efficient_cnn
    from zoo.models.gumbel import gumbel_vae
    from zoo.models.importance_weighted import importance_weighted_vae
    from zoo.models.matrix_capsnet import matrix_capsnet
    from zoo.models.poem import poem_vae
    from zoo.models.spherical import vmf_vae
    from zoo.models.tabular import tabular_vae
    from zoo.models.text import gated_cnn_classifier
    from zoo.models.vae import conv_vae
    from zoo.models.vae import dense_vae
    from zoo.registry import create_model

__all__ = [
    "capsnet",
    "capsule_cnn",
    "cluster_vae",
    "conditional_vae",
    "conv_vae",
    "create_model",
    "deep_conv_vae",
    "dense_vae",
    "efficient_capsnet",
    "efficient_cnn",
    "export_litert",
    "export_onnx",
    "fsq_vae",
    "gated_cnn_classifier",
    "gumbel_vae",
    "importance_weighted_vae",
    "list_models",
    "load_model",
    "matrix_capsnet",
    "model_info",
    "poem_vae",
    "pooling_cnn",
    "search",
    "tabular_vae",
    "vmf_vae",
    "vq_vae",
]

_LOADED_ON_USE = ("datasets", "evaluation", "likelihood", "plots", "runs")
_PLACES = {
    "create_model": "zoo.registry",
    "export_litert": "zoo.export",
    "export_onnx": "zoo.export",
    "load_model": "zoo.export",
}


def __getattr__(name: str) -> Any:
    if name in _LOADED_ON_USE:
        return importlib.import_module(f"zoo.{name}")
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    if name in list_models():
        return importlib.import_module("zoo.registry").builder_of(name)
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_LOADED_ON_USE})
