"""Activations of capsules: each keeps the direction and bounds the length."""

from collections.abc import Callable

import keras
from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.typing import Identifier
from keras_capsvae.typing import Tensor

EPSILON = 1e-7
UNIT_EPSILON = 1e-12


@keras.saving.register_keras_serializable(package="keras_capsvae")
def squash(x: Tensor, constant: float = 0.5) -> Tensor:
    """Shrink vectors to a length below 1: long ones almost to 1, short to 0.

    `squash(x) = ‖x‖² / (c + ‖x‖²) · x / ‖x‖`, computed in float32 at least as
    `√n / (c + n) · x` with `n = Σx² + 1e-7`, so that the zero vector has a
    finite gradient.

    Args:
        x: Tensor `(..., dims)`.
        constant: c, above 0; vectors of length √c keep half of it. Defaults to
            0.5 (Su); 1 is Sabour's.

    Returns:
        Tensor of the same shape, float32 at least.

    Raises:
        ValueError: If `constant` is not above 0.

    Example:

    >>> squash(np.array([[3.0, 4.0]]), constant=1.0)
    array([[0.57692307, 0.7692308]], dtype=float32)

    Source: kexue.fm 4819; Sabour, Frosst and Hinton, 2017, equation 1.
    """
    check_squash_constant(constant)
    return _of_length(x, lambda length: length**2 / (constant + length**2))


@keras.saving.register_keras_serializable(package="keras_capsvae")
def tanh_squash(x: Tensor) -> Tensor:
    """`tanh(‖x‖) · x / ‖x‖`, one of the alternatives in kexue.fm 4819.

    See `squash` for shapes and precision.

    >>> tanh_squash(np.array([[3.0, 4.0]]))
    array([[0.59994555, 0.7999274]], dtype=float32)
    """
    return _of_length(x, ops.tanh)


@keras.saving.register_keras_serializable(package="keras_capsvae")
def exponential_squash(x: Tensor) -> Tensor:
    """`(1 − exp(−‖x‖)) · x / ‖x‖`, one of the alternatives in kexue.fm 4819.

    See `squash` for shapes and precision.

    >>> exponential_squash(np.array([[3.0, 4.0]]))
    array([[0.5959572, 0.7946096]], dtype=float32)
    """

    def new_length(length):
        # 1 − exp(−l), exact near 0 too; ONNX has no expm1.
        half = ops.tanh(length / 2.0)
        return 2.0 * half / (1.0 + half)

    return _of_length(x, new_length)


@keras.saving.register_keras_serializable(package="keras_capsvae")
def rational_squash(x: Tensor) -> Tensor:
    """`‖x‖ / (1 + ‖x‖) · x / ‖x‖`, one of the alternatives in kexue.fm 4819.

    See `squash` for shapes and precision.

    >>> rational_squash(np.array([[3.0, 4.0]]))
    array([[0.5, 0.6666667]], dtype=float32)
    """
    return _of_length(x, lambda length: length / (1.0 + length))


def unit(x: Tensor) -> Tensor:
    """`x / ‖x‖` with a finite gradient at zero; float32 at least."""
    x = at_least_float32(x)
    energy = ops.sum(ops.square(x), -1, keepdims=True)
    return x * ops.rsqrt(energy + UNIT_EPSILON)


ACTIVATIONS = {
    "squash": squash,
    "tanh_squash": tanh_squash,
    "exponential_squash": exponential_squash,
    "rational_squash": rational_squash,
}


def capsule_activation(
    identifier: Identifier, squash_constant: float
) -> Callable[[Tensor], Tensor]:
    """The function behind an `activation` argument of a capsule layer."""
    check_squash_constant(squash_constant)
    if isinstance(identifier, dict):  # a function out of a config
        identifier = keras.activations.get(identifier)
    if identifier in ("squash", squash):
        return lambda x: squash(x, squash_constant)
    if isinstance(identifier, str) and identifier in ACTIVATIONS:
        return ACTIVATIONS[identifier]
    try:
        return keras.activations.get(identifier)
    except ValueError as error:
        raise ValueError(
            f"`activation` must be one of {list(ACTIVATIONS)}, an activation "
            f"of Keras or a function. Received: activation={identifier!r}"
        ) from error


def serialized_activation(activation: Identifier) -> Identifier:
    """The config of an `activation` argument."""
    if activation is None or isinstance(activation, (str, dict)):
        return activation
    return keras.activations.serialize(activation)


def check_squash_constant(constant: float) -> None:
    if not constant > 0:
        raise ValueError(
            f"The constant of squash must be above 0. Received: {constant!r}"
        )


def _of_length(x, new_length):
    """x scaled from its length ‖x‖ to `new_length(‖x‖)`."""
    x = at_least_float32(x)
    length = ops.sqrt(ops.sum(ops.square(x), -1, keepdims=True) + EPSILON)
    return new_length(length) / length * x
