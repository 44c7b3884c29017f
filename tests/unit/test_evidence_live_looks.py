"""The looks at a live canary: what each test rules, what it refuses, and what stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from harness.evidence import Levels, LiveConfig
from harness.evidence.live import CHALLENGER, LiveLog
from harness.evidence.live_looks import ERRORS, P95, SPLIT, is_live, last, remember, summarise
from harness.gates import LiveP95
from harness.records import LiveSummary, Look
from harness.stats import canary_errors, clopper_pearson_lower
from tests.kit.some_evidence import evidence, look

EVEN = Levels(go=0.05, nogo=0.05)
DAY = 86_400 * 10**9
HOUR = 3_600 * 10**9
FOREVER = 10**18


def log(n: int, *, canary: np.ndarray, **changes: Any) -> LiveLog:  # noqa: ANN401  -- any field
    """Requests of three days, each of a unit of its own, none slow or failed."""
    usual: dict[str, Any] = {
        "ts_ns": np.linspace(0, 3 * DAY - 1, n).astype(np.int64),
        "arm": canary.astype(np.int8),
        "unit": np.arange(n),
        "error": np.zeros(n, dtype=bool),
        "unlogged": np.zeros(n, dtype=bool),
        "latency_ms": np.full(n, 20.0),
        "neither_ns": np.zeros(0, dtype=np.int64),
    }
    return LiveLog(**(usual | changes))


def split(n: int, share: float = 0.05, *, seed: int = 1) -> np.ndarray:
    """Each request assigned on its own."""
    return np.random.default_rng(seed).random(n) < share


def looked(found: LiveLog, *, as_of_ns: int = FOREVER, **config: Any) -> LiveSummary:  # noqa: ANN401  -- any field
    """The summary of a log."""
    declared = LiveConfig(**({"share": 0.05} | config))
    return summarise(found, declared, budget_ms=120.0, as_of_ns=as_of_ns, levels=EVEN)


def of(summary: LiveSummary, test: str) -> list[Look]:
    """The looks at one test, oldest first."""
    return [x for x in summary.looks if x.test.startswith(test)]


def ruled(summary: LiveSummary, test: str) -> str:
    """What the last look at a test says."""
    found = last(summary, test)
    assert found is not None
    return found.ruling


def test_a_look_for_each_day_or_hour_with_traffic() -> None:
    """Three days are three looks, at their ends; the last is cut where it is looked from."""
    found = log(3000, canary=split(3000))
    days = of(looked(found), SPLIT)
    assert [x.as_of for x in days] == [f"1970-01-0{k}T00:00:00Z" for k in (2, 3, 4)]
    assert [x.n for x in days] == [1000, 2000, 3000]
    assert len(of(looked(found, every="hour"), SPLIT)) == 72
    cut = of(looked(found, as_of_ns=DAY + HOUR), SPLIT)
    assert [x.as_of for x in cut] == ["1970-01-02T00:00:00Z", "1970-01-02T01:00:00Z"]
    assert looked(found, as_of_ns=-5).looks == ()


@pytest.mark.parametrize(
    ("share", "n", "ruling"), [(0.05, 9000, "PASS"), (0.08, 9000, "FAIL"), (0.05, 60, "UNDECIDED")]
)
def test_the_split_is_kept_broken_or_too_short_to_tell(share: float, n: int, ruling: str) -> None:
    """5 % were declared; few requests prove no split."""
    summary = looked(log(n, canary=split(n, share)))
    assert ruled(summary, SPLIT) == ruling
    newest = of(summary, SPLIT)[-1]
    assert newest.lower is not None
    assert newest.upper is not None
    assert (newest.lower <= 0.05 <= newest.upper) == (ruling != "FAIL")


def test_a_sticky_split_is_counted_by_unit() -> None:
    """A few units that send much break no split of units, and would break one of requests."""
    rng = np.random.default_rng(3)
    mine = np.concatenate([np.arange(20) < 4, rng.random(1980) < 0.05])
    sizes = np.where(np.arange(2000) < 20, 400, 2)
    unit = rng.permutation(np.repeat(np.arange(2000), sizes))
    found = log(len(unit), canary=mine[unit], unit=unit)
    assert ruled(looked(found, sticky=True), SPLIT) == "PASS"
    assert ruled(looked(found), SPLIT) == "FAIL"
    assert of(looked(found, sticky=True), SPLIT)[-1].units == 2000


def test_units_that_met_both_arms_refuse_a_sticky_split() -> None:
    """Routing by request, declared as sticky: nothing is ruled, and the look says how many units moved."""
    rng = np.random.default_rng(4)
    found = log(4000, canary=split(4000, 0.5), unit=rng.integers(0, 1000, 4000))
    newest = of(looked(found, share=0.5, sticky=True), SPLIT)[-1]
    assert newest.ruling == "UNDECIDED"
    assert "units met both arms" in newest.refused
    assert of(looked(found, share=0.5), SPLIT)[-1].refused == ""


@pytest.mark.parametrize(
    ("rates", "ruling"), [((0.1, 0.1), "PASS"), ((0.1, 0.25), "FAIL"), ((0.02, 0.0225), "UNDECIDED")]
)
def test_errors_of_both_arms_are_compared_by_their_share_of_traffic(
    rates: tuple[float, float], ruling: str
) -> None:
    """Half of the traffic each, margin .25: equal passes, far worse fails, worse within it stays open."""
    n = 30_000
    canary = split(n, 0.5)
    failed = np.random.default_rng(2).random(n) < np.where(canary, rates[1], rates[0])
    summary = looked(log(n, canary=canary, error=failed), share=0.5)
    assert ruled(summary, ERRORS) == ruling
    newest = of(summary, ERRORS)[-1]
    assert newest.units == failed.sum()
    assert newest.lower is not None
    assert newest.upper is not None
    assert (newest.lower > 1.0, newest.upper < 1.25) == (ruling == "FAIL", ruling == "PASS")


def test_without_errors_nothing_is_proven() -> None:
    """No error, no trial: open, with no estimate."""
    newest = of(looked(log(5000, canary=split(5000))), ERRORS)[-1]
    assert (newest.ruling, newest.estimate, newest.units) == ("UNDECIDED", None, 0)


def clustered(seed: int, *, sticky: bool) -> LiveLog:
    """Equal builds: 3 % of 400 units fail always, 15 requests each, routed by unit or by request."""
    rng = np.random.default_rng(seed)
    unit = rng.permutation(np.repeat(np.arange(400), 15))
    by_unit, by_request = rng.random(400) < 0.5, rng.random(unit.size) < 0.5
    failed = (rng.random(400) < 0.03)[unit]
    return log(unit.size, canary=by_unit[unit] if sticky else by_request, unit=unit, error=failed)


def false_alarms(*, sticky: bool, runs: int = 200) -> int:
    """How often the request-level test calls equal builds different, looking after every error."""
    alarms = 0
    for seed in range(runs):
        found = clustered(seed, sticky=sticky)
        mine = (found.arm == CHALLENGER)[found.error]
        test = canary_errors(0.5, "greater", n_opt=100, alpha=0.05)
        evidence = test.log_e_of(np.cumsum(mine), np.arange(1, mine.size + 1))
        alarms += bool((evidence >= np.log(20)).any())
    return alarms


def test_the_request_level_test_is_wrong_under_sticky_routing_and_right_without() -> None:
    """The negative control: clustered errors false-alarm beyond doubt by unit, and not by request."""
    assert clopper_pearson_lower(false_alarms(sticky=True), 200, level=0.99) > 0.05
    assert clopper_pearson_lower(false_alarms(sticky=False), 200, level=0.99) <= 0.05


def test_under_sticky_routing_errors_are_refused() -> None:
    """Whatever the counts say, nothing is ruled, and the look says to use units."""
    for seed in range(5):
        newest = of(looked(clustered(seed, sticky=True), share=0.5, sticky=True), ERRORS)[-1]
        assert newest.ruling == "UNDECIDED"
        assert "by unit" in newest.refused


@pytest.mark.parametrize(
    ("slow", "ruling"), [(0.0, "PASS"), (0.005, "PASS"), (0.15, "FAIL"), (0.05, "UNDECIDED")]
)
def test_the_p95_of_the_canary_is_judged_block_by_block(slow: float, ruling: str) -> None:
    """4,000 requests of the canary, 200 blocks of 20; slow ones of the champion say nothing."""
    n = 8000
    canary = split(n, 0.5)
    late = (np.random.default_rng(5).random(n) < slow) | ~canary
    summary = looked(log(n, canary=canary, latency_ms=np.where(late, 200.0, 20.0)), share=0.5)
    assert ruled(summary, P95) == ruling
    newest = of(summary, P95)[-1]
    assert newest.units == summary.blocks == int(canary.sum()) // 20
    assert newest.n == 20 * newest.units
    assert summary.left_over == int(canary.sum()) % 20
    assert newest.lower is not None
    assert newest.upper is not None
    assert (newest.lower > 0.05, newest.upper < 0.05) == (ruling == "FAIL", ruling == "PASS")


def test_a_failed_request_is_slow() -> None:
    """However quickly it failed, with a latency or without."""
    n = 4000
    failed = np.random.default_rng(5).random(n) < 0.2
    latency = np.where(failed, np.nan, 20.0)
    summary = looked(log(n, canary=np.ones(n, dtype=bool), error=failed, latency_ms=latency))
    assert ruled(summary, P95) == "FAIL"
    assert of(summary, P95)[-1].refused == ""


@pytest.mark.parametrize(("share", "ruling"), [(0.0, "PASS"), (0.009, "PASS"), (0.011, "UNDECIDED")])
def test_latencies_that_are_missing_refuse_the_look(share: float, ruling: str) -> None:
    """At most 1 % may lack; those count as slow for PASS and as fast for FAIL."""
    n = 10_000
    latency = np.full(n, 20.0)
    latency[:: round(1 / share) if share else n + 1] = np.nan
    newest = of(looked(log(n, canary=np.ones(n, dtype=bool), latency_ms=latency)), P95)[-1]
    assert newest.ruling == ruling
    assert ("no recorded latency" in newest.refused) == (ruling == "UNDECIDED")


def test_latencies_that_may_be_missing_help_neither_ruling() -> None:
    """30 % unknown, where half may be: they could all be slow, or all fast, so nothing is ruled."""
    n = 10_000
    latency = np.where(np.random.default_rng(6).random(n) < 0.3, np.nan, 20.0)
    found = looked(log(n, canary=np.ones(n), latency_ms=latency), max_missing_share=0.5)
    newest = of(found, P95)[-1]
    assert (newest.ruling, newest.refused, newest.lower) == ("UNDECIDED", "", 0.0)
    assert newest.upper is not None
    assert newest.upper > 0.3


def test_units_count_once_by_their_first_day() -> None:
    """What a unit sends later is in no value, and the first day must be over."""
    ts = np.array([1, 2, 3, DAY + 1, DAY + 2, DAY + 3])
    slow = np.array([200.0, 20.0, 20.0, 200.0, 200.0, 20.0])
    found = log(6, canary=np.ones(6), ts_ns=ts, unit=np.array([0, 0, 1, 0, 2, 2]), latency_ms=slow)
    summary = looked(found, blocks="units")
    assert [x.units for x in of(summary, P95)] == [2, 3]
    assert [x.n for x in of(summary, P95)] == [3, 5]
    assert of(summary, P95)[-1].estimate == pytest.approx((0.5 + 0.0 + 0.5) / 3)
    assert summary.left_over == 1
    assert summary.effective == pytest.approx(5**2 / (2**2 + 1 + 2**2))
    assert [x.units for x in of(looked(found, blocks="units", as_of_ns=DAY - 1), P95)] == [0]


def test_a_ruling_stays_and_fail_wins() -> None:
    """A first day within, then days over: PASS, then FAIL for good, though the last day is fine."""
    n = 30_000
    ts = np.linspace(0, 10 * DAY - 1, n).astype(np.int64)
    bad = (ts > 2 * DAY) & (ts <= 3 * DAY) & (np.arange(n) % 2 == 0)
    found = log(n, canary=np.ones(n), ts_ns=ts, latency_ms=np.where(bad, 200.0, 20.0))
    words = [x.ruling for x in of(looked(found), P95)]
    assert words[0] == "PASS"
    assert "FAIL" in words
    assert set(words[words.index("FAIL") :]) == {"FAIL"}


def test_looks_that_were_written_stay_and_those_at_labels_are_none_of_ours() -> None:
    """A ruling of before is kept at its time and latched; a look at labels rules nothing here."""
    summary = looked(log(3000, canary=split(3000)))
    assert ruled(summary, P95) == "UNDECIDED"
    first = of(summary, P95)[0]
    labels = look(as_of=first.as_of, ruling="FAIL")
    assert not is_live(labels)
    kept = remember(summary, [replace(first, ruling="FAIL"), labels])
    assert [x.ruling for x in of(kept, P95)] == ["FAIL"] * 3
    assert [x.ruling for x in of(kept, SPLIT)] == [x.ruling for x in of(summary, SPLIT)]
    assert len(kept.looks) == len(summary.looks)
    assert "would show other numbers" not in kept.note
    moved = remember(summary, [replace(first, n=7)])
    assert "1 past looks would show other numbers" in moved.note


def test_the_looks_do_not_depend_on_when_they_are_taken() -> None:
    """What was seen on a day is the same from a later day."""
    found = log(6000, canary=split(6000, 0.3), latency_ms=np.random.default_rng(1).gamma(2, 20, 6000))
    early, late = looked(found, share=0.3, as_of_ns=2 * DAY), looked(found, share=0.3)
    for test in (SPLIT, ERRORS, P95):
        assert of(early, test) == of(late, test)[:2]


@pytest.mark.parametrize(
    ("share", "times", "n"), [(0.5, 2.0, 400), (0.5, 1.8, 400), (0.05, 2.0, 2500), (0.1, 1.8, 1500)]
)
def test_a_split_that_is_off_by_nearly_the_factor_is_not_kept(share: float, times: float, n: int) -> None:
    """The very counts of such odds: they may be too few to say that it is broken, never enough to pass."""
    odds = share / (1.0 - share) * times
    for size in range(50, n, 50):
        canary = np.arange(size) < round(size * odds / (1.0 + odds))
        found = looked(log(size, canary=canary), share=share)
        assert last(found, SPLIT).ruling != "PASS"  # type: ignore[union-attr]  # there is a look


def test_a_split_is_kept_once_its_bounds_are_within_the_odds() -> None:
    """Half declared, factor 2: PASS just where the bounds are between a third and two thirds."""
    seen = set()
    for size in range(20, 400, 20):
        newest = of(looked(log(size, canary=np.arange(size) % 2 == 0), share=0.5), SPLIT)[-1]
        assert newest.lower is not None
        assert newest.upper is not None
        within = newest.lower > 1 / 3 and newest.upper < 2 / 3
        assert newest.ruling == ("PASS" if within else "UNDECIDED")
        seen.add(within)
    assert seen == {True, False}


@pytest.mark.parametrize("share", [0.0, 0.009, 0.011, 0.04, 0.3])
def test_requests_that_name_neither_arm_refuse_every_look(share: float) -> None:
    """A failed answer has no header that names who served it: 1 % may be so, and they have a time."""
    n = 30_000
    canary = split(n, 0.5)
    failed = np.random.default_rng(2).random(n) < 0.1
    others = round(n * share / (1.0 - share))
    neither = np.linspace(2 * DAY, 3 * DAY - 1, others).astype(np.int64)
    summary = looked(log(n, canary=canary, error=failed & ~canary, neither_ns=neither), share=0.5)
    for test in (SPLIT, ERRORS):
        newest, first = of(summary, test)[-1], of(summary, test)[0]
        assert (f"{others:,} of {n + others:,} requests name neither arm" in newest.refused) == (share > 0.01)
        assert (newest.ruling, first.ruling, first.refused) == ("PASS", "PASS", "")
    assert (of(summary, P95)[-1].refused != "") == (share > 0.01)


def test_a_day_when_no_request_names_an_arm_is_looked_at() -> None:
    """All that failed: without a look of its own nobody would be told."""
    n = 3000
    summary = looked(log(n, canary=split(n, 0.5), neither_ns=np.full(n, 4 * DAY)), share=0.5)
    assert [len(of(summary, test)) for test in (SPLIT, ERRORS, P95)] == [4, 4, 4]
    assert "name neither arm" in of(summary, P95)[-1].refused


@pytest.mark.parametrize(("arm", "refused"), [(0, {ERRORS}), (1, {ERRORS, P95})])
def test_statuses_that_were_not_logged_refuse_what_reads_them(arm: int, refused: set[str]) -> None:
    """A champion without any status does not err more than a canary that fails 5 % of its requests."""
    n = 20_000
    canary = split(n, 0.1)
    unlogged = canary == bool(arm)
    failed = canary & ~unlogged & (np.arange(n) % 20 == 0)
    summary = looked(log(n, canary=canary, error=failed, unlogged=unlogged), share=0.1)
    assert ruled(summary, ERRORS) == "UNDECIDED"
    for test in (SPLIT, ERRORS, P95):
        assert ("have no recorded status" in of(summary, test)[-1].refused) == (test in refused)


@pytest.mark.parametrize("arm", [0, 1])
def test_few_statuses_that_are_missing_help_neither_ruling(arm: int) -> None:
    """.9 % of an arm, where no other request failed: they could all be errors, or none."""
    n = 60_000
    canary = split(n, 0.5)
    lacking = (canary == bool(arm)) & (np.random.default_rng(3).random(n) < 0.009)
    newest = of(looked(log(n, canary=canary, unlogged=lacking), share=0.5), ERRORS)[-1]
    assert (newest.ruling, newest.refused, newest.units) == ("UNDECIDED", "", 0)


def test_heavy_units_are_counted_by_request_beside_their_mean() -> None:
    """40 units of 4,000 send 83 % of the requests, all slow; the mean over units is 1 %."""
    rng = np.random.default_rng(0)
    unit = rng.permutation(np.repeat(np.arange(4000), np.where(np.arange(4000) < 40, 500, 1)))
    slow, n = unit < 40, unit.size
    ts = np.linspace(0, DAY - 1, n).astype(np.int64)
    found = log(n, canary=np.ones(n), ts_ns=ts, unit=unit, latency_ms=np.where(slow, 500.0, 10.0))
    summary = looked(found, blocks="units", as_of_ns=2 * DAY)
    assert of(summary, P95)[-1].estimate == pytest.approx(0.01)
    assert (summary.counts["slow of challenger"], of(summary, P95)[-1].n) == (20_000, n)
    assert summary.measure == "share of a unit's requests in its first day, mean over units"
    assert "mean over units" in of(summary, P95)[-1].test
    (verdict,) = LiveP95().judge(evidence(live=summary), EVEN)
    assert verdict.ruling == "UNDECIDED"
    assert "83.47% of all its 23,960" in verdict.reason


@pytest.mark.parametrize(
    ("test", "tuning"),
    [
        (SPLIT, {"split_alpha": 0.01}),
        (SPLIT, {"split_factor": 3.0}),
        (SPLIT, {"share": 0.06}),
        (SPLIT, {"sticky": True}),
        (ERRORS, {"planned_errors": 100}),
        (ERRORS, {"error_margin": 0.5}),
        (ERRORS, {"share": 0.06}),
        (P95, {"block": 40}),
        (P95, {"blocks": "units"}),
    ],
)
def test_another_tuning_is_another_test(test: str, tuning: dict[str, Any]) -> None:
    """By its name; the looks under the first one rule nothing in the second, and are counted."""
    found = log(3000, canary=split(3000))
    before, after = looked(found), looked(found, **tuning)
    assert of(before, test)[-1].test != of(after, test)[-1].test
    kept = remember(after, [replace(x, ruling="FAIL") for x in of(before, test)])
    assert kept.looks == after.looks
    assert "3 looks under another tuning were another test" in kept.note


@pytest.mark.parametrize("test", [ERRORS, P95])
@pytest.mark.parametrize("levels", [Levels(go=0.01, nogo=0.05), Levels(go=0.05, nogo=0.01)])
def test_another_level_is_another_test(test: str, levels: Levels) -> None:
    """α belongs to the name of the two tests that have the decision's."""
    found, declared = log(3000, canary=split(3000)), LiveConfig(share=0.05)
    other = summarise(found, declared, budget_ms=120.0, as_of_ns=FOREVER, levels=levels)
    assert of(other, test)[-1].test != of(looked(found), test)[-1].test
    slower = summarise(found, declared, budget_ms=130.0, as_of_ns=FOREVER, levels=EVEN)
    assert (of(slower, test)[-1].test != of(looked(found), test)[-1].test) == (test == P95)


