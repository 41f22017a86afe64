"""The graph of a variational autoencoder, out of its parts."""

import keras

from keras_capsvae.layers.importance_weighting import ImportanceWeighting
from keras_capsvae.layers.kl_loss import KLLoss
from keras_capsvae.layers.sampling import Sampling
from keras_capsvae.models.logits import activation_name
from keras_capsvae.models.logits import output_layer
from keras_capsvae.validation.arrays import check_shape
from keras_capsvae.validation.numbers import check_sizes


def connect(
    encoder,
    decoder,
    prior=None,
    *,
    kl_weight=1.0,
    estimator="analytic",
    free_bits=0.0,
    seed=None,
    name=None,
):
    """Inputs and outputs of the autoencoder made of these parts."""
    divergence = KLLoss(kl_weight, estimator, free_bits, name="kl")
    sampling = Sampling(seed=seed, name="sampling")

    def latent(z_mean, z_log_var, prior_mean):
        if estimator == "monte_carlo":
            z = sampling([z_mean, z_log_var])
            posterior = [z_mean, z_log_var, z]
            return divergence(posterior, prior_mean=prior_mean)[-1]
        posterior = divergence([z_mean, z_log_var], prior_mean=prior_mean)
        return sampling(posterior)

    return _graph(encoder, decoder, prior, latent)


def connect_samples(
    encoder,
    decoder,
    prior=None,
    *,
    num_samples=5,
    gradient="plain",
    kl_weight=1.0,
    seed=None,
    name=None,
):
    """As `connect`, with several samples of which the output shows the first.

    The layer `kl` keeps all of them for the importance-weighted bound.
    """
    check_sizes(num_samples=num_samples)
    sampling = Sampling(num_samples, seed=seed, name="sampling")
    weighting = ImportanceWeighting(kl_weight, gradient, name="kl")

    def latent(z_mean, z_log_var, prior_mean):
        z = sampling([z_mean, z_log_var])  # (batch, num_samples, latent_dim)
        return weighting([z_mean, z_log_var, z], prior_mean=prior_mean)

    return _graph(encoder, decoder, prior, latent)


def _graph(encoder, decoder, prior, latent):
    """x → posterior → `latent` (one sample) → reconstruction."""
    encoder = _named(encoder, "encoder")
    decoder = _named(decoder, "decoder")
    _check_parts(encoder, decoder)
    inputs = [_input_like(tensor) for tensor in encoder.inputs]
    z_mean, z_log_var = encoder(inputs if len(inputs) > 1 else inputs[0])
    prior_mean = None
    if prior is not None:
        prior = _named(prior, "prior")
        check_shape(prior.outputs[0].shape, z_mean.shape[1:], "prior mean")
        inputs.append(_input_like(prior.inputs[0]))
        prior_mean = prior(inputs[-1])
    outputs = decoder(latent(z_mean, z_log_var, prior_mean))
    return (inputs if len(inputs) > 1 else inputs[0]), outputs


def _named(model, name):
    """The same graph and layers under the name that it is looked up by."""
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise TypeError(
            f"`{name}` must be a functional or a built Sequential model. "
            f"Received: {model!r} of type {type(model).__name__}"
        )
    is_sequential = isinstance(model, keras.Sequential)
    for structure in () if is_sequential else (model.input, model.output):
        if isinstance(structure, dict):
            raise ValueError(
                f"`{name}` must take and return tensors or lists of them, "
                "whose order is plain. Received: a dict with the keys "
                f"{list(structure)}"
            )
    if model.name == name:
        return model
    outputs = model.outputs if len(model.outputs) > 1 else model.outputs[0]
    inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
    return keras.Model(inputs, outputs, name=name)


def _check_parts(encoder, decoder):
    shapes = [tuple(tensor.shape) for tensor in encoder.outputs]
    latent = tuple(decoder.inputs[0].shape)
    if shapes != [latent, latent] or len(latent) != 2:
        raise ValueError(
            "`encoder` must return [z_mean, z_log_var], both of the shape that "
            f"`decoder` takes, {latent}. Received: outputs of shape {shapes}"
        )
    activation = activation_name(output_layer(decoder))
    expected = tuple(encoder.inputs[0].shape)
    received = tuple(decoder.outputs[0].shape)
    # A decoder of classes has an axis of them, which integer inputs have not.
    if activation != "softmax" and received != expected:
        raise ValueError(
            "`decoder` must return the shape of the encoder's first input, "
            f"{expected}. Received: output of shape {received}"
        )


def _input_like(tensor):
    return keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
