from typing import Any

import keras
from keras import ops

from keras_capsvae.divergences import importance_weighted_bound
from keras_capsvae.latents.base import Latent
from keras_capsvae.models.variational_autoencoder import VariationalAutoencoder
from keras_capsvae.numerics import scaled_gradient
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arguments import check_choice
from keras_capsvae.validation.numbers import check_integer

GRADIENTS = ("plain", "stl", "dreg")


@keras.saving.register_keras_serializable(package="keras_capsvae")
class ImportanceWeightedAutoencoder(VariationalAutoencoder):
    """A variational autoencoder trained on the importance-weighted bound.

    `loss = −mean_x [logsumexp_i log w_i − ln k]` over k posterior samples of
    each example, `log w_i = ln q(x|z_i) + β · (ln q(z_i) − ln p(z_i|x))`.
    Beside it `reconstruction_loss` and `kl_loss` report the two terms, means
    over examples and samples: their weighted sum is the one-sample bound, above
    `loss` by what the k samples gain, and equal to it at k = 1.

    In all else it is a `VariationalAutoencoder`: the output, `reconstruct`,
    `generate` and the SavedModel decode one latent of an example.

    Args:
        encoder, decoder, latent, kl_weight, input_range, seed, name: See
            `VariationalAutoencoder`; the latent must have densities
            and no penalty beside β · divergence.
        num_samples: Posterior samples k of each example. Defaults to 5.
        gradient: How the encoder learns. `"plain"`: the gradient of the bound;
            `"stl"` (sticking the landing): none through μ and σ inside
            ln p(z|x), exact at one sample and biased at more; `"dreg"` (doubly
            reparameterised): the same, with weights squared on the path
            through z, exact at any number. The decoder's gradient is the same
            in all three. `"dreg"` decodes twice, first for the weights.
            Defaults to `"plain"`.

    Raises:
        ValueError: As `VariationalAutoencoder`; if `num_samples` is below 1,
            the gradient unknown, or the latent does not suit.
        TypeError: If `num_samples` is no integer.

    Example:

    ```python
    model = ImportanceWeightedAutoencoder(encoder, decoder, num_samples=50)
    model.compile("adam", loss=BernoulliReconstruction())
    model.adapt(images)
    model.fit(images, epochs=10)
    ```

    Source: Burda, Grosse and Salakhutdinov, "Importance Weighted Autoencoders",
        2015; Roeder et al., "Sticking the Landing", 2017; Tucker et al.,
        "Doubly Reparameterized Gradient Estimators", 2018.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        latent: Latent | None = None,
        *,
        num_samples: int = 5,
        gradient: str = "plain",
        kl_weight: float = 1.0,
        input_range: tuple[float, float] | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        num_samples = check_integer("num_samples", num_samples)
        check_choice("gradient", gradient, GRADIENTS)
        super().__init__(
            encoder,
            decoder,
            latent,
            kl_weight=kl_weight,
            input_range=input_range,
            seed=seed,
            name=name,
        )
        if not self.latent.has_densities:
            raise ValueError(
                "`latent` must have densities to weigh samples by. "
                f"Received: {type(self.latent).__name__}"
            )
        if self.latent.has_own_penalty:
            raise ValueError(
                "`latent` must not have a penalty of its own, a capacity, "
                "free bits or a regulariser, which the bound of several "
                f"samples has no place for. Received: {self.latent!r}"
            )
        self.num_samples = num_samples
        self.gradient = gradient

    def terms(
        self, target: Tensor, forward: dict[str, Any], training: bool | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        parameters = forward["parameters"]
        z = self.latent.sample(parameters, self.num_samples)  # (batch, k, ...)
        if self.gradient != "plain":
            parameters = keras.tree.map_structure(ops.stop_gradient, parameters)

        def log_terms(z):
            """ln q(x|z_i) and ln q(z_i) − ln p(z_i|x), (batch, k) each."""
            given = forward["given"]
            error = self.reconstruction.errors_of_samples(
                self.loss,
                target,
                z,
                self.conditions.for_decoder(given),
                training,
            )
            of_prior = forward.get("of_prior")
            return -error, self.latent.log_ratio(z, parameters, of_prior)

        if self.gradient == "dreg":
            z = self._doubly_reparameterised(z, *log_terms(z))
        log_likelihood, log_ratio = log_terms(z)
        bound = self.bound_of(self._log_weights(log_likelihood, log_ratio))
        return (
            -ops.mean(log_likelihood, axis=-1),
            -ops.mean(log_ratio, axis=-1),
            -bound,
        )

    def bound_of(self, log_weights: Tensor) -> Tensor:
        """What is maximised, of log-weights `(batch, num_samples)`."""
        return importance_weighted_bound(log_weights)

    def _log_weights(self, log_likelihood, log_ratio):
        return ops.add(log_likelihood, self.latent.beta * log_ratio)

    def _doubly_reparameterised(self, z, log_likelihood, log_ratio):
        """z, whose gradient is multiplied by its sample's share.

        The bound multiplies it by the share once already. With a weight β of
        the divergence the factor is 1 − β (1 − share).
        """
        beta = self.latent.beta
        log_weights = self._log_weights(log_likelihood, log_ratio)
        shares = ops.softmax(log_weights, axis=-1)
        axes = (1,) * (ops.ndim(z) - 2)
        shares = ops.reshape(shares, (-1, self.num_samples, *axes))
        factor = 1 - beta * (1 - shares)
        return scaled_gradient(z, factor)
