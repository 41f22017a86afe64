from typing import Any

import keras
from keras import ops

from keras_capsvae.layers.seeded import SeededLayer
from keras_capsvae.numerics import at_least_float32
from keras_capsvae.numerics import bounded_log_var
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer


@keras.saving.register_keras_serializable(package="keras_capsvae")
class Sampling(SeededLayer):
    """Draws from the posterior by reparameterisation.

    `z = μ + exp(l / 2) · ε` with `l = log σ²` and fresh `ε ~ N(0, 1)` at every
    call, in training and in inference. Gradients reach μ and l. The state of
    the random generator is saved with the model, so that a resumed training
    draws what an uninterrupted one would have drawn.

    Args:
        num_samples: Samples drawn for each example. Defaults to `None`: one,
            with no axis of its own.
        seed: Integer seed of the noise. Defaults to `None`: a random one.

    Inputs: list `[z_mean, z_log_var]`, each `(batch, ..., latent_dim)`.

    Output: `(batch, ..., latent_dim)`, or `(batch, num_samples, ...,
        latent_dim)`, in the layer's compute dtype. log σ² is clipped to ±80,
        and a float16 output to the largest finite float16.

    Raises:
        ValueError: If `num_samples` is below 1, or the inputs are not two
            tensors of one shape.
        TypeError: If `num_samples` is no integer.

    Example:

    >>> z_mean, z_log_var = np.zeros((8, 2)), np.zeros((8, 2))
    >>> Sampling(seed=0)([z_mean, z_log_var]).shape
    (8, 2)

    Source: kexue.fm 5253; Kingma and Welling, 2013.
    """

    def __init__(
        self,
        num_samples: int | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        if num_samples is not None:
            num_samples = check_integer("num_samples", num_samples)
        self.num_samples = num_samples

    def build(self, input_shape: Any) -> None:
        check_posterior_shapes(self, input_shape, count=2)

    def call(self, inputs: list[Tensor]) -> Tensor:
        z = reparameterised(*inputs, self.num_samples, self.seed_generator)
        return ops.saturate_cast(z, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return _with_samples(input_shape[0], self.num_samples)

    def get_config(self) -> Config:
        return {**super().get_config(), "num_samples": self.num_samples}


def reparameterised(
    z_mean: Tensor,
    z_log_var: Tensor,
    num_samples: int | None,
    seed: keras.random.SeedGenerator,
) -> Tensor:
    """`μ + exp(l / 2) · ε`, float32 at least; see `Sampling`."""
    mean = at_least_float32(z_mean)  # (batch, ..., latent_dim)
    deviation = ops.exp(0.5 * bounded_log_var(z_log_var))
    if num_samples is not None:
        mean = ops.expand_dims(mean, 1)
        deviation = ops.expand_dims(deviation, 1)
    shape = _with_samples(ops.shape(z_mean), num_samples)
    noise = keras.random.normal(shape, dtype=mean.dtype, seed=seed)
    return mean + deviation * noise


def _with_samples(shape, num_samples):
    """The shape of samples of a mean of this shape."""
    batch, *dims = shape
    return (
        (batch, *dims) if num_samples is None else (batch, num_samples, *dims)
    )


def check_posterior_shapes(
    layer: keras.layers.Layer, shapes: Any, count: int
) -> None:
    """Raise unless `shapes` are `count` equal shapes (batch, ..., dims)."""
    names = ["z_mean", "z_log_var", "z"][:count]
    is_list = isinstance(shapes, (list, tuple)) and all(
        isinstance(shape, (list, tuple)) for shape in shapes
    )
    if not is_list or len(shapes) != count:
        raise ValueError(
            f"Layer {layer.name} expects a list [{', '.join(names)}]. "
            f"Received: inputs of shape {shapes}"
        )
    if any(tuple(shape) != tuple(shapes[0]) for shape in shapes[1:]):
        raise ValueError(
            f"Layer {layer.name} expects {', '.join(names)} of one shape. "
            f"Received: shapes {shapes}"
        )
