"""Arguments that the builders of a family share, readable without Keras."""

from typing import Any

# By the decorator of the builders, in the order of their signature; the last
# one is `name`, by default that of the builder.
SHARED: dict[str, dict[str, Any]] = {
    "image_vae": {
        "prior": None,
        "kl_weight": 1.0,
        "num_samples": None,
        "gradient": "plain",
        "input_range": (0.0, 1.0),
    }
}
