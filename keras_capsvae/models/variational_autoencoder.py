import contextlib

import keras
import numpy as np
from keras import ops

from keras_capsvae.losses import ReconstructionLoss
from keras_capsvae.models.autoencoder_graph import connect
from keras_capsvae.models.checked_model import CheckedModel
from keras_capsvae.models.logits import activation_name
from keras_capsvae.models.logits import kept_logits
from keras_capsvae.models.logits import output_layer
from keras_capsvae.models.serving import autoencoder_endpoints
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.arrays import check_classes
from keras_capsvae.validation.arrays import check_label
from keras_capsvae.validation.arrays import check_one_hot
from keras_capsvae.validation.numbers import check_integer


@keras.saving.register_keras_serializable(package="keras_capsvae")
class VariationalAutoencoder(CheckedModel):
    """A variational autoencoder from one's own encoder and decoder.

    Trains on `loss = reconstruction_loss + weight · kl_loss` (the negative
    ELBO at weight 1), each the mean over the examples, in nats, and reports all
    three. The input is the target: `fit(x)`; `fit(x, x)` is the same.

    The reconstruction loss is the compiled loss: `BernoulliReconstruction`,
    `CategoricalReconstruction`, `GaussianReconstruction`, or any Keras loss,
    which then keeps its own mean over the dims. Though the decoder gives
    probabilities, the first two are computed from the logits that its last
    layer hands to its `activation` (`"sigmoid"`, `"softmax"`), so that
    confident mistakes have a finite loss and a gradient.

    Args:
        encoder: Functional `keras.Model`, x → `[z_mean, z_log_var]`, two
            tensors `(batch, latent_dim)`.
        decoder: Functional or Sequential model, `(batch, latent_dim)` → the
            shape of x.
        prior: Optional functional model, one-hot labels `(batch, num_classes)`
            → the mean of each class's prior `(batch, latent_dim)`. The labels
            become the last input. Defaults to `None`: the prior is N(0, 1).
        kl_weight, estimator, free_bits: See `KLLoss`.
        seed: Integer seed of the posterior samples. Defaults to `None`: a
            random one. Its state is saved with the model.
        name: Name of the model.

    Raises:
        ValueError: If encoder, decoder and prior do not fit each other; by
            `fit` and `evaluate` if the data do not fit the model or
            `sample_weight` comes without targets.

    Example:

    ```python
    x = keras.Input((784,))
    h = keras.layers.Dense(256, activation="relu")(x)
    heads = [keras.layers.Dense(2)(h), keras.layers.Dense(2)(h)]
    encoder = keras.Model(x, heads)
    decoder = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(784, activation="sigmoid")]
    )
    model = VariationalAutoencoder(encoder, decoder)
    model.compile("adam", loss=BernoulliReconstruction())
    model.fit(images, epochs=10)
    digits = model.generate(16, seed=0)
    ```

    Source: kexue.fm 5253, 5343 and 5383; Kingma and Welling, 2013.
    """

    input_range = None
    connected = staticmethod(connect)

    # Keras revives a functional subclass only if these are its parameters.
    def __init__(self, *args, **kwargs):
        if "encoder" in kwargs or (args and isinstance(args[0], keras.Model)):
            inputs, outputs = self.connected(*args, **kwargs)
            args, kwargs = (inputs, outputs), {"name": kwargs.get("name")}
        super().__init__(*args, **kwargs)
        self.reconstruction_tracker = keras.metrics.Mean("reconstruction_loss")
        self.divergence_tracker = keras.metrics.Mean("kl_loss")
        self._forward = None

    @property
    def encoder(self):
        """x → `[z_mean, z_log_var]`, deterministic."""
        return self.get_layer("encoder")

    @property
    def decoder(self):
        """Latents → reconstruction (probabilities)."""
        return self.get_layer("decoder")

    @property
    def prior(self):
        """One-hot label → prior mean, or `None`."""
        names = [layer.name for layer in self.layers]
        return self.get_layer("prior") if "prior" in names else None

    @property
    def kl_layer(self):
        """The model's `KLLoss`; its `weight` is the weight of `kl_loss`."""
        return self.get_layer("kl")

    @property
    def latent_dim(self):
        return self.decoder.inputs[0].shape[-1]

    def call(self, inputs, training=None, mask=None):
        with self._kept_logits() as kept:
            outputs = super().call(inputs, training=training, mask=mask)
        self._forward = _Forward(outputs, kept, self.kl_layer.divergence)
        return outputs

    def _kept_logits(self):
        """The decoder's logits in a list, `None` if it has none."""
        layer = output_layer(self.decoder)
        keeps = activation_name(layer) in ("sigmoid", "softmax")
        return kept_logits(layer) if keeps else contextlib.nullcontext()

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        target = self._target(x, y)
        forward = self._forward
        if forward is None or forward.outputs is not y_pred:
            # Keras builds its loss on stand-ins that no forward pass made.
            forward = _Forward(y_pred, None, ops.zeros(ops.shape(target)[:1]))
        reconstruction = self._error(target, forward.outputs, forward.kept)
        divergence = forward.divergence  # (batch,)
        loss = sum(self.losses)
        if sample_weight is not None:
            weights = ops.cast(sample_weight, reconstruction.dtype)
            # The divergence is in self.losses already, with weights of 1.
            excess = (weights - 1.0) * divergence
            loss += self.kl_layer.weight * ops.mean(excess)
            reconstruction = weights * reconstruction
            divergence = weights * divergence
        self.reconstruction_tracker.update_state(reconstruction)
        self.divergence_tracker.update_state(divergence)
        return ops.mean(reconstruction) + loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        target = self._target(x, y)
        return super().compute_metrics(x, target, y_pred, sample_weight)

    def _target(self, x, y):
        if y is not None:
            return y
        return x[self.inputs[0].name] if isinstance(x, dict) else _first(x)

    def _error(self, target, outputs, kept):
        """The reconstruction loss of each example, `(batch,)`, float32."""
        loss = keras.losses.get(self.loss)
        error = loss.call if isinstance(loss, keras.losses.Loss) else loss
        outputs = at_least_float32(outputs)
        target = ops.cast(target, outputs.dtype)
        if kept and getattr(loss, "activation", None):
            logits = ops.cast(kept[-1], outputs.dtype)
            logits = ops.reshape(logits, ops.shape(outputs))
            return loss.error(target, logits, from_logits=True)
        values = error(target, outputs)
        return ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), -1)

    def sample_errors(self, target, z, training=False):
        """The reconstruction loss of several samples of each example.

        Args:
            target: Examples, `(batch, ...)`.
            z: Latents, `(batch, num_samples, latent_dim)`.
            training: Whether the decoder runs as in training. Defaults to
                `False`.

        Returns:
            Shape `(batch, num_samples)`, float32 at least.
        """
        num_samples, latent_dim = z.shape[1:]
        with self._kept_logits() as kept:
            outputs = self.decoder(
                ops.reshape(z, (-1, latent_dim)), training=training
            )
        target = ops.repeat(ops.convert_to_tensor(target), num_samples, axis=0)
        errors = self._error(target, outputs, kept)
        return ops.reshape(errors, (-1, num_samples))

    def adapt(self, x):
        """Set the bias of the decoder's output to the mean of the data.

        The untrained decoder then gives about the mean image (of a
        convolution, the mean of each channel), where training would first have
        to find it. Call it before `fit`.

        Args:
            x: Array of examples in [0, 1], `(n, ...)`.

        Raises:
            ValueError: If x does not fit the model, or the decoder does not end
                in a layer with a sigmoid and a bias.

        Source: Burda et al., 2015, who clip the mean to [0.001, 0.999].
        """
        layer = output_layer(self.decoder)
        bias = getattr(layer, "bias", None)
        if activation_name(layer) != "sigmoid" or bias is None:
            raise ValueError(
                "`adapt` expects a decoder whose last layer, reshapes aside, "
                "has a sigmoid and a bias. Received: layer "
                f"{layer.name!r} with activation={activation_name(layer)!r}"
            )
        x = check_array(x, self.inputs[0].shape[1:], "x", (0.0, 1.0))
        mean = x.reshape(-1, *bias.shape).mean(axis=0, dtype="float64")
        mean = np.clip(mean, 0.001, 0.999)
        bias.assign(np.log(mean) - np.log1p(-mean))

    def generate(self, n, label=None, seed=None):
        """Decode n draws from the prior.

        Args:
            n: Number of examples, at least 1.
            label: Integer class, for a model with a prior of its own for each
                class. Defaults to `None`: classes drawn uniformly.
            seed: Integer seed. Defaults to `None`: fresh draws each time.

        Returns:
            NumPy array `(n, ...)` of the decoder's output.

        Raises:
            ValueError: If n is below 1, the label is out of range, or the model
                has no classes.
            TypeError: If the label is no integer.
        """
        z = self.draw_latents(n, label, seed)
        return self.decoder.predict(z, verbose=0)

    def draw_latents(self, n, label=None, seed=None):
        """n draws from the prior, as `generate` decodes them.

        Takes the arguments of `generate`; returns `(n, latent_dim)`.
        """
        n = check_integer("n", n)
        random = np.random.default_rng(seed)
        z = random.standard_normal((n, self.latent_dim)).astype("float32")
        if self.prior is not None:
            num_classes = self.prior.inputs[0].shape[-1]
            if label is None:
                labels = random.integers(num_classes, size=n)
            else:
                labels = np.full(n, check_label(label, num_classes))
            z += ops.convert_to_numpy(
                self.prior(keras.utils.to_categorical(labels, num_classes))
            )
        elif label is not None:
            raise ValueError(
                f"Model {self.name!r} has no classes. Received: label={label}"
            )
        return z

    def reconstruct(self, x):
        """Decode the posterior means of x.

        Args:
            x: Array, or the list of arrays that the encoder or the model takes.

        Returns:
            NumPy array `(batch, ...)` of the decoder's output.

        Raises:
            ValueError: If x does not fit the encoder.
        """
        expected = self.encoder.inputs
        if isinstance(x, dict):
            x = [x[tensor.name] for tensor in expected if tensor.name in x]
        arrays = list(x) if isinstance(x, (list, tuple)) else [x]
        if len(arrays) not in (len(expected), len(self.inputs)):
            raise ValueError(
                f"The encoder takes {len(expected)} arrays, "
                f"{[tensor.name for tensor in expected]}. "
                f"Received: {len(arrays)}"
            )
        arrays = arrays[: len(expected)]
        for array, tensor in zip(arrays, expected):
            self.check_input(array, tensor, "x")
        z_mean, _ = self.encoder.predict(
            arrays if len(arrays) > 1 else arrays[0], verbose=0
        )
        return self.decoder.predict(z_mean, verbose=0)

    def check_input(self, array, tensor, name):
        if self.prior is not None and tensor.name == self.inputs[-1].name:
            check_one_hot(array, tensor.shape[-1], name)
        elif activation_name(output_layer(self.decoder)) == "softmax":
            self.check_targets(array, name)
        else:
            loss_range = getattr(self.loss, "target_range", None)
            check_array(
                array, tensor.shape[1:], name, self.input_range or loss_range
            )

    def check_targets(self, targets, name):
        expected = tuple(self.outputs[0].shape[1:])
        has_classes = activation_name(output_layer(self.decoder)) == "softmax"
        if has_classes and len(targets.shape) == len(expected):
            *positions, num_classes = expected
            check_classes(targets, positions, num_classes, name)
        else:
            loss_range = getattr(self.loss, "target_range", None)
            check_array(targets, expected, name, loss_range)

    def check_compiled(self):
        super().check_compiled()
        if self.loss is None:
            raise ValueError(
                "A VariationalAutoencoder must be compiled with a "
                "reconstruction loss, e.g. loss=BernoulliReconstruction(). "
                "Received: loss=None"
            )
        if getattr(self.loss, "from_logits", False):
            raise ValueError(
                "The decoder returns probabilities, and the loss is computed "
                "from its logits all the same. Received: a loss with "
                "from_logits=True"
            )
        expected = getattr(self.loss, "activation", None)
        layer = output_layer(self.decoder)
        if isinstance(self.loss, ReconstructionLoss) and expected:
            if activation_name(layer) != expected:
                raise ValueError(
                    f"{type(self.loss).__name__} expects a decoder whose last "
                    f"layer, reshapes aside, has activation={expected!r}, as "
                    f"Dense, Conv2D or Activation({expected!r}) have it. "
                    f"Received: layer {layer.name!r} with "
                    f"activation={activation_name(layer)!r}"
                )

    def serving_endpoints(self):
        """`serve`, `encode`, `decode` and `generate`.

        `serve` takes x and gives a stochastic reconstruction, `encode` gives
        `[z_mean, z_log_var]`, `decode` takes latents, `generate` an integer n
        and, for a conditional model, an integer label.
        Other formats take encoder and decoder: `model.encoder.export(...)`.
        """
        return autoencoder_endpoints(self)


class _Forward:
    """What one forward pass left for the loss of the same trace."""

    def __init__(self, outputs, kept, divergence):
        self.outputs = outputs
        self.kept = kept
        self.divergence = divergence


def _first(x):
    return x[0] if isinstance(x, (list, tuple)) else x
