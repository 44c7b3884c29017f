"""Whether a changed request still shows the same finding."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from harness import diff
from harness.columns import Column, Side
from harness.diff.persistence import Rebuilt, Seen, Symptom, see
from harness.diff.tolerance import Tolerance, Tolerances

DTYPES: Any = {"amount": "number", "age": "number", "country": "category"}
HOUR = 3_600 * 10**9


def columns(**features: object) -> dict[str, Column]:
    """Features of one request as an arm shows them."""
    echo = diff.from_json([json.dumps(features).encode()], DTYPES)
    assert echo is not None
    return echo.columns


def side(score: float = 0.5, **features: object) -> Side:
    """One arm's answer to one request."""
    return Side("arm", np.array([score]), columns(**features))


def seen(left: dict[str, Any], right: dict[str, Any], *, scores: tuple[float, float] = (0.5, 0.5)) -> Seen:
    """A request seen at two arms; features not given are 1."""
    usual = {"amount": 1, "age": 1, "country": "de"}
    return see(side(scores[0], **usual | left), side(scores[1], **usual | right), tolerances=Tolerances())


def persisting(cause: str, fields: list[str], *, first: Seen, now: Seen) -> tuple[str, ...]:
    """The fields of a finding that persist."""
    return Symptom(cause, tuple(fields), first).shown(now)


FIRST = seen({"amount": 10}, {"amount": 11}, scores=(0.1, 0.2))


def test_one_request_is_compared_as_a_run_compares_it() -> None:
    """How each field differs, both cells as texts, and the user's tolerance holds."""
    one = see(
        side(0.1, amount=10, age=None, country="de"),
        side(0.1 + 1e-7, amount=10.5, country="DE", age="NaN"),
        tolerances=Tolerances(features={"amount": Tolerance(atol=1.0, reason="noisy")}),
    )
    assert one.kinds == {"country": "category"}
    assert one.cells("country") == ('"de"', '"DE"')
    assert FIRST.kinds == {"amount": "value", "score": "value"}
    assert FIRST.cells("amount") == ("10", "11")
    assert FIRST.cells("unknown") == (None, None)


def test_an_arm_without_features_is_compared_by_score_alone() -> None:
    """Nothing is missing where nothing was shown; what answers differently each time differs."""
    dark = Side("arm", np.array([0.5]), None)
    assert see(side(amount=1), dark, tolerances=Tolerances()).kinds == {}
    assert see(side(), dark, tolerances=Tolerances(), unstable=True).kinds == {"score": "nondeterministic"}
    assert see(side(amount=1), side(), tolerances=Tolerances()).kinds == {"amount": "missing"}


@pytest.mark.parametrize(
    ("cause", "now", "shows"),
    [
        pytest.param("shift", ({"amount": 3}, {"amount": 4}), True, id="the same shift"),
        pytest.param("shift", ({"amount": 3}, {"amount": 7}), False, id="another shift"),
        pytest.param("shift", ({"amount": 3}, {"amount": 3}), False, id="no difference"),
        pytest.param("shift", ({"amount": 3}, {"amount": None}), False, id="another kind"),
        pytest.param("unexplained", ({"amount": 3}, {"amount": 7}), True, id="no cause to ask for"),
        pytest.param("sign", ({"amount": 3}, {"amount": 7}), True, id="a cause that was not this request's"),
    ],
)
def test_the_same_field_must_differ_by_the_same_cause(
    cause: str,
    now: tuple[dict[str, Any], dict[str, Any]],
    shows: bool,  # noqa: FBT001  -- a table
) -> None:
    """Another difference of the field is another finding."""
    found = persisting(cause, ["amount", "age"], first=FIRST, now=seen(*now))
    assert found == (("amount",) if shows else ())


@pytest.mark.parametrize(
    ("cause", "first", "now", "shows"),
    [
        ("case", ({"country": "de"}, {"country": "DE"}), ({"country": "fr"}, {"country": "FR"}), True),
        ("case", ({"country": "de"}, {"country": "DE"}), ({"country": "fr"}, {"country": "DE"}), False),
        ("fill", ({"age": None}, {"age": 0}), ({"age": None}, {"age": 0}), True),
        ("fill", ({"age": None}, {"age": 0}), ({"age": None}, {"age": 7}), False),
        ("wrong_type", ({"age": 3}, {"age": [3]}), ({"age": 5}, {"age": [5]}), True),
    ],
)
def test_causes_of_every_type_are_asked_for(
    cause: str,
    first: tuple[Any, Any],
    now: tuple[Any, Any],
    shows: bool,  # noqa: FBT001  -- a table
) -> None:
    """Levels, empty cells and wrong types, as numbers."""
    assert bool(persisting(cause, ["age", "country"], first=seen(*first), now=seen(*now))) is shows


def test_a_score_finding_is_gone_where_a_feature_differs_that_agreed() -> None:
    """Then the score differs because of it, which is another bug."""
    first = seen({}, {}, scores=(0.1, 0.9))
    alike, other = seen({}, {}, scores=(0.2, 0.8)), seen({}, {"age": 5}, scores=(0.2, 0.8))
    assert persisting("complement", ["score"], first=first, now=alike) == ("score",)
    assert persisting("complement", ["score"], first=first, now=other) == ()
    assert persisting("complement", ["score"], first=first, now=seen({}, {}, scores=(0.2, 0.9))) == ()


def shifted(hour: float, served: float, *, rebuilt: Rebuilt | None = None) -> Seen:
    """`amount` is the hour of the request, of which another one is served."""
    built = rebuilt or (lambda ns: columns(amount=hour + ns / HOUR, age=1, country="de"))
    return see(
        side(amount=hour, age=1, country="de"),
        side(amount=served, age=1, country="de"),
        tolerances=Tolerances(),
        rebuilt=built,
    )


def test_a_shifted_clock_is_asked_for_by_building_the_features_again() -> None:
    """The shift that explains the first request explains this one too; where none does, any will."""
    first, fields = shifted(14, 13), ["amount"]
    assert persisting("event_time_shift", fields, first=first, now=shifted(9, 8)) == ("amount",)
    assert persisting("event_time_shift", fields, first=first, now=shifted(9, 7)) == ()
    odd = shifted(14, 13.3)
    assert persisting("event_time_shift", fields, first=odd, now=shifted(9, 1)) == ("amount",)
    nothing = shifted(9, 8, rebuilt=lambda _: {})
    assert persisting("event_time_shift", fields, first=first, now=nothing) == ()
