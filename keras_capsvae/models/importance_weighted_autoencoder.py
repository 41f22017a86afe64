import keras
from keras import ops

from keras_capsvae.divergences import importance_weighted_bound
from keras_capsvae.models.autoencoder_graph import connect_samples
from keras_capsvae.models.variational_autoencoder import VariationalAutoencoder
from keras_capsvae.numerics import scaled_gradient


@keras.saving.register_keras_serializable(package="keras_capsvae")
class ImportanceWeightedAutoencoder(VariationalAutoencoder):
    """A variational autoencoder trained on the importance-weighted bound.

    `loss = −mean_x [logsumexp_i log w_i − ln k]` over k posterior samples of
    each example, `log w_i = ln q(x|z_i) − weight · (ln p(z_i|x) − ln q(z_i))`.
    Beside it `reconstruction_loss` and `kl_loss` report the two terms, means
    over examples and samples: their weighted sum is the one-sample bound, above
    `loss` by what the k samples gain, and equal to it at k = 1.

    In all else it is a `VariationalAutoencoder`: the output, `reconstruct`,
    `generate` and the SavedModel decode one sample of an example.

    Args:
        encoder, decoder, prior, kl_weight, seed, name: See
            `VariationalAutoencoder`.
        num_samples: Posterior samples k of each example. Defaults to 5.
        gradient: `"plain"`, `"stl"` or `"dreg"`, see `ImportanceWeighting`; the
            decoder's gradient is the same in all three. `"dreg"` decodes twice,
            first for the weights. Defaults to `"plain"`.

    Raises:
        ValueError: As `VariationalAutoencoder`; if `num_samples` is below 1.
        TypeError: If `num_samples` is no integer.

    Example:

    ```python
    model = ImportanceWeightedAutoencoder(encoder, decoder, num_samples=50)
    model.compile("adam", loss=BernoulliReconstruction())
    model.adapt(images)
    model.fit(images, epochs=10)
    ```

    Source: Burda, Grosse and Salakhutdinov, "Importance Weighted Autoencoders",
        2015.
    """

    connected = staticmethod(connect_samples)

    @property
    def num_samples(self):
        """Posterior samples of each example in the loss."""
        return self.get_layer("sampling").num_samples

    def call(self, inputs, training=None, mask=None):
        outputs = super().call(inputs, training=training, mask=mask)
        self._posterior = self.kl_layer.posterior
        return outputs

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        forward = self._forward
        if forward is None or forward.outputs is not y_pred:
            # Keras builds its loss on stand-ins that no forward pass made.
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        target = self._target(x, y)
        z = self._posterior[2]  # (batch, num_samples, latent_dim)
        if self.kl_layer.gradient == "dreg":
            z = self._doubly_reparameterised(target, z, training)
        error, divergence = self._terms(target, z, training)
        bound = self.bound_of(self._log_weights(error, divergence))  # (batch,)
        values = [-bound, ops.mean(error, axis=-1), ops.mean(divergence, -1)]
        if sample_weight is not None:
            weights = ops.cast(sample_weight, bound.dtype)
            values = [weights * value for value in values]
        loss, error, divergence = values  # (batch,) each
        self.reconstruction_tracker.update_state(error)
        self.divergence_tracker.update_state(divergence)
        return ops.mean(loss) + sum(self.losses)

    def bound_of(self, log_weights):
        """What is maximised, of log-weights `(batch, num_samples)`."""
        return importance_weighted_bound(log_weights)

    def _doubly_reparameterised(self, target, z, training):
        """z, whose gradient is multiplied by its sample's share.

        The bound multiplies it by the share once already. With a weight β of
        the divergence the factor is 1 − β (1 − share).
        """
        log_weights = self._log_weights(*self._terms(target, z, training))
        shares = ops.softmax(log_weights, axis=-1)[..., None]
        return scaled_gradient(z, 1 - self.kl_layer.weight * (1 - shares))

    def _log_weights(self, error, divergence):
        return -error - self.kl_layer.weight * divergence

    def _terms(self, target, z, training):
        """−ln q(x|z_i) and ln p(z_i|x) − ln q(z_i), (batch, num_samples)."""
        divergence = self.kl_layer.divergence_of(z, self._posterior)
        return self.sample_errors(target, z, training), divergence
