"""How many parameters `capsnet` has, and what makes fewer."""

import dataclasses
import itertools
import math
import warnings
from collections.abc import Sequence

from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_sizes
from zoo.models.sizes import check_filters
from zoo.models.sizes import check_image_shape

KERNEL = 9  # side of both convolutions
MANY = 50_000_000
LARGEST_STRIDE = 8  # to propose


@dataclasses.dataclass(frozen=True)
class CapsnetSizes:
    """The sizes of a `capsnet`, whose arguments they are."""

    input_shape: tuple[int, int, int]
    num_classes: int
    filters: int
    num_channels: int
    strides: tuple[int, int]
    decoder_units: tuple[int, ...] | None

    def parameters(self) -> int:
        """Of the net, before anything is built."""
        *sides, channels = self.input_shape
        primary = 8 * self.num_channels
        convolutions = (KERNEL**2 * channels + 1) * self.filters
        convolutions += (KERNEL**2 * self.filters + 1) * primary
        for stride in self.strides:
            sides = [(side - KERNEL) // stride + 1 for side in sides]
        classes = 16 * self.num_classes  # values of all class capsules
        capsules = math.prod(sides) * primary * classes
        decoder = decoder_parameters(
            self.num_classes, self.input_shape, self.decoder_units
        )
        return convolutions + capsules + decoder

    def smaller(self) -> dict[str, tuple[int, int] | None]:
        """Arguments that bring the net below `MANY`; none if these cannot."""
        larger = [(side, side) for side in range(2, LARGEST_STRIDE + 1)]
        for units in dict.fromkeys((self.decoder_units, None)):
            for strides in (self.strides, *larger):
                changed = {"strides": strides, "decoder_units": units}
                fits = min(self.input_shape[:2]) >= smallest_side(strides[0])
                net = dataclasses.replace(self, **changed)
                if fits and net.parameters() <= MANY:
                    return {
                        name: value
                        for name, value in changed.items()
                        if value != getattr(self, name)
                    }
        return {}


def decoder_parameters(
    num_classes: int,
    input_shape: tuple[int, ...],
    units: tuple[int, ...] | None,
) -> int:
    """Of a decoder from the capsules of all classes, 16 dims each."""
    if units is None:
        return 0
    widths = (16 * num_classes, *units, math.prod(input_shape))
    return sum(
        (below + 1) * above for below, above in itertools.pairwise(widths)
    )


def checked(
    input_shape: Sequence[int],
    num_classes: int,
    filters: int,
    num_channels: int,
    strides: Sequence[int],
    decoder_units: Sequence[int] | None,
) -> CapsnetSizes:
    """The sizes in Python's integers, with a warning if they make many weights.

    The warning comes before the net takes memory.
    """
    if not isinstance(strides, (tuple, list)) or len(strides) != 2:
        raise ValueError(
            "`strides` must be those of the convolution and of the primary "
            f"capsules, as (2, 2). Received: strides={strides!r}"
        )
    first, second = (check_integer("strides", stride) for stride in strides)
    decoder_units = check_units(decoder_units)
    sizes = CapsnetSizes(
        check_image_shape(input_shape, at_least=smallest_side(first)),
        *check_sizes(
            num_classes=num_classes, filters=filters, num_channels=num_channels
        ),
        (first, second),
        decoder_units,
    )
    if sizes.parameters() > MANY:
        warnings.warn(_warning(sizes), stacklevel=4)
    return sizes


def check_units(units: Sequence[int] | None) -> tuple[int, ...] | None:
    """The `decoder_units` in Python's integers."""
    return None if units is None else check_filters(units, "decoder_units")


def smallest_side(stride: int) -> int:
    """Of images of which the second convolution leaves something."""
    return KERNEL + (KERNEL - 1) * stride


def _warning(sizes):
    smaller = [f"{name}={value}" for name, value in sizes.smaller().items()]
    advice = " and ".join(smaller) or "images of fewer pixels"
    shape = " × ".join(map(str, sizes.input_shape))
    return (
        f"capsnet for images of {shape} has {sizes.parameters():,} parameters, "
        "most of them in the class capsules and the decoder, which grow with "
        f"the image: {advice} would make fewer than {MANY:,}"
    )