@pytest.mark.parametrize(
    ("heavy", "silent"),
    [
        ("all", set()),
        ("half", {SPLIT, ERRORS, P95}),
        ("fine", {SPLIT, P95}),
        ("champion", {SPLIT, ERRORS}),
    ],
)
def test_counts_of_a_log_with_unequal_weights_rule_nothing(heavy: str, silent: set[str]) -> None:
    """A test whose own requests weigh unequally shows no number; one whose are alike goes on."""
    canary, n = split(8_000, 0.5), 8_000
    error = np.arange(n) % 20 == 0
    weight = {
        "all": np.full(n, 4.0),
        "half": np.where(np.arange(n) % 7 < 3, 4.0, 1.0),
        "fine": np.where(error, 1.0, 20.0),
        "champion": np.where(canary, 1.0, 4.0),
    }[heavy]
    found = looked(log(n, canary=canary, error=error, weight=weight), share=0.5)
    for test in (SPLIT, ERRORS, P95):
        shown = last(found, test)
        assert shown is not None
        assert (shown.estimate is None) is (test in silent), test
        if test in silent:
            assert (shown.ruling, shown.lower, shown.upper, shown.log_e) == ("UNDECIDED", None, None, None)
            assert "the log is a sample in which" in shown.refused
    assert ("not those of the traffic" in found.note) is bool(silent)
