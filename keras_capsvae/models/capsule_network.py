import functools

import keras
import numpy as np
from keras import ops

from keras_capsvae.layers.capsule_decoder import CapsuleDecoder
from keras_capsvae.layers.capsule_length import CapsuleLength
from keras_capsvae.models.capsule_classifier import CapsuleClassifier
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.numerics import sum_over_dims
from keras_capsvae.validation.labels import multi_hot


@keras.saving.register_keras_serializable(package="keras_capsvae")
class CapsuleNetwork(CapsuleClassifier):
    """A classifier whose scores are the lengths of its class capsules.

    With a decoder it also learns to reconstruct the input from the capsule of
    the label: `fit(x, y)` trains on `loss = compiled loss +
    reconstruction_weight · reconstruction_loss`, the latter the sum of squared
    errors of an example. `reconstruct` decodes the longest capsule instead.

    Args:
        encoder: Functional `keras.Model`, x → class capsules
            `(batch, classes, d)`.
        decoder: Optional functional or Sequential model, `(batch, classes · d)`
            → the shape of x. Defaults to `None`: a classifier alone.
        reconstruction_weight: Weight of the squared error. Defaults to 0.0005,
            that of the paper for a sum over pixels in [0, 1].
        name: Name of the model.

    Raises:
        ValueError: If encoder and decoder do not fit each other; by `fit` and
            `evaluate` if the data do not fit the model.
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

    # Keras revives a functional subclass only if these are its parameters.
    def __init__(self, *args, **kwargs):
        if "encoder" in kwargs or (args and isinstance(args[0], keras.Model)):
            *args, name = _connect(*args, **kwargs)
            kwargs = {"name": name}
        super().__init__(*args, **kwargs)
        self.reconstruction_tracker = None
        if self._reconstruction is not None:
            self.reconstruction_tracker = keras.metrics.Mean(
                "reconstruction_loss"
            )
        self._forward = (None, None)

    @property
    def decoder(self):
        """Masked capsules `(batch, classes · d)` → image, or `None`."""
        layer = self._reconstruction
        return None if layer is None else layer.decoder

    @functools.cached_property
    def capsule_encoder(self):
        """x → class capsules, a functional model on the same layers."""
        capsules = self.get_layer("scores").input
        return keras.Model(self.inputs, capsules, name="capsule_encoder")

    @property
    def _reconstruction(self):
        names = [layer.name for layer in self.layers]
        has_one = "reconstruction" in names
        return self.get_layer("reconstruction") if has_one else None

    def call(self, inputs, training=None, mask=None):
        scores = super().call(inputs, training=training, mask=mask)
        if self._reconstruction is not None:
            self._forward = (scores, self._reconstruction.capsules)
        return scores

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        scores, capsules = self._forward
        # Keras builds its loss on stand-ins that no forward pass made.
        if self._reconstruction is None or scores is not y_pred:
            return loss
        image = x[self.inputs[0].name] if isinstance(x, dict) else _first(x)
        labels = multi_hot(y, self.num_classes)
        decoded = self._reconstruction.reconstruct(capsules, labels, training)
        difference = at_least_float32(image) - at_least_float32(decoded)
        error = sum_over_dims(ops.square(difference))  # (batch,)
        if sample_weight is not None:
            error *= ops.cast(sample_weight, error.dtype)
        self.reconstruction_tracker.update_state(error)
        return loss + self._reconstruction.weight * ops.mean(error)

    def reconstruct(self, x, labels=None, batch_size=None):
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
        capsules = self.capsules(x, batch_size)
        if labels is not None:
            labels = np.asarray(labels)
            self.check_targets(labels, "labels")
            labels = multi_hot(labels, self.num_classes)
        inputs = [capsules] if labels is None else [capsules, labels]
        masked = self._reconstruction.mask_capsules(inputs)
        return self.decoder.predict(
            ops.convert_to_numpy(masked), batch_size, verbose=0
        )

    def serving_endpoints(self):
        """`serve`, `capsules` and, with a decoder, `reconstruct`.

        `reconstruct` decodes the longest capsule.
        """
        endpoints = super().serving_endpoints()
        if self.decoder is not None:
            encoder = self.capsule_encoder
            decoded = self._reconstruction.reconstruct(encoder.output)
            endpoints["reconstruct"] = keras.Model(self.inputs, decoded)
        return endpoints


def _connect(encoder, decoder=None, reconstruction_weight=0.0005, name=None):
    if not isinstance(encoder, keras.Model) or not getattr(
        encoder, "inputs", None
    ):
        raise TypeError(
            "`encoder` must be a functional or a built Sequential model. "
            f"Received: {encoder!r} of type {type(encoder).__name__}"
        )
    capsules = encoder.outputs[0]
    if len(encoder.outputs) > 1 or len(capsules.shape) != 3:
        raise ValueError(
            "`encoder` must return class capsules (batch, classes, d). "
            f"Received: outputs {[tuple(o.shape) for o in encoder.outputs]}"
        )
    scores = CapsuleLength(name="scores", dtype="float32")(capsules)
    if decoder is not None:
        received = tuple(decoder.outputs[0].shape)
        expected = tuple(encoder.inputs[0].shape)
        if received != expected:
            raise ValueError(
                "`decoder` must return the shape of the encoder's input, "
                f"{expected}. Received: output of shape {received}"
            )
        scores = CapsuleDecoder(
            decoder,
            reconstruction_weight,
            name="reconstruction",
            dtype="float32",
        )([scores, capsules])
    return encoder.inputs, scores, name


def _first(x):
    return x[0] if isinstance(x, (list, tuple)) else x
