from typing import Any

import keras
import numpy as np


def code_figures(model: keras.Model, images: Any) -> dict[str, float]:
    """How a model of codes uses its codes, and how well it gives images back.

    Args:
        model: A `CodeAutoencoder`.
        images: Images shaped for its encoder, with conditions the list
            `[images, conditions]`.

    Returns:
        A dict of `squared_error`, the mean over all values; of `perplexity`,
        `exp(−Σ p ln p)` of the shares of the codes over all images; and of
        `dead_codes`, which no image has.
    """
    codes = model.encode(images)
    x = images[0] if isinstance(images, list) else images
    error = np.mean(np.square(model.reconstruct(images) - x))
    counts = np.bincount(codes.ravel(), minlength=model.latent.num_codes)
    shares = counts[counts > 0] / counts.sum()
    return {
        "squared_error": float(error),
        "perplexity": float(np.exp(-np.sum(shares * np.log(shares)))),
        "dead_codes": int(np.sum(counts == 0)),
    }
