"""What came out of an experiment, beside what was published and expected."""

import dataclasses
import pathlib
from collections.abc import Sequence

from zoo.reproduce.claims import Claim
from zoo.reproduce.expectations import Figures
from zoo.reproduce.expectations import Verdict

NOTHING = "–"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The figures of an experiment and what they say of the claim.

    Attributes:
        claim: the claim.
        quick: whether it was the short form.
        figures: name → `Figure`.
        paths: the files that the experiment wrote, the figures first.
    """

    claim: Claim
    quick: bool
    figures: Figures
    paths: Sequence[pathlib.Path]

    def verdicts(self) -> dict[str, Verdict]:
        """What was expected, in words → whether it came true."""
        expected = self.claim.expected
        if not self.quick:
            expected += self.claim.expected_in_full
        return {
            one.sentence(self.claim.told): one.verdict(self.figures)
            for one in expected
        }

    @property
    def contradicts(self) -> bool:
        """Whether something expected did not come true."""
        return Verdict.WRONG in self.verdicts().values()

    def lines(self) -> list[str]:
        """A table of the figures, then what was expected and came out."""
        rows = [(self.claim.unit, "published", "here", "seeds")]
        for name in [*self.claim.published, *self.figures]:
            if name not in self.figures or name in [row[0] for row in rows]:
                continue
            rows.append((name, *self._told(name, self.figures[name])))
        widths = [max(map(len, column)) for column in zip(*rows)]
        table = [
            "  ".join(
                cell.ljust(width) for cell, width in zip(row, widths)
            ).rstrip()
            for row in rows
        ]
        verdicts = [
            f"expected: {sentence}: {verdict}"
            for sentence, verdict in self.verdicts().items()
        ]
        return [*table, "", *verdicts]

    def _told(self, name, figure):
        told = self.claim.told
        published = self.claim.published.get(name)
        seeds = [told(value) for value in figure.values]
        return (
            NOTHING if published is None else told(published),
            told(figure.mean),
            ", ".join(seeds) if len(seeds) > 1 else "one",
        )
