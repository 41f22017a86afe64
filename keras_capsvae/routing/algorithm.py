"""What a routing algorithm is: to a layer, and to a function of votes alone."""

import dataclasses
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from keras import ops

from keras_capsvae.numerics import at_least_float32
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.numbers import check_integer


class Weight(NamedTuple):
    """A weight of a routing.

    Attributes:
        name: Its name.
        shape: Its shape.
        initializer: Name of an initializer; `None`: as the vote transform.
    """

    name: str
    shape: Shape
    initializer: str | None


class VoteShape(NamedTuple):
    """The sizes of a layer that the shapes of weights follow from.

    Attributes:
        per_input: `(n_in,)`, or `()` where all inputs share weights.
        d_in: Dims of an input capsule.
        capsules: Output capsules.
        dims: Dims of a vote.
    """

    per_input: Shape
    d_in: int
    capsules: int
    dims: int


class Votes(NamedTuple):
    """The votes of inputs for outputs.

    Attributes:
        blocks: Tensors grouped by output, see `iterations`.
        mask: `(batch, inputs)`, 0 for inputs without votes; `None`: all vote.
        inputs: The input capsules `(batch, inputs, d_in)`; `None` in functions
            of votes alone.
    """

    blocks: list[Tensor]
    mask: Tensor | None = None
    inputs: Tensor | None = None


def unchanged(x: Tensor) -> Tensor:
    return x


@dataclasses.dataclass(frozen=True)
class RoutingSettings:
    """What a call of a routing is told besides the tensors.

    Attributes:
        routings: Passes over the votes, one where there are no iterations.
        activation: Function of the weighted sums.
        temperature: What the logits are divided by.
        stop_gradient: Whether the gradient goes through the last iteration
            alone.
    """

    routings: int = 1
    activation: Callable[[Tensor], Tensor] = unchanged
    temperature: float = 1.0
    stop_gradient: bool = False


class Routing:
    """A routing algorithm, which may own weights.

    Attributes:
        iterations: How many it takes unless told otherwise; `None`: it does not
            iterate.
        has_own_lengths: Whether it says itself how long its capsules are,
            instead of leaving that to an activation.
        takes_temperature: Whether its couplings depend on the temperature.
    """

    iterations: int | None = None
    has_own_lengths: bool = False
    takes_temperature: bool = True

    def weights(self, shape: VoteShape) -> list[Weight]:
        """The weights that it owns in a layer of this shape."""
        return []

    def activations(self, inputs: Tensor) -> Tensor:
        """How much each input counts beside its couplings, `(batch, n_in)`.

        By default all count alike, 1.
        """
        return ops.ones_like(at_least_float32(inputs)[..., 0])

    def route(
        self,
        votes: Votes,
        settings: RoutingSettings,
        weights: Sequence[Tensor] = (),
    ) -> tuple[Tensor, Tensor]:
        """The output capsules of votes.

        Args:
            votes: See `Votes`.
            settings: See `RoutingSettings`.
            weights: Values of `self.weights`, in order.

        Returns:
            Capsules `(batch, outputs, dims)` and couplings
            `(batch, outputs, inputs)`.
        """
        raise NotImplementedError

    def check_iterations(self, name: str, routings: int | None) -> int | None:
        """The iterations to take: `routings`, or its own number for `None`."""
        if self.iterations is None:
            if routings is not None:
                raise ValueError(
                    f"`routings` must be None for routing={name!r}, which does "
                    f"not iterate. Received: routings={routings!r}"
                )
            return None
        if routings is None:
            return self.iterations
        return check_integer("routings", routings)

    def check_taken(
        self,
        name: str,
        activation: Any,
        temperature: float,
        stop_gradient: bool,
    ) -> None:
        """Raise if a layer is given what this routing does not take."""
        if self.has_own_lengths and activation != "squash":
            raise ValueError(
                f"`activation` must be left out for routing={name!r}, which "
                "says itself how long its capsules are. Received: "
                f"activation={activation!r}"
            )
        if not self.takes_temperature and temperature != 1.0:
            raise ValueError(
                f"`temperature` must be 1 for routing={name!r}, whose "
                "couplings are 0 and 1 at any. Received: "
                f"temperature={temperature!r}"
            )
        if stop_gradient and self.iterations is None:
            raise ValueError(
                f"`stop_gradient` must be False for routing={name!r}, which "
                "does not iterate. Received: stop_gradient=True"
            )


def by_output(votes: Tensor, mask: Tensor | None) -> Votes:
    """Votes `(batch, inputs, outputs, dims)` as a block grouped by output."""
    votes = at_least_float32(votes)
    if len(votes.shape) != 4:
        raise ValueError(
            "`votes` must have shape (batch, inputs, outputs, dims). "
            f"Received: shape {tuple(votes.shape)}"
        )
    return Votes([ops.swapaxes(votes, 1, 2)], mask)


def check_function(name: str, value: Any) -> Any:
    """The value, if it is a function."""
    if not callable(value):
        raise TypeError(
            f"`{name}` must be a function, such as keras_capsvae.squash. "
            f"Received: {name}={value!r}"
        )
    return value


def of_outputs(numbers: Tensor, dtype: Any) -> Tensor:
    """Numbers `(inputs, outputs)`, or `(outputs,)`, grouped by output."""
    numbers = ops.cast(numbers, dtype)
    numbers = ops.reshape(numbers, (-1, numbers.shape[-1]))
    return ops.swapaxes(numbers, 0, 1)  # (outputs, inputs or 1)


def chosen(
    capsules_and_couplings: tuple[Tensor, Tensor], return_couplings: bool
) -> Any:
    """What a function returns: capsules, couplings `(batch, inputs, …)` too."""
    capsules, couplings = capsules_and_couplings
    if return_couplings:
        return capsules, ops.swapaxes(couplings, 1, 2)
    return capsules
