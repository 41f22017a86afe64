"""Routing algorithms as pure functions of the votes of capsules."""

from keras_capsvae.routing.agreement import agreement_routing
from keras_capsvae.routing.agreement import dynamic_routing
from keras_capsvae.routing.agreement import hard_kmeans_routing
from keras_capsvae.routing.agreement import kmeans_routing
from keras_capsvae.routing.attention import inverted_attention_routing
from keras_capsvae.routing.attention import self_attention_routing
from keras_capsvae.routing.em.routing import em_routing
from keras_capsvae.routing.gating import self_routing

__all__ = [
    "agreement_routing",
    "dynamic_routing",
    "em_routing",
    "hard_kmeans_routing",
    "inverted_attention_routing",
    "kmeans_routing",
    "self_attention_routing",
    "self_routing",
]
