"""Encoder and decoder of codes as models of integers, for files."""

import keras
from keras import ops

from keras_capsvae.latents.codes import CodeLatent
from keras_capsvae.models.conditions import called
from keras_capsvae.models.conditions import input_like
from keras_capsvae.models.structures import alone


def code_encoder(encoder: keras.Model, latent: CodeLatent) -> keras.Model:
    """x (and conditions) → codes."""
    inputs = [input_like(tensor) for tensor in encoder.inputs]
    codes = _ToCodes(latent)(called(encoder, inputs))
    return _exportable(inputs, codes, "encoder")


def code_decoder(decoder: keras.Model, latent: CodeLatent) -> keras.Model:
    """Codes (and conditions) → x."""
    codes = keras.Input(latent.code_shape, dtype="int32", name="codes")
    given = [input_like(tensor) for tensor in decoder.inputs[1:]]
    x = called(decoder, [_FromCodes(latent)(codes), *given])
    return _exportable([codes, *given], x, "decoder")


class _OfLatent(keras.layers.Layer):
    """A layer of a model that is exported, over the codes of a latent."""

    def __init__(self, latent):
        super().__init__(dtype=latent.dtype_policy, autocast=False)
        self.latent = latent


class _ToCodes(_OfLatent):
    def call(self, vectors):
        return self.latent.value(vectors)

    def compute_output_spec(self, vectors):
        shape = (vectors.shape[0], *self.latent.code_shape)
        return keras.KerasTensor(shape, "int32")


class _FromCodes(_OfLatent):
    def call(self, codes):
        vectors = self.latent.embedded(codes)
        return ops.saturate_cast(vectors, self.compute_dtype)

    def compute_output_spec(self, codes):
        shape = (codes.shape[0], *self.latent.latent_shape)
        return keras.KerasTensor(shape, self.compute_dtype)


def _exportable(inputs, outputs, name):
    model = keras.Model(alone(inputs), outputs, name=name)
    model(model.input)  # Keras exports no model that was never called.
    return model
