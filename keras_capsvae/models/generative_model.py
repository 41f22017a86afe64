"""What one does with an encoder, a latent and a decoder, in NumPy."""

from typing import Any

import numpy as np
from keras import ops

from keras_capsvae.latents.random_source import NumpyRandom
from keras_capsvae.models import serving
from keras_capsvae.models.autoencoder_data import AutoencoderData
from keras_capsvae.models.autoencoder_data import batch_of_one
from keras_capsvae.models.prediction import in_parts
from keras_capsvae.models.prediction import joined
from keras_capsvae.models.prediction import predicted
from keras_capsvae.models.serving import Endpoint
from keras_capsvae.models.structures import first_of
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arguments import check_known
from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.forms import as_array
from keras_capsvae.validation.forms import in_numpy
from keras_capsvae.validation.labels import check_label
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.shapes import with_last_axis
from keras_capsvae.validation.streams import inputs_in
from keras_capsvae.validation.streams import is_stream

DRAWN_BY = ("n", "label", "cluster", "condition", "seed")


class GenerativeModel(AutoencoderData):
    """The methods that every autoencoder has.

    A subclass sets `encoder`, `latent`, `decoder` and `conditions`. All methods
    may be called from several threads at once.
    """

    usual_loss = "BernoulliReconstruction"
    draw_options: tuple[str, ...] = ()

    @property
    def num_classes(self) -> int | None:
        """Classes that `label` chooses from; `None` without a label."""
        return self.conditions.num_classes

    @property
    def has_known_size(self) -> bool:
        """Whether the decoder takes latents of one size alone."""
        return None not in self.decoder.inputs[0].shape[1:]

    def posterior(
        self, x: Any, batch_size: int | None = None
    ) -> list[np.ndarray]:
        """The parameters of the posterior of each example, in order.

        Args:
            x: Examples; with the conditions `[x, c]` where the encoder takes
                them. Or a stream of batches with an end, as `predict` takes it.
            batch_size: Examples at a time. Defaults to Keras' 32.

        Returns:
            List of arrays `(n, ...)`, of Gaussian latents `[z_mean,
            z_log_var]`.

        Raises:
            ValueError: If x does not fit the encoder.
        """
        if is_stream(x):
            return joined(self.posterior(part) for part in inputs_in(x))
        arrays = self.arrays_of_encoder(x)
        parameters = predicted(self.encoder, arrays, batch_size)
        return parameters if isinstance(parameters, list) else [parameters]

    def encode(self, x: Any, batch_size: int | None = None) -> np.ndarray:
        """The deterministic latent of each example.

        The mean of Gaussian latents, integers of codes; arguments as of
        `posterior`.
        """
        values = [
            ops.convert_to_numpy(self.latent.value(list(part)))
            for part in in_parts(self.posterior(x, batch_size))
        ]
        return np.concatenate(values)

    def decode(
        self,
        z: Tensor,
        *,
        label: Any = None,
        condition: Tensor | None = None,
        batch_size: int | None = None,
    ) -> Any:
        """What the decoder makes of latents.

        Args:
            z: Latents `(n, ...)`.
            label: Integer class, or one for each latent, for a decoder with
                one condition that is one-hot.
            condition: What the decoder takes beside z: an array `(n, ...)`,
                a single one for all, or a list of such.
            batch_size: Latents at a time. Defaults to Keras' 32.

        Returns:
            Array `(n, ...)`; the list of them for a decoder of several outputs.

        Raises:
            ValueError: If the decoder takes another condition, or none.
        """
        z = in_numpy(as_array(z, "z"))
        if self.latent.num_codes is None:
            _, *dims = shape = self.decoder.inputs[0].shape
            z = check_array(with_last_axis(z, shape), dims, "z")
        given = self.conditions_given(len(z), label, condition)
        if given is None and self.conditions.of_decoder:
            raise ValueError(self.conditions.missing())
        if given is not None and not self.conditions.of_decoder:
            raise ValueError(
                "`label` and `condition` must be None: the decoder of "
                f"{self.name!r} takes latents alone. Received: "
                f"label={label!r}, condition={condition!r}"
            )
        return self._decoded(z, given, batch_size)

    def reconstruct(self, x: Any, batch_size: int | None = None) -> np.ndarray:
        """Decode the deterministic latents of x.

        Args:
            x: Examples; with the conditions `[x, c]` where encoder or decoder
                take them. Or a stream of batches with an end.
            batch_size: Examples at a time. Defaults to Keras' 32.

        Returns:
            Array `(n, ...)` of the decoder's (first) output.

        Raises:
            ValueError: If x does not fit the model.
        """
        if is_stream(x):
            return joined(self.reconstruct(part) for part in inputs_in(x))
        z = self.encode(x, batch_size)
        given = None
        if self.conditions.of_decoder:
            given = self.arrays_of_model(x)[1:]
        return first_of(self._decoded(z, given, batch_size))

    def generate(
        self,
        n: int,
        *,
        label: Any = None,
        cluster: int | None = None,
        condition: Tensor | None = None,
        seed: int | None = None,
        **how: Any,
    ) -> np.ndarray:
        """Decode n draws from the prior.

        Args:
            n: Number of examples, at least 1.
            label: Integer class, or one for each example, of a model with a
                one-hot condition. Defaults to `None`: of a prior with classes
                drawn uniformly.
            cluster: Integer component of a mixture. Defaults to `None`: any.
            condition: Conditions of another kind, see `decode`.
            seed: Integer seed. Defaults to `None`: fresh draws each time.
            how: What the draws of a kind of model take beside: see its class.

        Returns:
            Array `(n, ...)` of the decoder's (first) output; of tables rows.

        Raises:
            ValueError: If n is below 1, the model has no classes, clusters or
                conditions that were asked for, or needs one that was not.
            TypeError: If n, label or cluster is no integer, or more is given.
        """
        z, given = self._drawn(n, label, cluster, condition, seed, how)
        return self._made_of(self._decoded(z, given), seed)

    def draw_latents(
        self,
        n: int,
        *,
        label: Any = None,
        cluster: int | None = None,
        condition: Tensor | None = None,
        seed: int | None = None,
        **how: Any,
    ) -> np.ndarray:
        """n draws from the prior, as `generate` decodes them.

        Takes the arguments of `generate`; returns `(n, ...)`.
        """
        return self._drawn(n, label, cluster, condition, seed, how)[0]

    def interpolate(self, first: Any, last: Any, steps: int = 8) -> np.ndarray:
        """Decode the latents on the way from one example to another.

        Args:
            first, last: Two single examples, without a batch axis; of a model
                with conditions `[x, c]` each, of which the first's condition
                goes along.
            steps: Examples to give, the reconstructions of both ends among
                them; at least 2. Defaults to 8.

        Returns:
            Array `(steps, ...)`.

        Raises:
            ValueError: If `steps` is below 2 or an example does not fit.
        """
        z, given = self._way(batch_of_one(first), batch_of_one(last), steps)
        return first_of(self._decoded(z, given))

    def serving_endpoints(self) -> dict[str, Endpoint]:
        """`serve`, `encode`, `decode` and `generate`.

        `serve` takes x and gives a stochastic reconstruction, `encode` gives
        the parameters of the posterior by name, `decode` takes latents; of
        codes both are about the integers, `codes`. `generate` takes an integer
        n and, for a model with classes, an integer label. Other formats take
        encoder and decoder: `model.encoder.export(...)`.
        """
        return serving.of_autoencoder(self)

    def export(
        self,
        filepath: Any,
        format: str = "tf_saved_model",
        verbose: bool = False,
        **kwargs: Any,
    ) -> None:
        if format != "tf_saved_model":
            raise ValueError(
                "A model that draws noise must be exported in parts: "
                "`model.encoder.export(...)` and `model.decoder.export(...)`. "
                f"Received: format={format!r}"
            )
        super().export(filepath, format, verbose, **kwargs)

    def decoder_inputs(self, z: Tensor, given: list[Tensor]) -> list[Tensor]:
        """What the decoder takes: z, and its own of the given conditions."""
        z = self.latent.embedded(z)
        return [z, *self.conditions.for_decoder(given or [])]

    def prior_depends_on(self, given: Any) -> Any:
        """What the prior depends on under these conditions, if on anything."""
        condition = self.conditions.for_prior(given)
        return self.latent.depends_on(self.encoder, condition)

    def mean_divergence(
        self, z: Tensor, parameters: list[Tensor], condition: Any = None
    ) -> Tensor:
        """The divergence of each example; see `Latent.mean_divergence`."""
        return self.latent.mean_divergence(z, parameters, condition)

    def latents_drawn(
        self, random: Any, n: int, given: Any = None, cluster: Any = None
    ) -> Tensor:
        """n draws that `generate` decodes; see `Latent.draw`.

        Args:
            given: The conditions of the model, in order, if it has any.
        """
        return self.latent.draw(
            random, n, self.prior_depends_on(given), cluster
        )

    def _drawn(self, n, label, cluster, condition, seed, how):
        """Latents and the conditions that they were drawn under.

        `how` are the `draw_options` that `latents_drawn` takes beside.
        """
        taken = [*DRAWN_BY, *self.draw_options]
        check_known(f"`generate` of {self.name!r}", how, taken)
        n = check_integer("n", n)
        if seed is not None:
            seed = check_integer("seed", seed, 0)
        if not self.has_known_size:
            raise ValueError(
                f"`generate` of {self.name!r} must know how large a latent is, "
                "and its decoder takes any: decode(z) decodes draws of your "
                "own. Received: latents of shape "
                f"{tuple(self.decoder.inputs[0].shape)}"
            )
        clusters = self.latent.num_clusters
        if cluster is not None:
            if clusters is None:
                raise ValueError(
                    f"`cluster` must be None: the prior of {self.name!r} has "
                    f"no clusters. Received: cluster={cluster!r}"
                )
            cluster = np.full(n, check_label(cluster, clusters, "cluster"))
        given = self.conditions_given(n, label, condition)
        random = NumpyRandom(seed)
        if given is None and self.conditions.are_generated_from:
            given = self.conditions.drawn(n, random)
        z = self.latents_drawn(random, n, given, cluster, **how)
        return ops.convert_to_numpy(z), given

    def _made_of(self, decoded, seed):
        """What `generate` gives of what the decoder gave."""
        return first_of(decoded)

    def _decoded(self, z, given, batch_size=None):
        return predicted(
            self.decoder, self.decoder_inputs(z, given), batch_size
        )

    def _way(self, first, last, steps):
        """Latents `(steps, ...)` from one to another, and conditions."""
        steps = check_integer("steps", steps, 2)
        ends = [self.encode(one)[0] for one in (first, last)]
        shares = np.linspace(0, 1, steps, dtype="float32")
        given = None
        if self.conditions.of_decoder:
            given = [
                np.repeat(array, steps, axis=0)
                for array in self.arrays_of_model(first)[1:]
            ]
        return self.latent.between(*ends, shares), given
