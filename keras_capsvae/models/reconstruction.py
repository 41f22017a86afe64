"""How well a decoder gives its target back, whatever it ends in."""

import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.losses import ReconstructionLoss
from keras_capsvae.models.conditions import called
from keras_capsvae.models.output_logits import activation_name
from keras_capsvae.models.output_logits import output_layer
from keras_capsvae.models.output_logits import with_logits
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.typing import Tensor


class Reconstruction:
    """A decoder, and the error of what it gives under a loss.

    Args:
        decoder: Functional or Sequential model.
    """

    def __init__(self, decoder: keras.Model) -> None:
        self.decoder = decoder
        self.last_layer = layer = output_layer(decoder)
        self.last_activation = None if layer is None else activation_name(layer)
        self._with_logits, self.activation = with_logits(decoder)

    def outputs(
        self, inputs: Any, training: bool | None = None
    ) -> dict[str, Tensor]:
        """`decoded` and, if the graph shows them, its `logits`."""
        if self._with_logits is None:
            return {"decoded": called(self.decoder, inputs, training)}
        decoded, logits = called(self._with_logits, inputs, training)
        return {"decoded": decoded, "logits": logits}

    def error(self, loss: Any, target: Tensor, outputs: Any) -> Tensor:
        """The loss of each example, `(batch,)`, float32 at least.

        Args:
            loss: A `ReconstructionLoss`, Keras loss, function or name.
            target: Examples `(batch, ...)`.
            outputs: What `outputs` gave, of their latents.
        """
        values = self._errors(loss, target, outputs)
        if ops.ndim(values) == 0:  # a function's mean, which Keras takes too
            return ops.broadcast_to(values, ops.shape(target)[:1])
        return _per_example(values)

    def values(
        self, loss: ReconstructionLoss, target: Tensor, outputs: Any
    ) -> Tensor:
        """The loss of each value, `(batch, ...)`; arguments as of `error`."""
        target, given, how = self._compared(loss, target, outputs)
        return loss.values(target, given, **how)

    def _errors(self, loss, target, outputs):
        """Errors `(batch, ...)`, or what a function makes of the batch."""
        target, given, how = self._compared(loss, target, outputs)
        if how:
            return loss.error(target, given, **how)
        return _function(loss)(target, given)

    def _compared(self, loss, target, outputs):
        """Target, what it is compared with, and how that is told to the loss.

        Logits are taken wherever they are known.
        """
        if self.activation and self.activation == _activation_of(loss):
            logits = at_least_float32(outputs["logits"])
            return ops.cast(target, logits.dtype), logits, {"from_logits": True}
        decoded = keras.tree.map_structure(at_least_float32, outputs["decoded"])
        target = ops.cast(target, keras.tree.flatten(decoded)[0].dtype)
        return target, decoded, {}

    def errors_of_samples(
        self,
        loss: Any,
        target: Tensor,
        z: Tensor,
        given: list[Tensor],
        training: bool | None = None,
    ) -> Tensor:
        """The loss of several latents of each example.

        Args:
            loss: See `error`.
            target: Examples `(batch, ...)`.
            z: Latents `(batch, num_samples, ...)`.
            given: What the decoder takes beside them, `(batch, ...)` each.
            training: Whether the decoder runs as in training.

        Returns:
            Shape `(batch, num_samples)`, float32 at least.
        """
        num_samples, *dims = z.shape[1:]
        latents = ops.reshape(z, (-1, *dims))
        latents = ops.saturate_cast(latents, self.decoder.compute_dtype)
        repeated = [
            ops.repeat(ops.convert_to_tensor(array), num_samples, axis=0)
            for array in [target, *given]
        ]
        outputs = self.outputs([latents, *repeated[1:]], training)
        values = self._errors(loss, repeated[0], outputs)
        if ops.ndim(values) == 0:
            raise ValueError(
                "`loss` must give values for each example, (batch, ...), to "
                f"weigh samples by. Received: one number from {loss!r}"
            )
        return ops.reshape(_per_example(values), (-1, num_samples))

    def adapt(self, x: np.ndarray) -> None:
        """Set the bias of the output to the logits of the mean of x.

        Raises:
            ValueError: If the decoder does not end in a layer with a sigmoid
                and a bias.
        """
        bias = getattr(self.last_layer, "bias", None)
        if self.activation != "sigmoid" or bias is None:
            raise ValueError(
                "The decoder must end in a layer with a sigmoid and a bias to "
                "`adapt`, shapes aside. Received: "
                f"activation={self.last_activation!r}"
            )
        mean = x.reshape(-1, *bias.shape).mean(axis=0, dtype="float64")
        mean = np.clip(mean, 0.001, 0.999)
        bias.assign(np.log(mean) - np.log1p(-mean))

    def check_loss(self, loss: Any) -> None:
        """Raise, or warn, if a loss does not suit what the decoder gives.

        Raises:
            ValueError: If the loss takes probabilities and the decoder ends
                without an activation, or takes logits and it ends in one, or
                the decoder has more outputs than the loss scores.
        """
        count, allowed = len(self.decoder.outputs), _counts_of_outputs(loss)
        if allowed and count not in allowed:
            told = loss if isinstance(loss, str) else type(loss).__name__
            raise ValueError(
                f"`decoder` must have {' or '.join(map(str, allowed))} outputs "
                f"under the loss {told}. Received: {count}"
            )
        shapes = [tuple(output.shape) for output in self.decoder.outputs]
        if allowed and count > 1 and len(set(shapes)) > 1:
            raise ValueError(
                "`decoder` must have outputs of one shape, the mean and the "
                f"spread of each value, under {type(loss).__name__}. "
                f"Received: {shapes}. Several things to reconstruct are one "
                "array, or take a loss of your own"
            )
        expected = _activation_of(loss)
        takes_logits = getattr(loss, "from_logits", False)
        if expected and not takes_logits and self.last_activation == "linear":
            raise ValueError(
                f"A decoder under {type(loss).__name__}() must end in "
                f"probabilities, with activation={expected!r}, or the loss "
                "take logits, from_logits=True. Received: a last layer with "
                "activation='linear'"
            )
        if expected and takes_logits and self.activation:
            raise ValueError(
                f"{type(loss).__name__}(from_logits=True) must score a decoder "
                "that ends in logits. Without from_logits the loss is computed "
                "from the logits of a sigmoid or softmax all the same. "
                f"Received: a last layer with activation={self.activation!r}"
            )
        if _is_of_keras(loss):
            warnings.warn(
                f"The loss {loss!r} is a mean over the D values of an example: "
                "the KL divergence weighs D times as much as in the ELBO. "
                f"{_likelihood_for(loss)}() is the sum, in nats.",
                stacklevel=3,
            )


def _likelihood_for(loss):
    """The likelihood whose error a loss of Keras is, but for constants."""
    name = getattr(loss, "name", getattr(loss, "__name__", str(loss)))
    if "crossentropy" not in name:
        return "GaussianReconstruction"
    is_binary = "binary" in name
    return f"{'Bernoulli' if is_binary else 'Categorical'}Reconstruction"


def _per_example(values):
    """The mean of `(batch, ...)` over all axes but the first."""
    return ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), -1)


def _counts_of_outputs(loss):
    """How many outputs of a decoder a loss scores; `None` for any number."""
    return (1,) if _is_of_keras(loss) else getattr(loss, "num_outputs", None)


def _activation_of(loss):
    return loss.activation if isinstance(loss, ReconstructionLoss) else None


def _function(loss):
    """A function of targets and outputs that gives values for each example."""
    loss = keras.losses.get(loss)
    return loss.call if isinstance(loss, keras.losses.Loss) else loss


def _is_of_keras(loss):
    function = _function(loss)
    owner = getattr(function, "__self__", function)
    module = getattr(owner, "__module__", None) or type(owner).__module__
    return module.startswith("keras.")
