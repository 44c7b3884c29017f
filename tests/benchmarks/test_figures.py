"""What the benchmarks say is right on numbers that can be checked by hand."""

from typing import Literal

import numpy as np
import pytest

from harness.records import Attempt, State
from tests.benchmarks.__main__ import MAKERS, chosen
from tests.benchmarks.figures import Goal, line, merged, reached, row, unmeasured
from tests.benchmarks.freeze import response_ns
from tests.benchmarks.open_loop import found_in

MS = 1_000_000


def goal(better: Literal["higher", "lower"] = "lower") -> Goal:
    """A goal with a floor of 3 and an aim of 1."""
    return Goal(id="a", figure="words", unit="ms", better=better, floor=3, aim=1)


def test_a_row_is_the_median_with_its_spread_and_best() -> None:
    """Runs that failed to measure do not count."""
    made = row(goal(), [2.0, float("nan"), 1.23456, 4.0])
    assert (made["value"], made["spread"], made["best"], made["runs"]) == (2.0, 2.77, 1.23, 3)
    assert (made["floor"], made["aim"], made["command"]) == (3, 1, "make bench NAME=a")
    assert row(goal("higher"), [1.0, 2.0])["best"] == 2.0


@pytest.mark.parametrize(
    ("better", "value", "floor", "aim"),
    [
        ("lower", 0.9, True, True),
        ("lower", 2.0, True, False),
        ("lower", 4.0, False, False),
        ("higher", 4.0, True, True),
    ],
)
def test_a_miss_is_called_a_miss(
    better: Literal["higher", "lower"], value: float, *, floor: bool, aim: bool
) -> None:
    """In the direction that is good."""
    made = row(goal(better), [value])
    assert (reached(made, "floor"), reached(made, "aim")) == (floor, aim)
    assert ("MISSED" in line(made)) == (not (floor and aim))


def test_what_was_not_measured_says_so() -> None:
    """No value, no mark reached, and the reason on the screen."""
    made = unmeasured(goal(), "no wrk here")
    assert (made["value"], reached(made, "floor")) == (None, None)
    assert line(made).endswith("NOT MEASURED: no wrk here")
    assert row(goal(), [float("nan")])["value"] is None


def test_rows_made_anew_replace_their_own() -> None:
    """In their places; new ones come last."""
    assert merged([{"id": "a", "n": 1}, {"id": "b"}], [{"id": "c"}, {"id": "a", "n": 2}]) == [
        {"id": "a", "n": 2},
        {"id": "b"},
        {"id": "c"},
    ]


def test_every_maker_is_run_once_for_a_file_and_alone_for_an_id() -> None:
    """Rows that are measured together are made together."""
    assert len(chosen("replay")["replay"]) == len(set(MAKERS["replay"].values()))
    assert chosen("wire_vs_wrk") == chosen("cpu_hey") == {"replay": [MAKERS["replay"]["wire_"]]}
    assert chosen("nothing") == {}


@pytest.mark.parametrize(
    ("due", "hold", "takes"),
    [(0, 20, 20), (990, 20, 2010), (900, 3000, 3000), (1500, 20, 1520), (2999, 20, 21), (3000, 20, 20)],
)
def test_the_truth_of_a_freeze(due: int, hold: int, takes: int) -> None:
    """Frozen from 1 s to 3 s: before, held into, held through, due in, due at the end, after; in ms."""
    frozen = (1000 * MS, 3000 * MS)
    one = response_ns(np.array([due * MS]), np.array([hold * MS]), frozen=frozen)
    assert one.tolist() == [takes * MS]


def test_figures_of_a_run() -> None:
    """Two requests, 1 and 3 ms late, received 1 ms after that, held 20 ms, answered 2 ms later."""
    attempts = [
        Attempt(
            seq=k,
            phase="p",
            target="t",
            attempt=1,
            state=State.OK,
            due_ns=due,
            written_ns=due + late,
            done_ns=due + late + 23 * MS,
            headers={
                "x-received-ns": str(due + late + MS),
                "x-sent-ns": str(due + late + 21 * MS),
                "x-hold-us": "20000",
            },
        )
        for k, (due, late) in enumerate([(1000 * MS, MS), (2000 * MS, 3 * MS)])
    ]
    lost = Attempt(seq=2, phase="p", target="t", attempt=1, state=State.TIMEOUT)
    found = found_in([*attempts, lost])
    assert (found.requests, found.answered) == (3, 2)
    assert found.send_p50 == pytest.approx(3.0)
    assert found.lag_p95 == pytest.approx(2.9)
    assert found.bias_p95 == pytest.approx(5.9)
    assert found.stretch_percent == pytest.approx(0.2)
