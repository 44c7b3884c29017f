"""The catalogue of serving bugs: what each does to one booking, and to nothing else."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scenarios.bugs.__main__ import SCENARIOS, lines, main
from scenarios.bugs.active import Bugs
from scenarios.bugs.catalogue import CATALOGUE
from scenarios.bugs.parse import applicable, parse_bug
from scenarios.request import spelled
from tests.kit.bookings import TYPICAL, booking, desk, no_rival

if TYPE_CHECKING:
    from scenarios.request import Features

ROOT = Path(__file__).parents[2]
DESK = desk()
HEALTHY = Bugs().serve(booking(), DESK, score_by=no_rival)[1]
ARRIVAL = datetime.fromisoformat("2017-07-05T00:00:00+01:00").timestamp()
NAN = pytest.approx(math.nan, nan_ok=True)


def served(text: str, **changes: object) -> Features:
    """The features of a booking with one bug, by its text."""
    return Bugs((parse_bug(text, DESK),), TYPICAL).serve(booking(**changes), DESK, score_by=no_rival)[1]


def changed(features: Features) -> dict[str, Any]:
    """What differs from the healthy features; None for what is left out, too."""
    names = HEALTHY.keys() | features.keys()
    return {name: features.get(name) for name in names if features.get(name) != HEALTHY[name]}


def test_the_healthy_booking_is_what_the_table_below_starts_from() -> None:
    """The values that the bugs change."""
    told = {"adr": 75.5, "children": None, "babies": 0.0, "arrival_at": ARRIVAL, "agent_bookings_30d": 4.0}
    more = {"arrival_weekday": 2.0, "lead_time": 126.0, "country": "PRT", "assigned_room_type": "B"}
    assert {name: HEALTHY[name] for name in (*told, *more)} == told | more


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scale:adr,factor=100", {"adr": 7550.0}),
        ("scale:adr,babies", {"adr": 7550.0}),
        ("epoch_ms:arrival_at", {"arrival_at": ARRIVAL * 1000}),
        ("affine:adr", {"adr": 75.5 * 1.8 + 32}),
        ("standardised:adr", {"adr": (75.5 - 100) / 40}),
        ("sign:adr", {"adr": -75.5}),
        ("transform:adr,function=sqrt", {"adr": math.sqrt(75.5)}),
        ("transform:babies,function=log", {"babies": NAN}),
        ("transform:stays_in_week_nights,function=square", {"stays_in_week_nights": 90_000.0}),
        ("transform:arrival_at,function=exp", {"arrival_at": math.inf}),
        ("time_zone:arrival_at,hours=-1", {"arrival_at": ARRIVAL - 3600}),
        ("weekday_shift:arrival_weekday,by=5", {"arrival_weekday": 0.0}),
        ("daylight_saving:arrival_at", {"arrival_at": ARRIVAL + 3600}),
        ("float32:adr", {}),
        ("float16:arrival_at", {"arrival_at": math.inf}),
        ("bfloat16:stays_in_week_nights", {}),
        ("bfloat16:adr", {}),
        ("float16:lead_time,adr", {}),
        ("rounding:adr", {"adr": 76.0}),
        ("truncation:adr", {"adr": 75.0}),
        ("ceil:adr", {"adr": 76.0}),
        ("clip:adr,high=70", {"adr": 70.0}),
        ("clip:adr,low=80", {"adr": 80.0}),
        ("clip:adr", {}),
        ("wrap:stays_in_week_nights", {"stays_in_week_nights": 44.0}),
        ("default_fill:adr", {"adr": -1.0}),
        ("mean_fill:adr", {"adr": 100.0}),
        ("median_fill:adr", {"adr": 90.0}),
        ("timeout_fill:adr,agent_bookings_30d,ms=1", {"adr": 0.0, "agent_bookings_30d": 0.0}),
        ("fill:children,babies,value=2", {"children": 2.0}),
        ("lost_zero:babies,adr", {"babies": None}),
        ("null:country", {"country": None}),
        ("nan:adr", {"adr": NAN}),
        ("missing:adr", {"adr": None}),
        ("stale:agent_bookings_30d,days=1", {"agent_bookings_30d": 3.0}),
        ("stale:agent_bookings_30d,days=2", {"agent_bookings_30d": 2.0}),
        ("history_stale:hours=36", {"agent_bookings_30d": 3.0}),
        ("history_stale:hours=48", {"agent_bookings_30d": 2.0}),
        ("snapshot:agent_bookings_30d,at=2017-02-03T00:00Z", {"agent_bookings_30d": 1.0}),
        ("off_by_one:agent_bookings_30d,by=1", {"agent_bookings_30d": 5.0}),
        ("window:agent_bookings_30d,length=2", {"agent_bookings_30d": 2.0}),
        ("wrong_key:agent_bookings_30d,key=market_segment", {"agent_bookings_30d": 0.0}),
        ("swapped:adr,lead_time", {"adr": 126.0, "lead_time": 75.5}),
        ("vector_order:adr,babies,lead_time", {"adr": 0.0, "babies": 126.0, "lead_time": 75.5}),
        ("norm:stays_in_week_nights,babies", {"stays_in_week_nights": 1.0}),
        ("norm:stays_in_week_nights,children", {}),
        ("case:hotel", {"hotel": "CITY HOTEL"}),
        ("spaces:hotel", {"hotel": "City Hotel "}),
        ("unicode:meal", {"meal": "\uff22"}),
        ("text_cut:hotel", {"hotel": "City"}),
        ("recoded:hotel,agent", {"hotel": "Resort Hotel", "agent": "240"}),
        ("unknown_bucket:hotel", {"hotel": "other"}),
        ("number_text:agent", {"agent": "9.0"}),
        ("decimal_mark:adr", {"adr": 7550.0}),
        ("scale_by:adr,field=hotel,factors=City Hotel:2/Resort Hotel:3", {"adr": 151.0}),
        ("scale_by:adr,field=hotel,factors=Resort Hotel:3", {}),
        ("retry:adr", {}),
        ("race:adr", {}),
        ("event_time_early:hours=36", {"lead_time": 127.0, "agent_bookings_30d": 3.0}),
        ("slow:ms=1", {}),
    ],
)
def test_each_bug_changes_what_it_says(text: str, expected: dict[str, Any]) -> None:
    """The named features, in the named way; every other feature is left alone."""
    unmoved = {name for name, value in expected.items() if value == HEALTHY[name]}
    assert changed(served(text)) == {k: v for k, v in expected.items() if k not in unmoved}
    assert all(served(text)[name] == expected[name] for name in unmoved)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("float32:adr", 0.1, 0.10000000149011612),
        ("float16:adr", 2049.0, 2048.0),
        ("bfloat16:adr", 257.0, 256.0),
        ("bfloat16:adr", 259.0, 260.0),
        ("wrap:adr", 130.0, -126.0),
        ("wrap:adr,bits=16", 32768.0, -32768.0),
        ("decimal_mark:adr", 75.55, 7555.0),
        ("rounding:adr,decimals=1", 75.55, 75.5),
        ("truncation:adr,decimals=1", 75.58, 75.5),
    ],
)
def test_a_value_is_damaged_as_computed_by_hand(text: str, value: float, expected: float) -> None:
    """Single values where the rule has a sharp edge."""
    assert served(text, adr=value)["adr"] == expected


def test_a_feature_left_out_is_not_the_same_as_null() -> None:
    """`missing` has no key, `null` has one without a value."""
    assert "adr" not in served("missing:adr")
    assert served("null:adr")["adr"] is None


def test_summer_time_is_lost_in_summer_only() -> None:
    """An arrival in January stays where it is."""
    assert (
        served("daylight_saving:arrival_at", arrival_date="2017-01-05")
        == (Bugs().serve(booking(arrival_date="2017-01-05"), DESK, score_by=no_rival)[1])
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rounding:score,decimals=1", 0.6),
        ("score_clip:score,high=0.5", 0.5),
        ("fallback_score:score", 0.5),
        ("default_fill:score,value=0", 0.0),
        ("wrong_model:score,model=four", 0.4),
        ("uncalibrated:score,slope=2", 0.64**2 / (0.64**2 + 0.36**2)),
        ("affine:score,slope=0.5,intercept=0", 0.32),
        ("uncalibrated:score,rate=1", 0.64**0.7 / (0.64**0.7 + 0.36**0.7)),
    ],
)
def test_bugs_of_the_score_change_the_score_alone(text: str, expected: float) -> None:
    """Features as they were, another score."""
    bugs = Bugs((parse_bug(text, DESK),), TYPICAL)
    asked, features = bugs.serve(booking(), DESK, score_by=no_rival)
    assert features == HEALTHY
    assert bugs.score(0.64, features, asked=asked) == pytest.approx(expected)


def test_noise_has_the_declared_spread_and_is_the_same_again() -> None:
    """Over 2,000 requests the mean is near 0 and the sd near 3; asked again, every value is the same."""
    bugs = Bugs((parse_bug("noise:adr,sd=3", DESK),))
    rounds = [
        [bugs.serve(booking(request_id=f"h{i}"), DESK, score_by=no_rival)[1]["adr"] for i in range(2000)]
        for _ in range(2)
    ]
    assert rounds[0] == rounds[1]
    off = [float(value) - 75.5 for value in rounds[0] if isinstance(value, float)]
    mean = sum(off) / len(off)
    assert abs(mean) < 0.25
    assert math.sqrt(sum((x - mean) ** 2 for x in off) / len(off)) == pytest.approx(3, rel=0.06)


def test_a_sketch_is_off_by_a_share_of_the_value() -> None:
    """Ten times the value, ten times the error."""
    small, large = (served("approximate:adr", adr=value)["adr"] for value in (10.0, 100.0))
    assert isinstance(small, float)
    assert small != 10
    assert large == pytest.approx(10 * small)


def test_the_second_answer_to_a_request_differs() -> None:
    """The first is right, every later one is not."""
    bugs = Bugs((parse_bug("retry:adr", DESK),))
    answers = [bugs.serve(booking(), DESK, score_by=no_rival)[1]["adr"] for _ in range(3)]
    assert answers == [75.5, 76.5, 76.5]


def test_a_race_serves_the_value_of_the_request_before() -> None:
    """So the same request gets another value in another order."""
    bugs = Bugs((parse_bug("race:adr", DESK),))
    asked = [booking(request_id=f"h{i}", adr=float(i)) for i in (1, 2, 3, 1)]
    assert [bugs.serve(one, DESK, score_by=no_rival)[1]["adr"] for one in asked] == [1.0, 1.0, 2.0, 3.0]


def test_bugs_strike_one_after_another() -> None:
    """In the order they were given."""
    bugs = Bugs(tuple(parse_bug(text, DESK) for text in ("scale:adr,factor=2", "off_by_one:adr")))
    assert bugs.serve(booking(), DESK, score_by=no_rival)[1]["adr"] == 150.0


@pytest.mark.parametrize(
    "before", ["missing", "nan", "affine:{},slope=1e308", "affine:{},slope=-1e308", "null"]
)
def test_every_bug_bears_what_another_left_behind(before: str) -> None:
    """Features that are gone, NaN, huge, infinite or null break no bug, and go into the echo."""
    ruin = before if ":" in before else f"{before}:{{}}"
    for name, entry in CATALOGUE.items():
        chosen = [f for f in applicable(entry, DESK.kinds) if f == "score" or "number" in DESK.kinds[f]]
        if chosen and chosen != ["score"] and not any(isinstance(o, type) for o in entry.options.values()):
            fields = chosen[: entry.least]
            texts = [ruin.format(one) for one in fields for _ in range(2)]
            bugs = [parse_bug(text, DESK) for text in (*texts, f"{name}:{','.join(fields)}")]
            typical = dict.fromkeys(fields, TYPICAL["adr"])
            features = Bugs(tuple(bugs), typical).serve(booking(), DESK, score_by=no_rival)[1]
            assert json.dumps({key: spelled(value) for key, value in features.items()}, allow_nan=False)


def test_the_catalogue_holds_every_class_an_endpoint_can_have() -> None:
    """All but lookahead, which is offline, and the two that are a condition of any bug: since and segment."""
    assert {entry.number for entry in CATALOGUE.values()} == set(range(1, 40)) - {21, 32, 38}


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_every_bug_is_documented_on_one_line(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`list` names them all; with a scenario, those that its features can have."""
    assert len(list(lines(None))) == len(CATALOGUE)
    assert main(["list", scenario]) == 0
    told = capsys.readouterr().out.splitlines()
    can = [n for n, e in CATALOGUE.items() if not e.kinds or applicable(e, SCENARIOS[scenario])]
    assert sorted(line.split()[1] for line in told) == sorted(can)


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_every_number_of_a_scenario_has_its_typical_values(scenario: str) -> None:
    """So that mean_fill and its like can be switched on for any of them."""
    typical = json.loads((ROOT / "scenarios" / scenario / "data" / "typical.json").read_text())
    numbers = {name for name, kinds in SCENARIOS[scenario].items() if "number" in kinds}
    assert set(typical) == numbers
    assert all(set(values) == {"mean", "median", "sd"} for values in typical.values())
