"""A prior over codes that was fitted, to draw from and to measure with."""

from typing import Any

import keras
import numpy as np

from keras_capsvae.models.code_prior import CodePrior
from keras_capsvae.models.prediction import one_at_a_time
from keras_capsvae.models.prediction import padded
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor

SIZES = "sizes"
FEW, MANY = 8, 64  # drawn together: a compiled loop takes one of these


class FittedCodes:
    """A trained `CodePrior` that `generate` of a `CodeAutoencoder` draws from.

    No layer, so that the model that holds it neither trains it nor counts it
    among its weights; files have it beside them.

    Attributes:
        net: The `CodePrior`.
    """

    def __init__(self, net: CodePrior) -> None:
        self.net = net
        self._sampler = _Sampler(net)

    @classmethod
    def of_arrays(cls, arrays: dict[str, np.ndarray]) -> "FittedCodes":
        """What `arrays` gave."""
        arrays = dict(arrays)
        codes, layers, width, heads, *shape = map(int, arrays.pop(SIZES))
        net = CodePrior(
            codes, shape, num_layers=layers, width=width, num_heads=heads
        )
        net.set_weights([arrays[name] for name in sorted(arrays)])
        return cls(net)

    def arrays(self) -> dict[str, np.ndarray]:
        """Sizes and weights of the net, by name."""
        net = self.net
        sizes = net.num_codes, net.num_layers, net.width, net.num_heads
        weights = net.get_weights()
        return {SIZES: np.array([*sizes, *net.code_shape])} | {
            f"weight_{place:04d}": one for place, one in enumerate(weights)
        }

    def nats(self, codes: Tensor) -> Tensor:
        """`−ln q(c)` of codes, `(batch,)`."""
        return self.net.nats(codes)

    def draw(
        self,
        numbers: Any,
        n: int,
        latent_shape: Shape | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """n draws of codes, `(n, *code_shape)`; see `Latent.draw`."""
        uniforms = numbers.uniform((n, self.net.tokens))
        if not isinstance(uniforms, np.ndarray):  # in a graph
            return self.net.sampled(
                uniforms, keras.ops.full((n,), float(temperature))
            )
        size = MANY if n > FEW else FEW
        heat = np.full(n, temperature, "float32")
        arrays = [padded(one, size) for one in (uniforms, heat)]
        with one_at_a_time():
            codes = self._sampler.predict(arrays, batch_size=size, verbose=0)
        return codes[:n]


class _Sampler(keras.Model):
    """Numbers → codes, as one compiled loop."""

    def __init__(self, net):
        super().__init__(name="sampler", dtype="float32")
        self.net = net
        self.built = True

    def call(self, inputs):
        return self.net.sampled(*inputs)
