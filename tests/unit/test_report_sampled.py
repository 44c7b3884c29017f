"""A sample, in words."""

from __future__ import annotations

import msgspec
import pytest

from harness.records import Sampled, ThinLoad
from harness.report import sampled
from tests.kit.sample_report import no_go
from tests.kit.some_evidence import latency

UNEVEN = Sampled(requests=4000, low=1.0, high=100.0, mean=9.5, effective=812.3)


def test_a_report_of_all_traffic_says_nothing() -> None:
    """Nobody reads of weights where there are none."""
    assert sampled.lines(no_go()) == sampled.plain(no_go()) == []


def test_an_uneven_sample_is_told_once_in_words() -> None:
    """The weights, and what they leave of the requests."""
    (line,) = sampled.lines(msgspec.structs.replace(no_go(), sample=UNEVEN))
    assert line.startswith("The capture is a sample: weights 1 to 100; n_eff 812 of 4,000. ")
    assert line.endswith(
        "Weights up to 100 were seen; a larger one in the traffic would make every bound on a share of it "
        "too narrow: state max_weight under [capture]."
    )


def test_a_largest_weight_that_is_known_is_told() -> None:
    """Bounds hold up to it; light requests alone are no whole capture where heavier ones may be missing."""
    known = msgspec.structs.replace(UNEVEN, most=500.0)
    light = msgspec.structs.replace(UNEVEN, high=1.0, most=500.0)
    for sample in (known, light):
        (line,) = sampled.lines(msgspec.structs.replace(no_go(), sample=sample))
        assert line.endswith(" No request of the traffic weighs more than 500.")
        assert "max_weight" not in line
    assert "too narrow" not in sampled.told(UNEVEN)


def test_an_even_sample_says_that_its_shares_are_those_of_the_traffic() -> None:
    """No weight changes a share."""
    even = Sampled(requests=4000, low=20.0, high=20.0, mean=20.0, effective=4000.0)
    assert sampled.told(even) == (
        "The capture is a sample: each of 4,000 requests stands for 20, so every share of them is one of the "
        "traffic."
    )


@pytest.mark.parametrize(
    ("low", "told"),
    [(1.0, "the 4,000 requests tell as much as about 812 kept"), (100.0, "one for every 100 that")],
)
def test_the_business_reads_no_statistics(low: float, told: str) -> None:
    """What the sample is worth, in plain words."""
    sample = msgspec.structs.replace(UNEVEN, low=low)
    (line,) = sampled.plain(msgspec.structs.replace(no_go(), sample=sample))
    assert told in line


@pytest.mark.parametrize(
    ("thin", "told"),
    [
        (
            ThinLoad(factor=9.5, slow=0.031),
            "; by weight 3.1 % of the traffic over the budget; the capture is a sample: 9.5",
        ),
        (ThinLoad(factor=None, slow=0.031), "; by weight 3.1 % of the traffic over the budget"),
        (ThinLoad(factor=1.0, slow=None), ""),
        (ThinLoad(factor=20.0, slow=None), "; the capture is a sample: 20 times too few requests arrived"),
    ],
)
def test_thinned_arrivals_are_told_where_the_pace_was_recorded(thin: ThinLoad, told: str) -> None:
    """A declared pace is what was declared."""
    found = sampled.thin(latency(thin=thin))
    assert found.startswith(told)
    assert bool(found) == bool(told)
    assert not sampled.thin(latency())


def test_a_pass_that_is_not_judged_has_no_budget_to_be_over() -> None:
    """A closed loop is as fast as it can be."""
    assert not sampled.thin(latency(judged=False, thin=ThinLoad(factor=None, slow=0.031)))
