"""The numbers of EM routing, and what they may be."""

import dataclasses
import numbers

import numpy as np

from keras_capsvae.validation.numbers import check_integer

EPSILON = 0.01


@dataclasses.dataclass(frozen=True)
class EMSettings:
    """The numbers of `em_routing`; see there."""

    routings: int
    final_lambda: float
    epsilon: float
    mass_scale: float

    def inverse_temperature(self, iteration: int) -> float:
        """λ_t, rising from 0.05 λ towards λ."""
        return self.final_lambda * (1 - 0.95 ** (iteration + 1))


def check_em_arguments(
    routings: int, final_lambda: float, epsilon: float, mass_scale: float
) -> None:
    """Raise unless these are numbers that `em_routing` can work with."""
    check_integer("routings", routings)
    settings = {
        "final_lambda": final_lambda,
        "epsilon": epsilon,
        "mass_scale": mass_scale,
    }
    limits = np.finfo("float32")  # a smaller ε would be 0
    for name, number in settings.items():
        if isinstance(number, bool) or not isinstance(number, numbers.Real):
            raise TypeError(
                f"`{name}` must be a number. Received: {name}={number!r} of "
                f"type {type(number).__name__}"
            )
        if not limits.tiny <= number <= limits.max:
            raise ValueError(
                f"`{name}` must be above 0 and finite, in float32. "
                f"Received: {name}={number!r}"
            )
