"""The routings by name."""

from keras_capsvae.routing.agreement import AGREEMENT
from keras_capsvae.routing.agreement import DYNAMIC
from keras_capsvae.routing.agreement import HARD_KMEANS
from keras_capsvae.routing.agreement import KMEANS
from keras_capsvae.routing.algorithm import Routing
from keras_capsvae.routing.attention import INVERTED_ATTENTION
from keras_capsvae.routing.attention import SELF_ATTENTION
from keras_capsvae.routing.gating import SELF_ROUTING
from keras_capsvae.validation.arguments import check_choice

ROUTINGS: dict[str, Routing] = {
    "kmeans": KMEANS,
    "agreement": AGREEMENT,
    "dynamic": DYNAMIC,
    "hard_kmeans": HARD_KMEANS,
    "self_attention": SELF_ATTENTION,
    "inverted_attention": INVERTED_ATTENTION,
    "self_routing": SELF_ROUTING,
}


def routing_of(name: str) -> Routing:
    """The entry of `ROUTINGS`.

    Raises:
        ValueError: If there is none of this name.
    """
    check_choice("routing", name, ROUTINGS)
    return ROUTINGS[name]
