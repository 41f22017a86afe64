"""Routing algorithms as pure functions of the votes of capsules."""

from keras_capsvae.routing.agreement import agreement_routing
from keras_capsvae.routing.agreement import dynamic_routing
from keras_capsvae.routing.agreement import hard_couplings
from keras_capsvae.routing.agreement import hard_kmeans_routing
from keras_capsvae.routing.agreement import kmeans_routing
from keras_capsvae.routing.agreement import route
from keras_capsvae.routing.agreement import soft_couplings
from keras_capsvae.routing.em import EPSILON
from keras_capsvae.routing.em import em_routing

__all__ = [
    "EPSILON",
    "agreement_routing",
    "dynamic_routing",
    "em_routing",
    "hard_couplings",
    "hard_kmeans_routing",
    "kmeans_routing",
    "route",
    "soft_couplings",
]
