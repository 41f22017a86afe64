from typing import Any

import keras

from keras_capsvae.layers.capsule_mask import CapsuleMask
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_number


@keras.saving.register_keras_serializable(package="keras_capsvae")
class CapsuleDecoder(keras.layers.Layer):
    """Owns the decoder that reads an example back out of one of its capsules.

    The scores pass through unchanged: the layer sits between them and the
    output of a model, so that the decoder is trained and saved with it, while
    `predict`, which needs no reconstruction, does not compute one. After a call
    `capsules` holds the capsules that came in, for `reconstruct`.

    Args:
        decoder: Functional or Sequential `keras.Model`, `(batch, n·d)` → the
            shape of an input of the model.
        weight: Weight of the squared error of the reconstruction in the loss.
            Defaults to 0.0005.

    Inputs: list `[scores, capsules]`, `(batch, n)` and `(batch, n, d)`.

    Output: the scores.

    Raises:
        TypeError: If `decoder` is no Keras model.
        ValueError: If the decoder does not take n·d values or the weight is
            negative.

    Source: Sabour, Frosst and Hinton, 2017, section 4.1.
    """

    def __init__(
        self, decoder: keras.Model, weight: float = 0.0005, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.weight = check_number("weight", weight)
        if not _has_graph(decoder):
            raise TypeError(
                "`decoder` must be a functional or a built Sequential model. "
                f"Received: {decoder!r} of type {type(decoder).__name__}"
            )
        self.decoder = decoder
        self.mask_capsules = CapsuleMask(name="mask")
        self.capsules = None

    def build(self, input_shape: list[Shape]) -> None:
        _, (_, count, dims) = input_shape
        received = self.decoder.inputs[0].shape[1:]
        if tuple(received) != (count * dims,):
            raise ValueError(
                f"`decoder` must take {count} · {dims} = {count * dims} "
                f"values. Received: a decoder of inputs {tuple(received)}"
            )
        self.built = True

    def call(self, inputs: list[Tensor]) -> Tensor:
        scores, self.capsules = inputs
        return scores

    def reconstruct(
        self,
        capsules: Tensor,
        one_hot: Tensor | None = None,
        training: bool = False,
    ) -> Tensor:
        """Decode the labelled capsules, or the longest ones without labels."""
        kept = [capsules] if one_hot is None else [capsules, one_hot]
        return self.decoder(self.mask_capsules(kept), training=training)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return tuple(input_shape[0])

    def get_config(self) -> Config:
        decoder = keras.saving.serialize_keras_object(self.decoder)
        return {
            **super().get_config(),
            "decoder": decoder,
            "weight": self.weight,
        }

    @classmethod
    def from_config(cls, config: Config) -> "CapsuleDecoder":
        decoder = keras.saving.deserialize_keras_object(config["decoder"])
        return cls(**{**config, "decoder": decoder})


def _has_graph(model):
    return isinstance(model, keras.Model) and bool(
        getattr(model, "inputs", None)
    )
