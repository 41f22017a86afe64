from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.layers.capsule_length import CapsuleLength
from keras_capsvae.layers.capsule_mask import CapsuleMask
from keras_capsvae.models import serving
from keras_capsvae.models.capsule_classifier import CapsuleClassifier
from keras_capsvae.models.forward_pass import ForwardPass
from keras_capsvae.models.outermost_layers import first_with_weights
from keras_capsvae.models.own_loss import OwnLossModel
from keras_capsvae.models.own_loss import mean_over_examples
from keras_capsvae.models.own_loss import weighted
from keras_capsvae.models.parts import check_functional
from keras_capsvae.models.prediction import predicted
from keras_capsvae.models.serving import Endpoint
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.numerics import sum_over_dims
from keras_capsvae.private_keras import PerExampleMeans
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arrays import check_same_length
from keras_capsvae.validation.forms import in_numpy
from keras_capsvae.validation.labels import multi_hot
from keras_capsvae.validation.numbers import check_number


@keras.saving.register_keras_serializable(package="keras_capsvae")
class CapsuleNetwork(OwnLossModel, CapsuleClassifier):
    """A classifier whose scores are the lengths of its class capsules.

    With a decoder it also learns to reconstruct the input from the capsule of
    the label: `fit(x, y)` trains on `loss = compiled loss +
    reconstruction_weight · reconstruction_loss`, the latter the sum of squared
    errors of an example. `reconstruct` decodes the longest capsule instead.

    Args:
        encoder: Functional or Sequential model, x → class capsules
            `(batch, classes, d)`.
        decoder: Optional functional or Sequential model, `(batch, classes · d)`
            → the shape of x. Defaults to `None`: a classifier alone.
        reconstruction_weight: Weight of the squared error. Defaults to 0.0005,
            that of the paper for a sum over pixels in [0, 1].
        input_range: `(low, high)` outside of which x is refused. Defaults to
            `None`: any finite x.
        name: Name of the model.

    Attributes:
        encoder, decoder: The parts.

    Raises:
        ValueError: If encoder and decoder do not fit each other or the weight
            is negative; by `fit` and `evaluate` if the data do not fit the
            model.
        TypeError: If either is no functional model.

    Example:

    ```python
    image = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(64, 3, activation="relu")(image)
    x = keras.layers.Reshape((-1, 64))(x)
    encoder = keras.Model(image, CapsuleLayer(10, 16)(x))
    model = CapsuleNetwork(encoder)
    model.compile("adam", loss=MarginLoss(), metrics=[LabelAccuracy()])
    model.fit(images, labels, epochs=10)
    ```

    Source: kexue.fm 4819; Sabour, Frosst and Hinton, 2017.
    """

    part_names = ("encoder", "decoder")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model | None = None,
        *,
        reconstruction_weight: float = 0.0005,
        input_range: tuple[float, float] | None = None,
        name: str | None = None,
    ) -> None:
        _check_parts(encoder, decoder, reconstruction_weight)
        capsules = encoder.outputs[0]  # (batch, classes, d)
        scores = CapsuleLength(dtype="float32")(capsules)
        super().__init__(
            encoder.input, scores, input_range=input_range, name=name
        )
        self.encoder, self.decoder = encoder, decoder
        self.reconstruction_weight = reconstruction_weight
        self.capsule_encoder = encoder
        self._mask = CapsuleMask()
        self._mask.build((capsules.shape,))
        self._pass = ForwardPass(
            encoder.input, "scores", scores=scores, capsules=capsules
        )
        self._means = None
        if decoder is not None:
            self._means = PerExampleMeans("reconstruction_loss")

    @property
    def class_layers(self) -> list[keras.layers.Layer]:
        """Those of the scores, and of the decoder that takes all capsules."""
        layers = super().class_layers
        if self.decoder is None:
            return layers
        return [*layers, *first_with_weights(self.decoder)]

    def call(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> Any:
        return self._pass.run(inputs, training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        self.check_loss_given()
        loss = self.scored(y, y_pred, sample_weight)
        if self.decoder is not None:
            if x is None:
                raise ValueError(
                    "`x` must be given to `compute_loss`, for the decoder "
                    "reconstructs it. Received: x=None"
                )
            capsules = self._pass.take(y_pred)["capsules"]
            labels = multi_hot(y, self.num_classes)
            decoded = self.decoder(
                self._mask([capsules, labels]), training=training
            )
            decoded = at_least_float32(decoded)
            image = ops.cast(self.first_input(x), decoded.dtype)
            difference = image - decoded
            error = sum_over_dims(ops.square(difference))  # (batch,)
            error = weighted(error, sample_weight)
            self._means.update_state(reconstruction_loss=error)
            loss += self.reconstruction_weight * mean_over_examples(error)
        return self.with_added_losses(loss)

    def reconstruct(
        self, x: Any, labels: Any = None, batch_size: int | None = None
    ) -> np.ndarray:
        """Decode the longest capsule of each example, or the labelled ones.

        Args:
            x: Images shaped for the model.
            labels: Integer, one-hot or multi-hot labels of the capsules to
                decode. Defaults to `None`: the longest.
            batch_size: Images at a time. Defaults to Keras' 32.

        Returns:
            NumPy array of the shape of x.

        Raises:
            ValueError: If the model has no decoder, or x or the labels do not
                fit it.
        """
        if self.decoder is None:
            raise ValueError(
                f"Model {self.name!r} has no decoder: it classifies alone."
            )
        kept = [self.capsules(x, batch_size)]
        if labels is not None:
            labels = in_numpy(labels)
            self.check_targets(labels, "labels")
            check_same_length([kept[0], labels], "x, labels")
            kept.append(multi_hot(labels, self.num_classes))
        masked = ops.convert_to_numpy(self._mask(kept))
        return predicted(self.decoder, [masked], batch_size)

    def serving_endpoints(self) -> dict[str, Endpoint]:
        """`serve`, `capsules` and, with a decoder, `reconstruct`.

        `reconstruct` decodes the longest capsule.
        """
        endpoints = super().serving_endpoints()
        if self.decoder is not None:
            decoded = self.decoder(self._mask([self.encoder.outputs[0]]))
            endpoints["reconstruct"] = serving.of_model(
                keras.Model(self.inputs, decoded), "reconstruction"
            )
        return endpoints


def _check_parts(encoder, decoder, reconstruction_weight):
    check_functional(encoder, "encoder")
    capsules = encoder.outputs[0]
    if len(encoder.outputs) > 1 or len(capsules.shape) != 3:
        raise ValueError(
            "`encoder` must return class capsules (batch, classes, d). "
            f"Received: outputs {[tuple(o.shape) for o in encoder.outputs]}"
        )
    check_number("reconstruction_weight", reconstruction_weight)
    if decoder is None:
        return
    check_functional(decoder, "decoder")
    _, count, dims = capsules.shape
    taken = tuple(decoder.inputs[0].shape[1:])
    if taken != (count * dims,):
        raise ValueError(
            f"`decoder` must take {count} · {dims} = {count * dims} "
            f"values. Received: a decoder of inputs {taken}"
        )
    expected = tuple(encoder.inputs[0].shape)
    received = tuple(decoder.outputs[0].shape)
    if received != expected:
        raise ValueError(
            "`decoder` must return the shape of the encoder's input, "
            f"{expected}. Received: output of shape {received}"
        )
