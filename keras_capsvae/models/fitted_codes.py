"""A prior over codes that was fitted, to draw from and to measure with."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_capsvae.models.code_prior import CodePrior
from keras_capsvae.models.prediction import divisible
from keras_capsvae.models.prediction import one_at_a_time
from keras_capsvae.models.prediction import padded
from keras_capsvae.private_keras import on_one_thread
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_positive

SIZES, TEMPERATURE = "sizes", "temperature"
CONDITIONS = "condition_sizes"  # in files alone that have any
FEW, MANY = 8, 64  # drawn together: a compiled loop takes one of these


class FittedCodes:
    """A trained `CodePrior` that `generate` of a `CodeAutoencoder` draws from.

    No layer, so that the model that holds it neither trains it nor counts it
    among its weights; files have it beside them.

    Args:
        net: A `CodePrior`.
        temperature: What the logits are divided by in draws; below 1 they keep
            to what is probable. Defaults to 1.

    Attributes:
        net, temperature: As given; files keep both.

    Raises:
        ValueError: If the temperature is not above 0.
    """

    def __init__(self, net: CodePrior, temperature: float = 1.0) -> None:
        self.net, self.temperature = net, temperature
        self._sampler = _Sampler(net)

    @property
    def temperature(self) -> float:
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self._temperature = check_positive("temperature", value)

    @classmethod
    def of_arrays(cls, arrays: dict[str, np.ndarray]) -> "FittedCodes":
        """What `arrays` gave."""
        arrays = dict(arrays)
        temperature = float(arrays.pop(TEMPERATURE, 1.0))
        codes, layers, width, heads, *shape = map(int, arrays.pop(SIZES))
        net = CodePrior(
            codes,
            shape,
            num_layers=layers,
            width=width,
            num_heads=heads,
            condition_sizes=[int(size) for size in arrays.pop(CONDITIONS, ())],
        )
        net.set_weights([arrays[name] for name in sorted(arrays)])
        return cls(net, temperature)

    def arrays(self) -> dict[str, np.ndarray]:
        """Temperature, sizes and weights of the net, by name."""
        net = self.net
        sizes = net.num_codes, net.num_layers, net.width, net.num_heads
        weights = net.get_weights()
        given = net.condition_sizes
        return {
            TEMPERATURE: np.array(self.temperature),
            SIZES: np.array([*sizes, *net.code_shape]),
            **({CONDITIONS: np.array(given)} if given else {}),
            **{f"weight_{at:04d}": one for at, one in enumerate(weights)},
        }

    def nats(self, codes: Tensor, conditions: Sequence[Tensor] = ()) -> Tensor:
        """`−ln q(c)` of codes, `(batch,)`."""
        return self.net.nats(codes, conditions)

    def draw(
        self,
        random: Any,
        n: int,
        conditions: Sequence[Tensor] = (),
        temperature: float | None = None,
    ) -> Tensor:
        """n draws of codes, `(n, *code_shape)`.

        The temperature is that of the prior where none is given; conditions
        are vectors `(n, dims)`.
        """
        if temperature is None:
            temperature = self.temperature
        temperature = check_positive("temperature", temperature)
        uniforms = random.uniform((n, self.net.tokens))
        if not isinstance(uniforms, np.ndarray):  # in a graph
            heat = keras.ops.full((n,), temperature)
            return self.net.sampled(uniforms, heat, conditions)
        size = divisible(MANY if n > FEW else FEW)
        heat = np.full(n, temperature, "float32")
        given = map(keras.ops.convert_to_numpy, conditions)
        arrays = [padded(one, size) for one in (uniforms, heat, *given)]
        with one_at_a_time(), on_one_thread():
            codes = self._sampler.predict(arrays, batch_size=size, verbose=0)
        return codes[:n]


class _Sampler(keras.Model):
    """Numbers → codes, as one compiled loop."""

    def __init__(self, net):
        super().__init__(name="sampler", dtype="float32")
        self.net = net
        self.built = True

    def call(self, inputs):
        uniforms, temperature, *conditions = inputs
        return self.net.sampled(uniforms, temperature, conditions)
