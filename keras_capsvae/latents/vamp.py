import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_capsvae.divergences import mixture_log_density
from keras_capsvae.latents.priors import Prior
from keras_capsvae.latents.priors import check_flat
from keras_capsvae.latents.priors import weight_dtype
from keras_capsvae.latents.random_source import random_generator
from keras_capsvae.typing import Config
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.arrays import length_of
from keras_capsvae.validation.numbers import check_integer


@keras.saving.register_keras_serializable(package="keras_capsvae")
class VampPrior(Prior):
    """The mean posterior of trained pseudo-inputs.

    `q(z) = 1/K Σ_k p(z|u_k)`, where the model's own encoder reads the
    pseudo-inputs u_k in every forward pass. Of an encoder with conditions each
    u_k has conditions of its own, trained like the rest, and the prior depends
    on none. They start as noise, or with `adapt` from examples.

    Args:
        num_components: Pseudo-inputs K. Defaults to 500.
        input_range: `(low, high)` that they are kept in. Defaults to (0, 1),
            for images; `None` for x of any range.

    Attributes:
        pseudo_inputs: The variables, `(K, ...)` for each input of the encoder.

    Raises:
        ValueError: If `num_components` is below 1, or by `fit` if there are
            fewer examples or some outside of the range; if an input of the
            encoder has an open size or holds integers, which no gradient moves.
        TypeError: If `num_components` is no integer.

    Example:

    ```python
    latent = GaussianLatent(prior=VampPrior(4))
    model = VariationalAutoencoder(encoder, decoder, latent)
    model.latent.prior.adapt(images)
    model.compile("adam", loss=BernoulliReconstruction())
    model.fit(images, epochs=10)
    ```

    Source: Tomczak and Welling, "VAE with a VampPrior", 2018.
    """

    def __init__(
        self,
        num_components: int = 500,
        input_range: tuple[float, float] | None = (0.0, 1.0),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_components = check_integer("num_components", num_components)
        self.input_range = input_range

    def build(self, input_shapes: Any) -> None:
        if not isinstance(input_shapes[0], (list, tuple)):
            raise ValueError(
                "A VampPrior must be the prior of a VariationalAutoencoder, "
                "whose encoder reads its pseudo-inputs. Received: latents of "
                f"shape {tuple(input_shapes)} alone"
            )
        low, high = self.input_range or (0.0, 1.0)
        start = keras.initializers.RandomUniform(low, high)
        kept = None if self.input_range is None else _Within(low, high)
        self.pseudo_inputs = [
            self.add_weight(
                name=f"pseudo_input_{place}",
                shape=(self.num_components, *shape[1:]),
                initializer=start,
                constraint=kept if place == 0 else None,
                dtype=weight_dtype(self),
                autocast=False,
            )
            for place, shape in enumerate(input_shapes)
        ]

    def call(self, inputs: list[Tensor]) -> list[Tensor]:
        """The pseudo-inputs, whatever the inputs of the encoder are."""
        return self._values()

    def compute_output_spec(self, inputs: list[Tensor]) -> list[Tensor]:
        return [
            keras.KerasTensor(one.shape, one.dtype)
            for one in self.pseudo_inputs
        ]

    def _values(self):
        return [ops.convert_to_tensor(one) for one in self.pseudo_inputs]

    def adapt(self, x: Any, seed: int | None = None) -> None:
        """Start the pseudo-inputs from examples drawn at random.

        Args:
            x: Examples; of an encoder with conditions the list `[x, c]`.
            seed: Integer seed of the draw. Defaults to `None`: a random one.

        Raises:
            ValueError: If there are fewer examples than pseudo-inputs, or they
                do not fit the encoder or the range.
        """
        several = len(self.pseudo_inputs) > 1
        arrays = list(x) if several else [x]
        self.check_examples(arrays)
        self.trains_on(length_of(arrays[0]))
        random = random_generator(seed)
        rows = random.permutation(len(arrays[0]))[: self.num_components]
        for variable, array in zip(self.pseudo_inputs, arrays, strict=True):
            array = check_array(array, variable.shape[1:], "x")
            variable.assign(array[np.sort(rows)])

    def trains_on(self, count: int | None) -> None:
        if count is not None and count < self.num_components:
            raise ValueError(
                "There must be an example for each pseudo-input; "
                f"VampPrior(num_components={max(1, count // 10)}) takes fewer. "
                f"Received: {count} examples for {self.num_components}"
            )

    def check_examples(self, arrays: list[Any]) -> None:
        if self.input_range is not None:
            shape = self.pseudo_inputs[0].shape[1:]
            check_array(arrays[0], shape, "x")
            try:
                check_array(arrays[0], shape, "x", self.input_range)
            except ValueError as error:
                raise ValueError(
                    f"{error}. VampPrior(input_range=None) takes any numbers"
                ) from error

    def depends_on(
        self,
        encoder: keras.Model,
        condition: Tensor | None,
        inputs: list[Tensor] | None = None,
    ) -> list[Tensor]:
        """Means and log-variances of the pseudo-inputs, `(K, d)` each."""
        if inputs is not None:
            _check_trainable(encoder)
        values = self._values() if inputs is None else self(inputs)
        values = values if len(values) > 1 else values[0]
        z_mean, z_log_var = OutsideOfTraining(encoder)(values)
        check_flat(self, z_mean.shape)
        return [z_mean, z_log_var]

    def log_density(self, z: Tensor, condition: Any = None) -> Tensor:
        equal = ops.zeros((self.num_components,))
        return ops.logsumexp(mixture_log_density(z, equal, *condition), axis=-1)

    def draw(
        self,
        random: Any,
        n: int,
        latent_shape: Shape,
        condition: Any = None,
        cluster: Any = None,
    ) -> Tensor:
        z_mean, z_log_var = condition
        drawn = random.integers(self.num_components, n)
        mean = ops.take(z_mean, drawn, axis=0)
        deviation = ops.exp(0.5 * ops.take(z_log_var, drawn, axis=0))
        return mean + ops.multiply(deviation, random.normal((n, *latent_shape)))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_components": self.num_components,
            "input_range": self.input_range,
        }


class OutsideOfTraining(keras.layers.Layer):
    """Calls a model as outside of training, whatever goes on around it.

    A call with training=False in a graph would follow that of the graph, and
    batch normalisation then take pseudo-inputs for data.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        # Not as an attribute, or it would be saved once more.
        self.values_of = functools.partial(model, training=False)
        self.built = True

    def call(self, inputs: Any) -> list[Tensor]:
        return self.values_of(inputs)


@keras.saving.register_keras_serializable(package="keras_capsvae")
class _Within(keras.constraints.Constraint):
    """Keeps weights in [low, high]: their gradient stays alive at the ends."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def __call__(self, w):
        return ops.clip(w, self.low, self.high)

    def get_config(self):
        return {"low": self.low, "high": self.high}


def _check_trainable(encoder):
    for tensor in encoder.inputs:
        is_float = keras.backend.is_float_dtype(tensor.dtype)
        if not is_float or None in tensor.shape[1:]:
            raise ValueError(
                "A VampPrior must have an encoder of numbers of a fixed "
                "shape, which pseudo-inputs can be trained for. Received: "
                f"an input {tensor.name!r} of {tensor.dtype} with shape "
                f"{tuple(tensor.shape)}"
            )
