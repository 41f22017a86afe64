"""Likelihood of single examples under a VAE, by importance sampling."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.divergences import importance_weighted_bound
from keras_capsvae.models.conditions import called
from keras_capsvae.models.prediction import divisible
from keras_capsvae.models.prediction import padded
from keras_capsvae.models.prediction import predicted
from keras_capsvae.models.scored_data import check_densities
from keras_capsvae.models.scored_data import check_likelihood
from keras_capsvae.models.scored_data import scored_arrays
from keras_capsvae.models.structures import alone
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer

CHUNK_MEGABYTES = 4


def log_likelihood(
    model: keras.Model,
    x: Any,
    num_samples: int = 5000,
    *,
    seed: int | None = 0,
    chunk_megabytes: float = CHUNK_MEGABYTES,
    verbose: str | int = "auto",
) -> np.ndarray:
    """ln q(x) of each example, estimated with samples of its posterior.

    `logsumexp_i [ln q(x|z_i) + ln q(z_i) − ln p(z_i|x)] − ln k`: in the mean
    below ln q(x), and nearer to it with every further sample. With one sample
    it is the one-sample ELBO.

    Args:
        model: A VAE compiled with a `ReconstructionLoss`, −ln q(x|z) in nats.
            Its `kl_weight` has no influence.
        x: Examples, or the list `[examples, one-hot labels]` of a conditional
            model.
        num_samples: Samples k of each example. Defaults to 5000.
        seed: Integer that fixes the samples. Defaults to 0.
        chunk_megabytes: Size of the largest array of decoded samples. Defaults
            to 4, which the cache of a processor holds; a GPU likes more. It
            holds at least one sample.
        verbose: As in `keras.Model.predict`: the progress bar, which counts
            chunks of samples if there are several.

    Returns:
        Array `(n,)` in nats, float64.

    Raises:
        ValueError: If `num_samples` is below 1, x does not fit the model or its
            range, or the model was compiled with another loss.
        TypeError: If the model has no encoder and decoder.

    Example:

    >>> nats = -log_likelihood(model, images, num_samples=500).mean()

    Source: Burda et al., 2015, section 5; kexue.fm 5383.
    """
    check_densities(model)
    arguments = (num_samples, seed, chunk_megabytes, verbose)
    log_weights, _ = _chunks(model, x, *arguments)
    return _mean_of_exponentials(log_weights)


def elbo(
    model: keras.Model,
    x: Any,
    num_samples: int = 1,
    *,
    seed: int | None = 0,
    chunk_megabytes: float = CHUNK_MEGABYTES,
    verbose: str | int = "auto",
) -> np.ndarray:
    """The evidence lower bound of each example.

    `mean_i ln q(x|z_i) − KL(p(z|x) ‖ q(z))`, the divergence in closed form
    where the prior has one, and of the same samples elsewhere. Of codes, which
    have no densities, `ln q(x|z) + ln q(z)` with the codes of x. Arguments,
    errors and result as of `log_likelihood`; `num_samples` defaults to 1.
    """
    check_likelihood(model)
    if model.latent.num_codes is None:
        check_densities(model)
    arguments = (num_samples, seed, chunk_megabytes, verbose)
    _, bounds = _chunks(model, x, *arguments)
    counts = np.array([count for count, _ in bounds])
    values = np.stack([values for _, values in bounds])
    return np.average(values, axis=0, weights=counts)


def values(
    model: keras.Model, x: Any, batch_size: int | None = None
) -> np.ndarray:
    """−ln q of each value of each example, given its deterministic latent.

    Args:
        model, x: As of `elbo`.
        batch_size: Examples at a time. Defaults to Keras' 32.

    Returns:
        Array `(n, ...)` in nats, of which the sum over an example is
        −ln q(x|z).

    Raises:
        ValueError: As of `elbo`.
        NotImplementedError: If the loss scores whole examples alone.
    """
    check_likelihood(model)
    arrays = scored_arrays(model, x)
    return predicted(_Values(model), arrays, batch_size)


def scores_in_graph(
    model: keras.Model, num_samples: int | None = None
) -> Callable[[Any], Tensor]:
    """The negative ELBO, or −ln q(x), as a function of tensors.

    Args:
        model: As of `log_likelihood`.
        num_samples: Posterior samples of −ln q(x). Defaults to `None`: the
            negative ELBO over one.

    Returns:
        Function of what the model takes, which gives nats `(batch,)`.
    """
    check_likelihood(model)
    noise = model.latent.seed_generator
    estimator = _Estimator(model, num_samples or 1, noise)
    column = 1 if num_samples is None else 0
    return lambda inputs: -estimator.call(inputs)[:, column]


def _mean_of_exponentials(chunks):
    """ln of the mean weight, from (count, ln of the mean weight) of chunks."""
    total = sum(count for count, _ in chunks)
    logs = [values + math.log(count / total) for count, values in chunks]
    return np.logaddexp.reduce(logs, axis=0)


def _chunks(model, x, num_samples, seed, chunk_megabytes, verbose):
    """(samples, value of each example) of as many chunks as are needed."""
    num_samples = check_integer("num_samples", num_samples)
    arrays = scored_arrays(model, x)
    rows = _rows_that_fit(model, arrays[0], chunk_megabytes)
    count = -(-num_samples // rows)
    sizes = [len(part) for part in np.array_split(range(num_samples), count)]
    noise = keras.random.SeedGenerator(seed)  # one, lest chunks repeat it
    estimators = {
        size: _Estimator(model, size, noise) for size in sorted(set(sizes))
    }
    weights, bounds = [], []
    bar = keras.utils.Progbar(count, verbose=int(bool(verbose and count > 1)))
    for done, size in enumerate(sizes, start=1):
        batch_size = divisible(max(1, min(rows // size, len(arrays[0]))))
        filled = [padded(array, batch_size) for array in arrays]
        both = (
            estimators[size]
            .predict(
                alone(filled),
                batch_size=batch_size,
                verbose=verbose if count == 1 else 0,
            )[: len(arrays[0])]
            .astype("float64")
        )  # (n, 2)
        weights.append((size, both[:, 0]))
        bounds.append((size, both[:, 1]))
        bar.update(done)
    return weights, bounds


def _rows_that_fit(model, x, chunk_megabytes):
    dims = model.decoder.outputs[0].shape[1:]
    values = math.prod(x.shape[1:] if None in dims else dims)
    return max(1, int(chunk_megabytes * 2**20) // (4 * values))


class _Estimator(keras.Model):
    """x → [ln of the mean weight, ELBO] of each example."""

    def __init__(self, vae, num_samples, noise):
        super().__init__(name="likelihood")
        self.vae = vae
        self.num_samples = num_samples
        self.noise = noise
        self.built = True  # JAX would call it once without compiling it
        self.compile(jit_compile=vae.jit_compile)

    def call(self, inputs):
        vae = self.vae
        x, given, parameters = _encoded(vae, inputs)
        condition = vae.prior_depends_on(given)
        z = vae.latent.sample(parameters, self.num_samples, self.noise)
        log_likelihood = -vae.reconstruction.errors_of_samples(
            vae.loss, x, z, vae.conditions.for_decoder(given), training=False
        )  # (batch, num_samples)
        log_ratio = vae.latent.log_ratio(z, parameters, condition)
        estimate = importance_weighted_bound(ops.add(log_likelihood, log_ratio))
        divergence = vae.mean_divergence(z, parameters, condition)
        bound = ops.subtract(ops.mean(log_likelihood, axis=-1), divergence)
        return ops.stack([estimate, bound], axis=-1)


class _Values(keras.Model):
    """x → −ln q of each of its values, given the deterministic latent."""

    def __init__(self, vae):
        super().__init__(name="values")
        self.vae = vae
        self.built = True
        self.compile(jit_compile=vae.jit_compile)

    def call(self, inputs):
        vae = self.vae
        x, given, parameters = _encoded(vae, inputs)
        z = vae.latent.value(parameters)
        outputs = vae.reconstruction.outputs(vae.decoder_inputs(z, given))
        return vae.reconstruction.values(vae.loss, x, outputs)


def _encoded(vae, inputs):
    """Examples, their conditions and the parameters of their posteriors."""
    x, *given = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    seen = [x, *vae.conditions.for_encoder(given)]
    return x, given, keras.tree.flatten(called(vae.encoder, seen))
