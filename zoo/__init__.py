"""Compiled Keras 3 models of capsule networks and VAEs, ready to train."""

from zoo.capsnet import capsnet
from zoo.capsnet import capsule_cnn
from zoo.capsnet import pooling_cnn
from zoo.export import export_onnx
from zoo.export import load_model
from zoo.importance_weighted import importance_weighted_vae
from zoo.matrix_capsnet import matrix_capsnet
from zoo.poem import poem_vae
from zoo.registry import create_model
from zoo.registry import list_models
from zoo.registry import model_info
from zoo.search import search
from zoo.text import gated_cnn_classifier
from zoo.vae import conditional_vae
from zoo.vae import conv_vae
from zoo.vae import dense_vae

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
