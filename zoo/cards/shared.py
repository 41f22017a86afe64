"""Arguments that the builders of a family share, readable without Keras."""

from typing import Any

# What every builder takes by keyword.
OF_EVERY_BUILDER = (
    *("weights", "freeze", "compile", "optimizer", "learning_rate", "loss"),
    *("metrics", "jit_compile", "seed"),
)
# How the latents of a VAE with Gaussian posteriors are made.
OF_GAUSSIAN_LATENTS: dict[str, Any] = {
    "prior": None,
    "kl_weight": 1.0,
    "free_bits": 0.0,
    "capacity": None,
    "regulariser": None,
    "normalised_mean": None,
}
# By the decorator of the builders, in the order of their signature; the last
# one is `name`, by default that of the builder.
SHARED: dict[str, dict[str, Any]] = {
    "image_vae": {
        **OF_GAUSSIAN_LATENTS,
        "num_samples": None,
        "gradient": "plain",
        "input_range": (0.0, 1.0),
    },
    "table_vae": OF_GAUSSIAN_LATENTS,
    "text_vae": OF_GAUSSIAN_LATENTS,
}
