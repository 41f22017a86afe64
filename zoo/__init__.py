"""Compiled Keras 3 models of capsule networks and VAEs, ready to train."""

import importlib
import types

from zoo.export import export_onnx
from zoo.export import load_model
from zoo.models.capsnet import capsnet
from zoo.models.capsnet import capsule_cnn
from zoo.models.capsnet import pooling_cnn
from zoo.models.importance_weighted import importance_weighted_vae
from zoo.models.matrix_capsnet import matrix_capsnet
from zoo.models.poem import poem_vae
from zoo.models.text import gated_cnn_classifier
from zoo.models.vae import conditional_vae
from zoo.models.vae import conv_vae
from zoo.models.vae import dense_vae
from zoo.registry import create_model
from zoo.registry import list_models
from zoo.registry import model_info
from zoo.registry.searching import search

__all__ = [
    "capsnet",
    "capsule_cnn",
    "conditional_vae",
    "conv_vae",
    "create_model",
    "dense_vae",
    "export_onnx",
    "gated_cnn_classifier",
    "importance_weighted_vae",
    "list_models",
    "load_model",
    "matrix_capsnet",
    "model_info",
    "poem_vae",
    "pooling_cnn",
    "search",
]

_LOADED_ON_USE = ("datasets", "evaluation", "likelihood", "plots", "runs")


def __getattr__(name: str) -> types.ModuleType:
    if name in _LOADED_ON_USE:
        return importlib.import_module(f"zoo.{name}")
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LOADED_ON_USE})
