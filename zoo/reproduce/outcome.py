"""What came out of an experiment, beside what was published and expected."""

import dataclasses
import pathlib
from collections.abc import Sequence

from zoo.columns import aligned
from zoo.reproduce.claims import Claim
from zoo.reproduce.expectations import Expectation
from zoo.reproduce.expectations import Figures
from zoo.reproduce.expectations import Verdict

NOTHING = "–"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The figures of an experiment and what they say of the claim.

    Attributes:
        claim: The claim.
        quick: Whether it was the short form.
        figures: Name → `Figure`.
        paths: The files that the experiment wrote, the figures first.
    """

    claim: Claim
    quick: bool
    figures: Figures
    paths: Sequence[pathlib.Path]

    @property
    def expected(self) -> tuple[Expectation, ...]:
        """What had to come out, of the long form more."""
        more = () if self.quick else self.claim.expected_in_full
        return self.claim.expected + more

    def verdicts(self) -> dict[str, Verdict]:
        """What was expected, in words → whether it came true."""
        return {
            one.sentence(self.claim.told): one.verdict(self.figures)
            for one in self.expected
        }

    @property
    def contradicts(self) -> bool:
        """Whether something expected did not come true."""
        return Verdict.WRONG in self.verdicts().values()

    def lines(self) -> list[str]:
        """A table of the figures, then what was expected and came out."""
        told = self.claim.told
        rows = [(self.claim.unit, "published", "here", "seeds")]
        rows += [
            (name, *self._told(name, self.figures[name]))
            for name in dict.fromkeys((*self.claim.published, *self.figures))
            if name in self.figures
        ]
        verdicts = [
            f"expected: {one.sentence(told)}\n"
            f"came out: {one.came_out(self.figures, told)}: "
            f"{one.verdict(self.figures)}"
            for one in self.expected
        ]
        return [*aligned(rows).splitlines(), "", *verdicts]

    def _told(self, name, figure):
        told = self.claim.told
        published = self.claim.published.get(name)
        seeds = [told(value) for value in figure.values]
        return (
            NOTHING if published is None else told(published),
            told(figure.mean),
            ", ".join(seeds) if len(seeds) > 1 else "one",
        )
