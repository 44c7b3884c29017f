"""Where and when a bug strikes, how it is written, and what it costs in time."""

from __future__ import annotations

import anyio
import pytest

from scenarios.bugs.active import Bugs
from scenarios.bugs.parse import parse_bug, parse_bugs
from scenarios.duo_acceptance.serving_features import Index
from scenarios.hotel_cancellation.service import HERE
from tests.kit.bookings import booking, desk, no_rival

DESK = desk()
DUO = Index(levels={}, ledgers={})
IDS = [f"h{i:06d}" for i in range(4000)]


def struck(text: str) -> list[str]:
    """The ids on which a bug of adr strikes."""
    bugs = Bugs((parse_bug(text, DESK),))
    served = ((i, bugs.serve(booking(request_id=i), DESK, score_by=no_rival)[1]) for i in IDS)
    return [i for i, features in served if features["adr"] != 75.5]


def test_a_rate_is_a_share_of_the_requests_and_the_same_ones_each_time() -> None:
    """10 % of 4,000 ids within 4 standard errors; at 20 % those and as many more."""
    tenth, again, fifth = (struck(f"scale:adr,rate={rate}") for rate in (0.1, 0.1, 0.2))
    assert tenth == again
    assert len(tenth) == pytest.approx(400, abs=76)
    assert len(fifth) == pytest.approx(800, abs=102)
    assert set(tenth) < set(fifth)


def test_two_bugs_of_one_rate_strike_different_requests() -> None:
    """A bug's chance is its own."""
    both = set(struck("scale:adr,rate=0.1")) & set(struck("sign:adr,rate=0.1"))
    assert len(both) < 80


@pytest.mark.parametrize(
    ("where", "strikes"),
    [
        ("segment=hotel=City Hotel", True),
        ("segment=hotel=Resort Hotel", False),
        ("segment=nothing=City Hotel", False),
        ("segment=adults=1", True),
        ("since=2017-03-01T12:00:00Z", True),
        ("since=2017-03-01T12:00:01Z", False),
        ("since=2017-03-01T13:00:00+01:00", True),
        ("segment=hotel=City Hotel,since=2018-01-01T00:00Z", False),
    ],
)
def test_a_bug_strikes_its_segment_from_its_start_on(where: str, *, strikes: bool) -> None:
    """The fields of the request and its event time decide, together."""
    bugs = Bugs((parse_bug(f"scale:adr,{where}", DESK),))
    asked, features = bugs.serve(booking(), DESK, score_by=no_rival)
    assert (features["adr"] != 75.5) is strikes
    assert bugs.active[0].strikes(asked) is strikes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slwo:ms=25", "unknown bug 'slwo'; did you mean 'slow'?"),
        ("zzz", "unknown bug 'zzz'; see python -m scenarios.bugs list"),
        ("slow:ms=25,mode=nap", "slow: mode: expected wait or block, found 'nap'"),
        ("slow:adr", "slow: found adr; expected no feature"),
        (
            "history_stale:minutes=3",
            "history_stale: unknown option 'minutes'; expected hours, rate, segment, since",
        ),
        ("history_stale:hours=many", "hours: expected a number, found 'many'"),
        ("history_stale:hours=1,since=2025-03-03T09:00:00", "since: expected a time with an offset"),
        ("history_stale:since=yesterday", "since: expected a time with an offset"),
        ("scale", "scale: found no feature; expected one of stays_in_weekend_nights"),
        ("scale:hotel", "scale: found hotel; expected one of"),
        ("scale:adr,country", "scale: found country; expected one of"),
        ("swapped:adr", "swapped: found adr; expected 2 or more of"),
        ("hour_shift:arrival_at", "hour_shift: no feature here is of kind hour"),
        ("scale:adr,rate=0", "rate: expected a share above 0 and up to 1, found '0'"),
        ("scale:adr,rate=2", "rate: expected a share above 0 and up to 1, found '2'"),
        ("scale:adr,segment=hotel", "segment: expected segment=FIELD=VALUE, found 'hotel'"),
        ("rounding:adr,score", "rounding: score stands alone"),
        ("snapshot:agent_bookings_30d", "snapshot needs at="),
        ("wrong_key:agent_bookings_30d", "wrong_key needs key="),
        ("wrong_key:agent_bookings_30d,key=meal", "key: expected agent or market_segment or"),
        ("scale_by:adr,field=hotel", "scale_by needs factors="),
        ("scale_by:adr,field=hotel,factors=City Hotel", "factors: expected a number"),
    ],
)
def test_a_bug_that_cannot_be_meant_is_refused(text: str, message: str) -> None:
    """One line that names the word and what is known."""
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        parse_bug(text, DESK)


def test_several_bugs_are_read_with_the_scenarios_typical_values() -> None:
    """Features of one scenario are not those of another."""
    bugs = parse_bugs(["scale:adr", " mean_fill:lead_time "], DESK, data=HERE / "data")
    assert [bug.name for bug in bugs.active] == ["scale", "mean_fill"]
    assert bugs.typical["lead_time"]["mean"] > 0
    assert parse_bug("hour_shift:hour_of_day", DUO).features == ("hour_of_day",)


def test_the_models_that_bugs_score_with_are_known_before_the_first_request() -> None:
    """So that one that is not there stops the service at its start."""
    texts = ("wrong_model:score,model=rebuild", "scale:adr")
    assert Bugs(tuple(parse_bug(text, DESK) for text in texts)).models() == ("rebuild",)


@pytest.mark.parametrize(
    ("bug", "ran_meanwhile"),
    [
        ("slow:ms=5,mode=block", False),
        ("slow:ms=5,mode=wait", True),
        ("timeout_fill:adr,ms=5", True),
        ("slow:ms=5,mode=wait,since=2026-01-01T00:00:00Z", False),
    ],
    ids=["block", "wait", "timeout", "not yet"],
)
def test_blocking_work_holds_the_event_loop_and_waiting_does_not(bug: str, *, ran_meanwhile: bool) -> None:
    """Another task gets its turn during `wait`, and none during `block`."""
    ran: list[bool] = []
    bugs = Bugs((parse_bug(bug, DESK),))
    asked, _ = bugs.serve(booking(), DESK, score_by=no_rival)

    async def other() -> None:
        ran.append(True)

    async def scene() -> list[bool]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            await bugs.delay(asked)
            meanwhile = list(ran)
            tasks.cancel_scope.cancel()
        return meanwhile

    assert anyio.run(scene) == [True] * ran_meanwhile
