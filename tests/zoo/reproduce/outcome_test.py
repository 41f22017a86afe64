"""Whether what comes out is what was expected, and how that is told."""

import math
import re

import pytest

from zoo.reproduce.claims import CLAIMS
from zoo.reproduce.claims import Claim
from zoo.reproduce.expectations import Above
from zoo.reproduce.expectations import Figure
from zoo.reproduce.expectations import Near
from zoo.reproduce.expectations import Verdict
from zoo.reproduce.outcome import Outcome

CLAIM = Claim(
    "Capsules read two digits.",
    published={"capsules": 0.95, "pooling": 0.4},
    expected=(Above("capsules", "pooling", by=0.1),),
    takes="an hour",
    takes_quick="a minute",
    quick="one seed",
    expected_in_full=(Near("capsules", 0.95, within=0.02),),
)


def outcome(capsules, pooling, examples=1000, quick=True):
    figures = {
        "pooling": Figure((pooling,), examples),
        "capsules": Figure(capsules, examples),
        "other": Figure((0.5,), examples),
    }
    return Outcome(CLAIM, quick, figures, [])


@pytest.mark.parametrize(
    ("higher", "lower", "examples", "verdict"),
    [
        (0.9, 0.3, 1000, Verdict.HOLDS),
        (0.3, 0.9, 1000, Verdict.WRONG),
        (0.55, 0.5, 100_000, Verdict.WRONG),  # too little a difference
        (0.54, 0.5, 56, Verdict.TOO_FEW),
        (0.46, 0.5, 56, Verdict.TOO_FEW),
        (0.9, 0.5, 56, Verdict.HOLDS),
        (0.2, 0.8, 56, Verdict.WRONG),
    ],
)
def test_one_figure_above_another(higher, lower, examples, verdict):
    figures = {
        "a": Figure((higher,), examples),
        "b": Figure((lower,), examples),
    }
    assert Above("a", "b", by=0.1).verdict(figures) == verdict


def test_the_noise_is_that_of_two_shares():
    noise = 2 * math.sqrt(2 * 0.25 / 400)  # 0.0707
    for difference, verdict in (
        (noise + 0.001, Verdict.HOLDS),
        (noise - 0.001, Verdict.TOO_FEW),
        (0.0, Verdict.TOO_FEW),
        (-noise - 0.001, Verdict.WRONG),
    ):
        figures = {
            "a": Figure((0.5 + difference / 2,), 400),
            "b": Figure((0.5 - difference / 2,), 400),
        }
        assert Above("a", "b", by=0.0).verdict(figures) == verdict


def test_a_figure_above_a_number_and_near_one():
    figures = {"a": Figure((140.0, 144.0))}
    assert Above("a", 141.0, by=1.0).verdict(figures) == Verdict.HOLDS
    assert Above("a", 141.5, by=1.0).verdict(figures) == Verdict.WRONG
    assert Near("a", 143.0, within=1.0).verdict(figures) == Verdict.HOLDS
    assert Near("a", 143.5, within=1.0).verdict(figures) == Verdict.WRONG
    assert Near("a", "b", within=1.0).verdict(figures) == Verdict.OPEN


def test_what_came_out_stands_beside_what_was_published():
    told = outcome((0.9, 0.92), 0.3)
    assert not told.contradicts
    rows = [re.split(r"  +", line) for line in told.lines()]
    assert rows[0] == ["%", "published", "here", "seeds"]
    assert ["capsules", "95.0 %", "91.0 %", "90.0 %, 92.0 %"] in rows
    assert ["pooling", "40.0 %", "30.0 %", "one"] in rows
    assert ["other", "–", "50.0 %", "one"] in rows
    assert told.lines()[-1].splitlines() == [
        "expected: capsules above pooling by 10.0 %",
        "came out: 91.0 % against 30.0 %, 1,000 test examples: as expected",
    ]


def test_a_wrong_direction_contradicts_and_too_few_does_not():
    assert outcome((0.3,), 0.9).contradicts
    assert "NOT as expected" in outcome((0.3,), 0.9).lines()[-1]
    few = outcome((0.55,), 0.5, examples=56)
    assert not few.contradicts
    assert "56 test examples: too few to tell" in few.lines()[-1]


def test_the_long_form_is_held_to_the_published_figures():
    assert not outcome((0.8,), 0.3).contradicts
    assert outcome((0.8,), 0.3, quick=False).contradicts
    assert not outcome((0.94,), 0.3, quick=False).contradicts


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_a_claim_says_how_long_it_takes(name):
    claim = CLAIMS[name]
    assert claim.expected
    for quick, takes in ((True, claim.takes_quick), (False, claim.takes)):
        says, duration = claim.announcement(quick)
        assert says == claim.says and takes in duration
