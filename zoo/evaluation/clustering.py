"""How well clusters agree with classes that nobody told them."""

from typing import Any

import keras
import numpy as np

from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.arrays import check_same_length


def clustering(labels: Tensor, clusters: Tensor) -> dict[str, float]:
    """Four figures of clusters, given the classes.

    Args:
        labels: Integer classes `(n,)`.
        clusters: Integer clusters `(n,)`, such as `model.predict_clusters(x)`.

    Returns:
        Dict of

        - `purity`: share of examples in the class that most of their cluster
          are in; several clusters may be of one class,
        - `hungarian`: the same, each cluster given a class of its own, the best
          way,
        - `nmi`: normalised mutual information, from 0 to 1,
        - `ari`: adjusted Rand index, 0 for clusters drawn at random, at most 1.

    Raises:
        ValueError: If the arrays are empty or of different lengths.

    Example:

    >>> clustering([0, 0, 1, 1], [2, 2, 2, 0])["purity"]
    0.75
    """
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics import adjusted_rand_score
    from sklearn.metrics import normalized_mutual_info_score
    from sklearn.metrics.cluster import contingency_matrix

    labels = np.asarray(check_array(labels, (), "labels"))
    clusters = np.asarray(check_array(clusters, (), "clusters"))
    check_same_length([labels, clusters], "labels, clusters")
    counts = contingency_matrix(labels, clusters)  # (classes, clusters)
    matched = counts[linear_sum_assignment(counts, maximize=True)]
    return {
        "purity": float(counts.max(axis=0).sum() / len(labels)),
        "hungarian": float(matched.sum() / len(labels)),
        "nmi": float(normalized_mutual_info_score(labels, clusters)),
        "ari": float(adjusted_rand_score(labels, clusters)),
    }


def empty_clusters(model: keras.Model, images: Any) -> int:
    """Number of clusters of the prior that none of these images is in.

    Args:
        model: A VAE whose prior has clusters.
        images: Images shaped for its encoder, with conditions the list
            `[images, conditions]`.

    Returns:
        An integer below the number of clusters.
    """
    found = np.unique(model.predict_clusters(images))
    return model.latent.num_clusters - len(found)
