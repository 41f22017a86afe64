"""What one does with the prior of a trained autoencoder, in NumPy."""

import functools
import inspect
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.latents.fitted import FittedMixture
from keras_capsvae.models.prediction import in_parts
from keras_capsvae.models.prediction import joined
from keras_capsvae.models.scoring_model import ScoringModel
from keras_capsvae.models.structures import first_of
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arrays import length_of
from keras_capsvae.validation.labels import integers_of
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.streams import examples_in
from keras_capsvae.validation.streams import inputs_in
from keras_capsvae.validation.streams import is_stream

FITTED = "fitted_prior_"


class PriorModel(ScoringModel):
    """An autoencoder whose latents are clustered, fitted and relabelled.

    Attributes:
        fitted_prior: The mixture of `fit_prior` that `generate` draws from;
            `None`, which it may be set to: it draws from the prior of training.
    """

    fitted_prior: FittedMixture | None = None
    _has_loaded_weights = False

    @functools.wraps(ScoringModel.fit)
    def fit(self, *args: Any, **kwargs: Any) -> Any:
        given = inspect.signature(super().fit).bind(*args, **kwargs)
        x = given.arguments.get("x")
        count = None
        if x is not None and not is_stream(x):
            arrays = self.arrays_of_model(x)
            self.latent.check_examples(arrays)
            count = length_of(arrays[0])
        elif x is not None:
            count = examples_in(x)
        self.latent.trains_on(count)
        if self.fitted_prior is not None:
            warnings.warn(
                "`fitted_prior` is of the latents before this training: call "
                "`fit_prior` again, or `generate` draws what they were.",
                stacklevel=3,
            )
        return super().fit(*args, **kwargs)

    def fit_prior(
        self, x: Any, components: int = 10, seed: int | None = None
    ) -> None:
        """Fit a mixture of Gaussians to the latents of x, to draw from.

        `generate` then draws where data lie, and not where the prior of
        training only hopes for them. Fitted are posterior samples; under class
        means, what they differ by from the mean of their class. The mixture is
        saved with the model and exported. `generate(cluster=…)` and scores stay
        with the prior of training.

        Args:
            x: Examples, with their conditions `[x, c]` if the model has any.
            components: Gaussians. Defaults to 10.
            seed: Integer seed of samples and fit. Defaults to `None`: a random
                one.

        Raises:
            ValueError: If x does not fit the model or has fewer examples than
                components, or the latent has no densities.
            TypeError: If `components` is no integer.
        """
        components = check_integer("components", components)
        if not self.latent.has_densities:
            raise ValueError(
                "A prior is fitted to posterior samples of a latent with "
                "densities; that over codes has a CodeAutoencoder. "
                f"Received: {type(self.latent).__name__}"
            )
        if self.latent.num_codes is not None:
            raise ValueError(
                "A mixture of Gaussians is fitted to numbers, not to codes. "
                f"Received: {type(self.latent).__name__}"
            )
        z = self._away_from_prior(x, keras.random.SeedGenerator(seed))
        self._warn_if_untrained()
        self.fitted_prior = FittedMixture.of(z, components, seed)

    def _away_from_prior(self, x, noise):
        """Posterior samples, less the mean that the prior has for each."""
        parts = inputs_in(x) if is_stream(x) else [x]
        of_prior = self.conditions.of_prior is not None
        parameters, given = joined(
            (
                self.posterior(part),
                self.arrays_of_model(part)[1:] if of_prior else [],
            )
            for part in parts
        )
        z = joined(
            self.latent.sample(list(part), 1, noise)[:, 0]
            for part in in_parts(parameters)
        )
        mean = self.latent.prior_mean(self.prior_depends_on(given))
        return z if mean is None else z - ops.convert_to_numpy(mean)

    def _warn_if_untrained(self):
        steps = 0
        if self.optimizer is not None:
            steps = int(ops.convert_to_numpy(self.optimizer.iterations))
        if not steps and not self._has_loaded_weights:
            warnings.warn(
                f"{self.name!r} was neither trained nor given weights from a "
                "file: the prior is fitted to latents that mean nothing yet. "
                "Call `fit` first, then `fit_prior`.",
                stacklevel=3,
            )

    def latents_drawn(
        self, random: Any, n: int, given: Any = None, cluster: Any = None
    ) -> Tensor:
        if self.fitted_prior is None or cluster is not None:
            return super().latents_drawn(random, n, given, cluster)
        dims = self.decoder.inputs[0].shape[1:]
        z = self.fitted_prior.draw(random, n, dims)
        mean = self.latent.prior_mean(self.prior_depends_on(given))
        return self.latent.project(z if mean is None else ops.add(z, mean))

    def predict_clusters(
        self, x: Any, batch_size: int | None = None
    ) -> np.ndarray:
        """The most probable cluster of each example.

        Args:
            x: As of `encode`.
            batch_size: Examples at a time. Defaults to Keras' 32.

        Returns:
            Array of integers `(n,)`, as `generate(cluster=…)` takes them.

        Raises:
            ValueError: If the prior has no clusters or x does not fit.
        """
        if self.latent.num_clusters is None:
            raise ValueError(
                f"The prior of {self.name!r} has no clusters: build a VAE with "
                "prior=GaussianMixture(10), e.g. zoo.cluster_vae(). "
                f"Received: {type(self.latent).__name__}"
            )
        z = self.encode(x, batch_size)
        shares = [
            ops.convert_to_numpy(self.latent.responsibilities(part))
            for (part,) in in_parts([z])
        ]
        return np.concatenate(shares).argmax(axis=-1)

    def relabel(
        self,
        x: Any,
        label: Any,
        batch_size: int | None = None,
        *,
        class_names: Sequence[str] | None = None,
    ) -> np.ndarray:
        """Examples in the style of x, of another class.

        Keeps the latents of x, or under class means how they differ from the
        mean of their class, and decodes them with the label.

        Args:
            x: Examples with their labels, `[x, labels]`: integers, one-hot or,
                with `class_names`, names.
            label: Integer class or name, or one for each example.
            batch_size: Examples at a time. Defaults to Keras' 32.
            class_names: Names of the classes in the order of their labels.
                Defaults to `None`: labels are no names.

        Returns:
            Array `(n, ...)`.

        Raises:
            ValueError: If the model has no single condition of classes, x does
                not fit it, or a name is none of the classes.
        """
        examples, *rest = x if isinstance(x, (list, tuple)) else [x]
        if self.num_classes is not None and len(rest) == 1:
            labels, given = integers_of(rest[0], class_names), None
            if np.ndim(labels) == 1:
                given = self.conditions_given(len(labels), labels, None)
            x = [examples, *(given or [labels])]
        z = self.encode(x, batch_size)
        before = self.arrays_of_model(x)[1:]
        label = integers_of(label, class_names)
        after = self.conditions_given(len(z), label, None)
        means = [
            self.latent.prior_mean(self.prior_depends_on(given))
            for given in (before, after)
        ]
        if means[0] is not None:
            z = z - ops.convert_to_numpy(means[0])
            z = z + ops.convert_to_numpy(means[1])
        return first_of(self._decoded(z, after, batch_size))

    def prior_of_arrays(self, arrays: dict[str, np.ndarray]) -> Any:
        """The fitted prior of what its `arrays` gave."""
        return FittedMixture(**arrays)

    def arrays_beside_weights(self) -> dict[str, np.ndarray]:
        arrays = super().arrays_beside_weights()
        if self.fitted_prior is not None:
            fitted = self.fitted_prior.arrays()
            arrays |= {FITTED + name: array for name, array in fitted.items()}
        return arrays

    def take_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        super().take_arrays(arrays)
        fitted = {
            name.removeprefix(FITTED): array
            for name, array in arrays.items()
            if name.startswith(FITTED)
        }
        self.fitted_prior = self.prior_of_arrays(fitted) if fitted else None
        self._has_loaded_weights = True
