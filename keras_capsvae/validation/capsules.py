"""Checks of the shapes that capsule layers take."""

import keras

from keras_capsvae.typing import Shape


def check_capsule_shape(layer: keras.layers.Layer, shape: Shape) -> None:
    """Raise unless `shape` is (batch, n_in, d_in) with a known d_in."""
    if len(shape) != 3 or shape[-1] is None:
        raise ValueError(
            f"Layer {layer.name} expects capsules of shape (batch, n_in, d_in) "
            f"with a known d_in. Received: input shape {tuple(shape)}"
        )
