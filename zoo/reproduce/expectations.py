"""What has to come out of an experiment, and whether it did."""

import dataclasses
import enum
import math
import statistics
from collections.abc import Callable
from collections.abc import Mapping


class Verdict(enum.StrEnum):
    """Whether an expectation came true."""

    HOLDS = "as expected"
    WRONG = "NOT as expected"
    TOO_FEW = "too few to tell"
    OPEN = "not measured"


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure measured once for each seed.

    Attributes:
        values: Those of the seeds.
        examples: Of a share, the test examples that it is the share of.
    """

    values: tuple[float, ...]
    examples: int | None = None

    @property
    def mean(self) -> float:
        return statistics.mean(self.values)

    @property
    def variance(self) -> float:
        """Of a share, that of a draw of so many test examples."""
        if self.examples is None:
            return 0.0
        return self.mean * (1 - self.mean) / self.examples


Figures = Mapping[str, Figure]


@dataclasses.dataclass(frozen=True)
class Above:
    """One figure is above another one, or above a number.

    Attributes:
        higher: Name of a figure.
        lower: Name of another one, or a number.
        by: How far above, at least.
    """

    higher: str
    lower: str | float
    by: float

    def sentence(self, told: Callable[[float], str]) -> str:
        """The expectation in words; `told` gives a figure its unit."""
        margin = f" by {told(self.by)}" if self.by else ""
        return f"{self.higher} above {_named(self.lower, told)}{margin}"

    def came_out(self, figures: Figures, told: Callable[[float], str]) -> str:
        """Both figures in words."""
        return _against(figures, told, self.higher, self.lower)

    def verdict(self, figures: Figures) -> Verdict:
        """Whether it came true.

        A test set can show differences of two standard errors and more.
        """
        higher = _found(figures, self.higher)
        lower = _found(figures, self.lower)
        if higher is None or lower is None:
            return Verdict.OPEN
        difference = higher.mean - lower.mean
        noise = 2 * math.sqrt(higher.variance + lower.variance)
        if difference >= max(self.by, noise):
            return Verdict.HOLDS
        if noise > self.by and difference > -noise:
            return Verdict.TOO_FEW
        return Verdict.WRONG


@dataclasses.dataclass(frozen=True)
class Near:
    """A figure lies close to another one, or to a number.

    Attributes:
        one: Name of a figure.
        other: Name of another one, or a number.
        within: How far they may differ.
    """

    one: str
    other: str | float
    within: float

    def sentence(self, told: Callable[[float], str]) -> str:
        """The expectation in words; `told` gives a figure its unit."""
        other = _named(self.other, told)
        return f"{self.one} within {told(self.within)} of {other}"

    def came_out(self, figures: Figures, told: Callable[[float], str]) -> str:
        """Both figures in words."""
        return _against(figures, told, self.one, self.other)

    def verdict(self, figures: Figures) -> Verdict:
        """Whether it came true."""
        one, other = (_found(figures, name) for name in (self.one, self.other))
        if one is None or other is None:
            return Verdict.OPEN
        close = abs(one.mean - other.mean) <= self.within
        return Verdict.HOLDS if close else Verdict.WRONG


Expectation = Above | Near


def _against(figures, told, *sides):
    found = [one for one in (_found(figures, side) for side in sides) if one]
    text = " against ".join(told(one.mean) for one in found)
    counts = {one.examples for one in found} - {None}
    return text + "".join(f", {count:,} test examples" for count in counts)


def _named(side, told):
    return side if isinstance(side, str) else told(side)


def _found(figures, side):
    return figures.get(side) if isinstance(side, str) else Figure((side,))
