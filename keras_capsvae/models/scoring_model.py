"""How well an autoencoder explains single examples, and which are outliers."""

import dataclasses
import functools
import itertools
import math
import warnings
from typing import Any

import keras
import numpy as np

from keras_capsvae.models import likelihood
from keras_capsvae.models import serving
from keras_capsvae.models.generative_model import GenerativeModel
from keras_capsvae.models.prediction import joined
from keras_capsvae.models.serving import Endpoint
from keras_capsvae.validation.numbers import check_number
from keras_capsvae.validation.streams import inputs_in
from keras_capsvae.validation.streams import is_stream

THRESHOLD = "threshold"


class ScoringModel(GenerativeModel):
    """An autoencoder that scores examples and tells outliers by a threshold.

    Attributes:
        threshold_samples: Posterior samples behind the scores of the threshold,
            `num_samples` of `set_threshold`.
    """

    _threshold: float | None = None
    threshold_samples: int | None = None

    @functools.wraps(GenerativeModel.fit)
    def fit(self, *args: Any, **kwargs: Any) -> Any:
        if self.has_threshold:
            warnings.warn(
                "`threshold` is of the scores before this training: call "
                "`set_threshold` again.",
                stacklevel=3,
            )
        return super().fit(*args, **kwargs)

    def score_samples(
        self, x: Any, num_samples: int | None = None, *, seed: int | None = 0
    ) -> np.ndarray:
        """How badly the model explains each example, in nats.

        The negative ELBO, whose expectation is taken over one posterior
        sample; with `num_samples` the importance-sampled −ln q(x), which is
        less and depends less on chance. High scores are outliers: the sign is
        the opposite of scikit-learn's `score_samples`.

        Args:
            x: Examples, with their conditions `[x, c]` if the model has any,
                or a stream of batches with an end. Any finite values: data out
                of range are what scores are for.
            num_samples: Posterior samples of each example. Defaults to `None`.
            seed: Integer that fixes the samples; of a stream each batch has
                the next one. Defaults to 0.

        Returns:
            Array `(n,)`.

        Raises:
            ValueError: If x does not fit, the loss is no likelihood, or the
                latent has no densities.
        """
        if is_stream(x):
            seeds = itertools.repeat(None)
            if seed is not None:
                seeds = itertools.count(seed)
            return joined(
                self.score_samples(part, num_samples, seed=one)
                for part, one in zip(inputs_in(x), seeds)
            )
        if num_samples is None:
            return -likelihood.elbo(self, x, seed=seed, verbose=0)
        return -likelihood.log_likelihood(
            self, x, num_samples, seed=seed, verbose=0
        )

    def score_values(self, x: Any, batch_size: int | None = None) -> np.ndarray:
        """How badly the model explains each value of each example, in nats.

        `−ln q(x_i|z)` of every pixel, column or character i, z being the
        deterministic latent of the example: where an outlier is one. Their sum
        over an example is its score without the divergence, and without chance.

        Args:
            x: As of `score_samples`.
            batch_size: Examples at a time. Defaults to Keras' 32.

        Returns:
            Array of the shape of the examples; of one-hot categories the hot
            one has the nats, and a one-hot text has one value a character.

        Raises:
            ValueError: If x does not fit, or the loss is no likelihood.
            NotImplementedError: If the loss scores whole examples alone.

        Example:

        >>> model.score_values(images).shape  # eight flat images
        (8, 784)
        """
        if is_stream(x):
            return joined(self.score_values(part) for part in inputs_in(x))
        return likelihood.values(self, x, batch_size)

    def set_threshold(
        self,
        x: Any = None,
        quantile: float = 0.99,
        *,
        score: float | None = None,
        num_samples: int | None = None,
        seed: int = 0,
    ) -> None:
        """Take as outliers what scores above most of these examples.

        Or above a score of one's own, such as where the ROC curve of labelled
        outliers is best: `set_threshold(score=93.5)`. The threshold is saved
        with the model, also in files of weights, and a SavedModel then has an
        endpoint `score`.

        Args:
            x: Examples to trust, such as those of the training. Defaults to
                `None`: `score` is given.
            quantile: Share of them that scores no higher, above 0 and at most
                1. Defaults to 0.99.
            score: The threshold itself, in nats, in place of x. Defaults to
                `None`.
            num_samples, seed: As of `score_samples`; `predict_outliers` scores
                with as many samples.

        Raises:
            ValueError: If the quantile is out of range, the score is not
                finite, or neither x nor it is given, or both; as
                `score_samples`.
        """
        if (x is None) == (score is None):
            raise ValueError(
                "`set_threshold` takes examples x or a `score`. "
                f"Received: {'neither' if x is None else 'both'}"
            )
        quantile = check_number("quantile", quantile)
        if not 0 < quantile <= 1:
            raise ValueError(
                "`quantile` must be above 0 and at most 1. "
                f"Received: quantile={quantile}"
            )
        if score is None:
            scores = self.score_samples(x, num_samples, seed=seed)
            threshold = float(np.quantile(scores, quantile))
        else:
            threshold = float(score)
        if not math.isfinite(threshold):
            raise ValueError(
                f"`score` must be finite. Received: a threshold of {threshold}"
            )
        self._threshold = threshold
        self.threshold_samples = num_samples

    @property
    def has_threshold(self) -> bool:
        """Whether `set_threshold` was called, on this model or its file."""
        return self._threshold is not None

    @property
    def threshold(self) -> float:
        """The score above which examples are outliers, in nats.

        Raises:
            ValueError: If there is none yet.
        """
        if self._threshold is None:
            raise ValueError(
                f"The threshold of {self.name!r} must be set before it is "
                "asked for: model.set_threshold(x, quantile=0.99), on examples "
                "such as those of the training. Received: a model without"
            )
        return self._threshold

    def predict_outliers(self, x: Any, *, seed: int = 0) -> np.ndarray:
        """Which examples score above the threshold.

        Args:
            x, seed: As of `score_samples`.

        Returns:
            Array of booleans `(n,)`.

        Raises:
            ValueError: If there is no threshold, or x does not fit.
        """
        threshold = self.threshold
        scores = self.score_samples(x, self.threshold_samples, seed=seed)
        return scores > threshold

    def serving_endpoints(self) -> dict[str, Endpoint]:
        """Those of every autoencoder and, with a threshold, `score`.

        It takes x and gives the `score` of each example, whether it
        `is_outlier`, and the `threshold`.
        """
        endpoints = super().serving_endpoints()
        if self.has_threshold:
            endpoints["score"] = self._score_endpoint()
        return endpoints

    def _score_endpoint(self):
        threshold = self.threshold
        scores = likelihood.scores_in_graph(self, self.threshold_samples)

        def score(inputs):
            values = scores(inputs)
            limit = keras.ops.cast(threshold, values.dtype)
            return [values, values > limit, limit]

        names = ("score", "is_outlier", "threshold")
        of_model = serving.of_model(self, *names)
        return dataclasses.replace(of_model, function=score)

    def arrays_beside_weights(self) -> dict[str, np.ndarray]:
        arrays = super().arrays_beside_weights()
        if self._threshold is not None:
            numbers = [self._threshold, self.threshold_samples or 0]
            arrays[THRESHOLD] = np.array(numbers, "float64")
        return arrays

    def take_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        super().take_arrays(arrays)
        self._threshold = self.threshold_samples = None
        if THRESHOLD in arrays:
            threshold, samples = arrays[THRESHOLD]
            self._threshold = float(threshold)
            self.threshold_samples = int(samples) or None
