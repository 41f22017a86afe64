import keras
from keras import ops

from keras_capsvae.divergences import sample_divergence
from keras_capsvae.layers.kl_loss import KLLoss
from keras_capsvae.layers.sampling import check_posterior_shapes

GRADIENTS = ("plain", "stl", "dreg")


@keras.saving.register_keras_serializable(package="keras_capsvae")
class ImportanceWeighting(KLLoss):
    """Keeps posterior samples for a bound, and hands on the first of them.

    Adds no loss: `ImportanceWeightedAutoencoder` decodes and weighs all samples
    where it computes its loss, and only the first for its output. `weight` is
    the factor of `ln p(z_i|x) − ln q(z_i)`, a variable that `KLWarmUp` moves.

    Args:
        weight: See `KLLoss`. Defaults to 1.
        gradient: How the encoder learns. `"plain"`: the gradient of the bound;
            `"stl"` (sticking the landing): none through μ and σ inside
            ln p(z|x), exact at one sample and biased at more; `"dreg"` (doubly
            reparameterised): the same, with weights squared on the path
            through z, exact at any number. Defaults to `"plain"`.

    Inputs: list `[z_mean, z_log_var, z]`, `(batch, latent_dim)` twice and
        `(batch, num_samples, latent_dim)`; keyword `prior_mean`, the shape of
        z_mean.

    Output: the first sample, `(batch, latent_dim)`.

    Raises:
        ValueError: If `weight` is negative, the gradient unknown, or the inputs
            are no posterior and its samples.

    Source: Burda et al., 2015; Roeder et al., "Sticking the Landing", 2017;
        Tucker et al., "Doubly Reparameterized Gradient Estimators", 2018.
    """

    def __init__(self, weight=1.0, gradient="plain", **kwargs):
        super().__init__(weight, **kwargs)
        if gradient not in GRADIENTS:
            raise ValueError(
                f"`gradient` must be one of {GRADIENTS}. "
                f"Received: gradient={gradient!r}"
            )
        self.gradient = gradient
        self.posterior = None

    def build(self, input_shape):
        check_posterior_shapes(self, input_shape[:2], count=2)
        expected = (*input_shape[0][:1], None, *input_shape[0][1:])
        received = tuple(input_shape[-1])
        if len(input_shape) != 3 or received[2:] != expected[2:]:
            raise ValueError(
                f"Layer {self.name} expects [z_mean, z_log_var, z] with z of "
                f"shape {expected}. Received: shapes {input_shape}"
            )
        self.add_factor()

    def call(self, inputs, prior_mean=None):
        self.posterior = (*inputs, prior_mean)
        return inputs[-1][:, 0]

    def divergence_of(self, z, posterior):
        """`ln p(z_i|x) − ln q(z_i)`, `(batch, num_samples)`."""
        z_mean, z_log_var, _, prior_mean = posterior
        if self.gradient != "plain":
            z_mean = ops.stop_gradient(z_mean)
            z_log_var = ops.stop_gradient(z_log_var)
        return sample_divergence(z_mean, z_log_var, z, prior_mean)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        config = super().get_config()
        del config["estimator"], config["free_bits"]
        return {**config, "gradient": self.gradient}
