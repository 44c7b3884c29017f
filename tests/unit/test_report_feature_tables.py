"""A finding's evidence, and features over time."""

from __future__ import annotations

from msgspec.structs import replace

from harness.records import MomentFound, OnsetFound, PlaceFound
from harness.report import feature_tables
from tests.kit.sample_parts import BINS, differing, finding, pair
from tests.kit.sample_report import fifty, no_go

SINCE = "2025-06-03T14:00:00Z"


def test_rates_have_their_interval() -> None:
    """Both bounds beside the rate, or a dash in a report of an older version."""
    table = feature_tables.features(no_go().pairs[1])
    assert table.rows[0][:4] == ("hour", "6,120", "85.9 %", "83.4 % to 88.5 %")
    old = replace(differing("hour", 9), lower=None, upper=None)
    assert feature_tables.interval(old) == "–"


def test_many_features_share_one_scale() -> None:
    """The most frequent 24 of 50 are drawn from 0 to the highest share of any."""
    drawn = feature_tables.multiples(fifty().pairs[0])
    assert drawn is not None
    assert len(drawn.drawn) == feature_tables.MOST_DRAWN
    assert "the 24 most frequent of 50 drawn" in drawn.caption
    assert f"in {BINS} bins of 1.55 days from 2025-05-18 18:00 UTC" in drawn.caption


def test_without_time_nothing_is_drawn_over_time() -> None:
    """A report of an older version, or requests of one moment."""
    assert feature_tables.multiples(replace(no_go().pairs[1], time=None)) is None
    assert feature_tables.multiples(pair("champion")) is None


def test_a_finding_draws_its_own_fields() -> None:
    """Those it names, in its own pair; nothing where the pair is not there."""
    report = no_go()
    drawn = feature_tables.of_finding(report, finding(("hour", "day_of_week"), "time_shift"))
    assert drawn is not None
    assert [one.name for one in drawn.drawn] == ["hour", "day_of_week"]
    assert feature_tables.of_finding(report, replace(report.findings[0], arm="nobody")) is None


def test_what_one_finding_draws_is_not_drawn_again() -> None:
    """One finding of all fields is enough; of fifty the scale must be seen together."""
    assert not feature_tables.told_apart(no_go(), no_go().pairs[1])
    assert feature_tables.told_apart(fifty(), fifty().pairs[0])


def test_the_same_against_another_arm_is_told_in_a_line() -> None:
    """Only where every feature differs on as many requests."""
    report, mine = no_go(), no_go().pairs[1]
    again = replace(mine, left="champion")
    both = replace(report, pairs=(mine, again))
    assert feature_tables.same_as(both, mine) == ""
    assert feature_tables.same_as(both, again) == "offline"
    other = replace(again, fields=(differing("hour", 3), *again.fields[1:]))
    assert feature_tables.same_as(replace(report, pairs=(mine, other)), other) == ""


def test_places_and_onset_are_told_with_their_bounds() -> None:
    """Where it gathers beside how rare it is elsewhere; since when, and how sure."""
    place = PlaceFound(
        conditions=("hotel = City", "day = Monday"), requests=100, mismatching=98, rate=0.98, elsewhere=0.01,
        share=0.9, p=0.001,
    )  # fmt: skip
    onset = OnsetFound(
        start=MomentFound(
            at="2025-06-03T14:00:00Z", lower="2025-06-03T13:00:00Z", upper="2025-06-03T14:00:00Z"
        ),
        end=None,
        during=1.0,
        otherwise=0.0,
        p=0.001,
    )
    found = replace(finding(("hour",), "time_shift"), places=(place,), onset=onset)
    assert feature_tables.places(found).rows == (
        ("hotel = City and day = Monday", "100", "98", "98 %", "1 %", "90 %"),
    )
    assert feature_tables.onset(found) == (
        "since 2025-06-03 14:00 UTC (95 %: 2025-06-03 13:00 UTC to 2025-06-03 14:00 UTC): "
        "100 % of requests within, 0 % outside"
    )
    assert feature_tables.onset(finding(("hour",), "time_shift")) == ""


def test_exemplars_show_both_sides() -> None:
    """Under the names of the arms."""
    table = feature_tables.exemplars(no_go(), no_go().findings[0])
    assert [column.head for column in table.columns] == ["Request", "offline", "challenger"]
    assert table.rows[0] == ("pr-81c2", "14.0", "13.0")
