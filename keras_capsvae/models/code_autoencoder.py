import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_capsvae.initializers import seeded
from keras_capsvae.latents.base import Latent
from keras_capsvae.latents.codes import CodeLatent
from keras_capsvae.latents.random_source import random_generator
from keras_capsvae.models.code_parts import code_decoder
from keras_capsvae.models.code_parts import code_encoder
from keras_capsvae.models.code_prior import CodePrior
from keras_capsvae.models.fitted_codes import FittedCodes
from keras_capsvae.models.prediction import joined
from keras_capsvae.models.variational_autoencoder import VariationalAutoencoder
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arrays import check_same_length
from keras_capsvae.validation.forms import in_numpy
from keras_capsvae.validation.labels import check_classes
from keras_capsvae.validation.streams import inputs_in
from keras_capsvae.validation.streams import is_stream

ENCODED_AT_ONCE = 256


@keras.saving.register_keras_serializable(package="keras_capsvae")
class CodeAutoencoder(VariationalAutoencoder):
    """An autoencoder whose latents are codes, with a prior fitted over them.

    It trains as every `VariationalAutoencoder`; its `kl_loss` is that of the
    uniform prior, `ln num_codes` for each token. `encode` gives integers,
    `decode` takes them. `fit_prior` then trains a causal net over the codes:
    `generate` draws from it, and `evaluate` and scores measure with it, as a
    bound on −ln q(x) in nats. Files hold it.

    `generate` and `draw_latents` also take `temperature`, what the logits of
    the prior are divided by: below 1 it keeps to what is probable. Its default
    is that of the prior, `fitted_prior.temperature`, which is 1 and goes into
    files and SavedModels. With `uniform=True` codes are drawn uniformly, as no
    image has them.

    Args:
        encoder: Functional or Sequential model, x (and conditions) → vectors
            `(batch, ..., dim)`, one for each token.
        decoder: Functional or Sequential model, vectors of codes of that shape
            (and conditions) → the shape of x.
        latent: A `CodeLatent`, such as `VectorQuantizer(64, 16)`.
        input_range: As of `VariationalAutoencoder`.
        name: Name of the model.

    Attributes:
        fitted_prior: What `fit_prior` fitted, `None` before.

    Raises:
        TypeError: If the latent has no codes.
        ValueError: As of `VariationalAutoencoder`; of `generate` also if no
            prior was fitted, or the temperature is not above 0.

    Example:

    ```python
    model = zoo.vq_vae((28, 28, 1))
    model.fit(images, epochs=10)
    model.fit_prior(images, epochs=10)
    codes = model.encode(images)  # integers (n, 7, 7)
    pictures = model.generate(16, seed=0)
    ```

    Source: kexue.fm 6760; van den Oord et al., "Neural Discrete Representation
    Learning", 2017.
    """

    latent: CodeLatent
    draw_options = ("temperature", "uniform")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        latent: Latent,
        *,
        input_range: tuple[float, float] | None = None,
        name: str | None = None,
    ) -> None:
        if not isinstance(latent, CodeLatent):
            raise TypeError(
                "`latent` must have codes, e.g. VectorQuantizer(64, 16). "
                f"Received: {latent!r} of type {type(latent).__name__}"
            )
        super().__init__(
            encoder, decoder, latent, input_range=input_range, name=name
        )

    @property
    def fitted_prior(self) -> FittedCodes | None:
        return self.__dict__.get("_fitted_codes")

    @fitted_prior.setter
    def fitted_prior(self, prior: FittedCodes | None) -> None:
        difference = None if prior is None else self._difference(prior.net)
        if difference:
            raise ValueError(
                f"`fitted_prior` must be over the codes of {self.name!r}. "
                f"Received: {difference}"
            )
        self.__dict__["_fitted_codes"] = prior
        self.test_function = None  # it measured with the prior of before

    def _difference(self, net):
        """How a net is not over the codes of this model, in words."""
        sizes = self.conditions.vector_sizes() if net.condition_sizes else ()
        own, given = (
            (f"{codes} codes", f"shape {tuple(shape)}", f"conditions {of}")
            for codes, shape, of in (
                (self.latent.num_codes, self.latent.code_shape, tuple(sizes)),
                (net.num_codes, net.code_shape, net.condition_sizes),
            )
        )
        pairs = zip(given, own)
        return ", ".join(f"{a} for {b}" for a, b in pairs if a != b)

    def terms(
        self, target: Tensor, forward: dict[str, Any], training: bool | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        error, nats, objective = super().terms(target, forward, training)
        if self.fitted_prior is not None and not training:
            nats = self.fitted_prior.nats(
                self.latent.value(forward["parameters"]),
                self.prior_depends_on(forward["given"]),
            )
        return error, nats, objective

    def prior_depends_on(self, given: Any) -> Any:
        if self.fitted_prior is None:
            return super().prior_depends_on(given)
        if not self.fitted_prior.net.condition_sizes:
            return ()
        return self.conditions.as_vectors(given)

    def mean_divergence(
        self, z: Tensor, parameters: list[Tensor], condition: Any = None
    ) -> Tensor:
        if self.fitted_prior is None:
            return super().mean_divergence(z, parameters, condition)
        codes = self.latent.value(parameters)
        return self.fitted_prior.nats(codes, condition)

    def fit_prior(
        self,
        x: Any,
        epochs: int = 10,
        batch_size: int = 64,
        validation_data: Any = None,
        verbose: str | int = "auto",
        *,
        num_layers: int = 2,
        width: int = 128,
        num_heads: int = 4,
        learning_rate: float = 1e-3,
        seed: int | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> keras.callbacks.History:
        """Train a causal net over the codes of x, to draw from.

        Codes depend on the conditions of the decoder, if it has any:
        `generate(label=…)` then draws codes of that label.

        Args:
            x: Examples, with the conditions of the model; or a stream of
                batches with an end.
            epochs, batch_size, verbose, callbacks: As of `keras.Model.fit`.
            validation_data: Other examples. Defaults to `None`.
            num_layers, width, num_heads: Sizes of the net, see `CodePrior`.
                Default to 2, 128 and 4; the post's are 4, 256 and 8.
            learning_rate: Of Adam. Defaults to 1e-3.
            seed: Integer seed of weights and order. Defaults to `None`: a
                random one.

        Returns:
            The history, whose loss is `−ln q(codes)` of an example in nats.

        Raises:
            ValueError: If x does not fit the model, or images or conditions
                may have any size.
        """
        if seed is None:
            seed = int(random_generator().integers(2**31))
        sizes = {"num_layers": num_layers, "width": width}
        net = self.new_prior(seed, num_heads=num_heads, **sizes)
        net.compile_for(learning_rate)
        codes, held_out = self.codes_under_conditions(x), None
        if validation_data is not None:
            held_out = self.codes_under_conditions(validation_data)
        self._warn_if_untrained()
        history = net.fit_codes(
            codes,
            epochs,
            batch_size,
            held_out,
            verbose,
            seed=seed,
            callbacks=callbacks,
        )
        self.fitted_prior = FittedCodes(net)
        return history

    def new_prior(self, seed: int | None = None, **sizes: Any) -> CodePrior:
        """A `CodePrior` of these sizes for the codes of the model."""
        with seeded(seed):
            latent = self.latent
            return CodePrior(
                latent.num_codes,
                latent.code_shape,
                condition_sizes=self.conditions.vector_sizes(),
                **sizes,
            )

    def codes_under_conditions(self, x: Any) -> list[np.ndarray]:
        """What `CodePrior.fit_codes` of this model's prior trains on."""
        if not self.conditions.of_decoder:
            return [self.encode(x, ENCODED_AT_ONCE)]

        def of(part):
            arrays = self.arrays_of_model(part)
            self.check_inputs(arrays, "x")
            check_same_length(arrays, "x")
            _, *given = arrays
            codes = self.encode(part, ENCODED_AT_ONCE)
            return [codes, *self.conditions.as_vectors(given)]

        return joined(map(of, inputs_in(x) if is_stream(x) else [x]))

    def prior_of_arrays(
        self, arrays: dict[str, np.ndarray]
    ) -> FittedCodes | None:
        prior = FittedCodes.of_arrays(arrays)
        difference = self._difference(prior.net)
        if not difference:
            return prior
        warnings.warn(
            f"The prior of the file is left out: {difference} of "
            f"{self.name!r}. `fit_prior` fits another.",
            stacklevel=2,
        )
        return None

    def decode(
        self,
        z: Tensor,
        *,
        label: Any = None,
        condition: Tensor | None = None,
        batch_size: int | None = None,
    ) -> Any:
        """What the decoder makes of codes, integers as `encode` gives them.

        Arguments and errors as of `VariationalAutoencoder`; a ValueError also
        where codes have another shape or lie outside of the codebook.
        """
        z = in_numpy(z)
        check_classes(z, self.latent.code_shape, self.latent.num_codes, "z")
        return super().decode(
            z.astype("int32"),
            label=label,
            condition=condition,
            batch_size=batch_size,
        )

    def latents_drawn(
        self,
        random: Any,
        n: int,
        given: Any = None,
        cluster: Any = None,
        temperature: float | None = None,
        uniform: bool = False,
    ) -> Tensor:
        if uniform:
            return self.latent.draw_uniformly(random, n)
        if self.fitted_prior is None:
            raise ValueError(
                "Codes are drawn from a prior, which must be fitted after the "
                "training: model.fit_prior(x, epochs=10), on the command line "
                "--prior-epochs 10. generate(n, uniform=True) decodes uniform "
                f"codes. Received: {self.name!r} without a prior"
            )
        conditions = self.prior_depends_on(given)
        return self.fitted_prior.draw(random, n, conditions, temperature)

    def code_encoder(self) -> keras.Model:
        """x (and conditions) → codes, as files and endpoints hold it."""
        return code_encoder(self.encoder, self.latent)

    def code_decoder(self) -> keras.Model:
        """Codes (and conditions) → x, as files and endpoints hold it."""
        return code_decoder(self.decoder, self.latent)

    def served_beside(self) -> list[keras.Model]:
        return [] if self.fitted_prior is None else [self.fitted_prior.net]
