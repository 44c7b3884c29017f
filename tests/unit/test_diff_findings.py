"""Mismatches told as bugs: which findings there are, how they read, in what order."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import default_rng

from harness.columns import Column, Kind, Pair, Side
from harness.diff.case import Context
from harness.diff.pairs import compare
from harness.diff.scores import as_column
from harness.diff.tolerance import Tolerance, Tolerances
from harness.records import Finding

N = 1_000
HOUR_NS = 3_600 * 10**9
EVENT_NS = 1_750_000_000 * 10**9 + np.arange(N) * 600 * 10**9
THRESHOLD = 0.5
LENGTH = default_rng(8).normal(size=N)
UNUSED = default_rng(1002).normal(size=N)
Features = dict[str, Column]


def build(when_ns: np.ndarray, rows: np.ndarray) -> Features:
    """Two features of time, one of the request, one that the model does not use."""
    hours = when_ns // HOUR_NS
    return {
        "hour": as_column((hours % 24).astype(float)),
        "weekday": as_column((hours // 24 % 7).astype(float)),
        "length": as_column(LENGTH[rows]),
        "unused": as_column(UNUSED[rows]),
    }


def rescore(columns: Features) -> np.ndarray:
    """A logistic model of three of the four features."""
    z = (
        columns["hour"].values / 6
        - 2
        + columns["weekday"].values / 20
        + np.nan_to_num(columns["length"].values)
    )
    return np.asarray(1 / (1 + np.exp(-z)))


def rebuild(seq: np.ndarray, shift_ns: int) -> Features:
    """The features of some requests at another event time."""
    return build(EVENT_NS[seq] + shift_ns, seq)


OFFLINE = build(EVENT_NS, np.arange(N))
SCORES = rescore(OFFLINE)


def findings(
    served: Features | None, scores: np.ndarray | None = None, **options: object
) -> tuple[Finding, ...]:
    """What is found between the offline arm and an arm that serves these features."""
    if scores is None:
        scores = rescore({**OFFLINE, **(served or {})})
    pair = Pair(
        left=Side("offline:v1", SCORES, OFFLINE),
        right=Side("challenger", scores, served),
        seq=np.arange(N),
        request_id=np.array([f"r{i}" for i in range(N)], object),
        ts_ns=EVENT_NS,
        event_time_ns=EVENT_NS,
        unit=np.array([f"u{i % 50}" for i in range(N)], object),
        segments={},
        unstable=np.zeros(N, bool) if (unstable := options.get("unstable")) is None else np.asarray(unstable),
    )
    threshold = THRESHOLD if options.get("decide", True) else None
    whole = rebuild if options.get("rebuild") else None
    held, context = options.get("tolerances", Tolerances()), options.get("context", Context())
    assert isinstance(held, Tolerances)
    assert isinstance(context, Context)
    return compare(
        pair, tolerances=held, threshold=threshold, rescore=rescore, rebuild=whole, context=context
    ).findings


def late(start: int) -> Features:
    """An arm that reads event time one hour early from one request on."""
    return build(EVENT_NS - np.where(np.arange(N) >= start, HOUR_NS, 0), np.arange(N))


def test_one_shifted_clock_is_one_finding() -> None:
    """All its features, its requests, since when, and what it does to decision and score."""
    (found,) = findings(late(300), rebuild=True)
    flips = int(np.count_nonzero((rescore(late(300)) >= THRESHOLD) != (SCORES >= THRESHOLD)))
    change = np.abs(rescore(late(300)) - SCORES)[300:].mean()
    assert found.sentence == (
        "The challenger reads event_time 1 h early: hour and weekday (2 features) differ on 700 of 1,000 "
        f"requests since 2025-06-17T17:06:40Z; decisions flip on {flips} ({flips / 10:.1f} %); "
        f"mean score change {change:.2g}. Seen since 2025-06-17T17:06Z (95 % interval 16:56–17:06)."
    )
    assert (found.cause, found.fields) == ("event_time_shift", ("hour", "weekday"))
    assert (found.requests, found.explained, found.flips) == (700, 700, flips)
    assert found.last_seen == "2025-06-22T13:36:40Z"
    assert not found.latent
    assert found.exemplars[0].left == '{"hour": 17}'
    assert found.exemplars[0].right == '{"hour": 16}'


def test_a_stale_feature_is_not_called_a_wrong_clock() -> None:
    """Where another feature of time is right, only the age of the stale one is named."""
    served = OFFLINE | {"hour": build(EVENT_NS + 2 * HOUR_NS, np.arange(N))["hour"]}
    (found,) = findings(served, rebuild=True)
    assert found.cause == "as_of_shift"
    assert found.sentence.startswith(
        "The challenger builds hour as of 2 h after event_time: it differs on 1,000 of 1,000 requests"
    )
    assert found.sentence.endswith(" weekday is on time.")


def test_without_rebuilding_each_feature_has_its_finding() -> None:
    """The clock cannot be tested, so the hour is named on its own."""
    found = findings(late(0))
    assert {f.fields: f.cause for f in found} == {("hour",): "modular_shift", ("weekday",): "modular_shift"}
    assert found[0].sentence.startswith(
        "The challenger serves hour 1 lower than offline, modulo 24: it differs on "
    )


def test_a_second_bug_has_a_finding_of_its_own() -> None:
    """Explained features are not repeated, and each bug is charged only what it does alone."""
    served = late(300) | {"length": as_column(np.zeros(N))}
    clock, constant = sorted(findings(served, rebuild=True), key=lambda f: f.fields)
    assert (clock.fields, constant.fields) == (("hour", "weekday"), ("length",))
    assert constant.sentence.startswith(
        "The challenger serves the constant 0 for length: it differs on 1,000 of"
    )
    alone = (rescore({**OFFLINE, "length": as_column(np.zeros(N))}) >= THRESHOLD) != (SCORES >= THRESHOLD)
    assert constant.flips == np.count_nonzero(alone)
    assert "; taken alone, decisions flip on" in constant.sentence


def test_findings_are_ranked_by_flips_then_requests() -> None:
    """What changes decisions comes first, however rare."""
    served = late(900) | {"unused": as_column(UNUSED + 1)}
    found = findings(served, rebuild=True)
    assert [f.fields for f in found] == [("hour", "weekday"), ("unused",)]
    assert found[0].flips > found[1].flips == 0
    assert found[0].requests < found[1].requests


def test_skew_without_a_score_change_is_latent() -> None:
    """The bug is real and waits for a model that uses the feature."""
    (found,) = findings(OFFLINE | {"unused": as_column(UNUSED * 1000)})
    assert found.latent
    assert found.sentence == (
        "The challenger serves unused as 1,000 times offline (such as milliseconds for seconds): it differs "
        "on 1,000 of 1,000 requests since the first request; no score changes."
    )


def test_latent_skew_beside_a_costly_bug_stays_latent() -> None:
    """Another feature's cost is not charged to it."""
    found = findings(OFFLINE | {"unused": as_column(UNUSED + 1), "length": as_column(-LENGTH)})
    assert {f.fields: f.latent for f in found} == {("unused",): True, ("length",): False}


def test_noise_is_said_to_be_unexplained() -> None:
    """No cause is invented."""
    (found,) = findings(OFFLINE | {"length": as_column(LENGTH + default_rng(1003).normal(size=N))})
    assert (found.cause, found.explained) == ("unexplained", 0)
    assert found.sentence.startswith(
        "The challenger serves other values of length, cause unexplained: it differs on"
    )


def test_a_few_rows_that_nothing_explains_stand_with_the_cause() -> None:
    """Which says how many it reproduces."""
    served = LENGTH + 2
    served[::25] = default_rng(1004).normal(size=40) * 9
    (found,) = findings(OFFLINE | {"length": as_column(served)})
    assert "serves length 2 higher than offline" in found.sentence
    assert found.sentence.endswith(" The cause reproduces 960 of 1,000.")
    assert (found.requests, found.explained) == (1_000, 960)


def test_two_bugs_in_one_feature_are_two_findings() -> None:
    """Each with its own requests; together they hold every mismatch."""
    served = np.where(np.arange(N) % 4 == 0, -1.0, LENGTH * 10)
    found = {f.cause: f.requests for f in findings(OFFLINE | {"length": as_column(served)})}
    assert found == {"scale": 750, "constant": 250}


def test_a_feature_left_out_is_a_finding() -> None:
    """Missing on every request, whatever else the arm shows."""
    (found,) = findings({name: c for name, c in OFFLINE.items() if name != "length"}, scores=SCORES)
    assert (found.cause, found.requests, found.latent) == ("missing", N, True)
    assert found.exemplars[0].right == "missing"


@pytest.mark.parametrize(
    ("change", "cause", "words"),
    [
        (lambda s: 1 - s, "complement", "serves 1 − p as the score: features agree, scores differ on 1,000"),
        (lambda s: np.round(s, 3), "rounding", "rounds the score to 3 decimals"),
        (lambda s: s + 0.01, "shift", "serves the score 0.01 higher than offline"),
        (lambda s: np.full_like(s, 0.3), "constant", "serves the constant 0.3 for the score"),
        (lambda s: np.full_like(s, np.nan), "nan", "serves NaN for the score"),
        (
            lambda s: default_rng(1005).permutation(s),
            "unexplained",
            "serves other scores, unexplained: another model or another post-processing",
        ),
    ],
)
def test_scores_that_differ_on_equal_features_are_a_finding(
    change: Callable[[np.ndarray], np.ndarray], cause: str, words: str
) -> None:
    """Simple post-processing is named, anything else is another model."""
    (found,) = findings(OFFLINE, scores=change(SCORES))
    assert (found.fields, found.cause) == (("score",), cause)
    assert words in found.sentence


def test_a_float32_score_beyond_tolerance_is_named() -> None:
    """Scores of any size are cast the same way."""
    big = SCORES * 1e4
    pair = Pair(
        left=Side("champion", big, None),
        right=Side("challenger", big.astype(np.float32).astype(float), None),
        seq=np.arange(N),
        request_id=np.array([f"r{i}" for i in range(N)], object),
        ts_ns=EVENT_NS,
        event_time_ns=EVENT_NS,
        unit=np.full(N, None, object),
        segments={},
        unstable=np.zeros(N, bool),
    )
    (found,) = compare(pair, tolerances=Tolerances()).findings
    assert found.cause == "float32"
    assert "features are not shown, scores differ" in found.sentence
    assert "decisions" not in found.sentence


def test_a_finding_names_the_arm_it_was_held_against() -> None:
    """And what its fields cost when they are exchanged."""
    (found,) = findings(OFFLINE | {"length": as_column(-LENGTH)})
    assert (found.arm, found.left) == ("challenger", "offline:v1")
    assert found.cost is not None
    assert (found.cost.flips_in, found.cost.together) == (found.flips, 1)
    assert found.cost.flips_in == found.cost.flips_out == found.cost.flips_share
    assert found.mean_abs == pytest.approx(found.cost.mean_abs_in)


def test_bugs_that_meet_share_what_they_do() -> None:
    """The shares add up to the flips that are there; the costliest comes first, whatever its requests."""
    served = OFFLINE | {"length": as_column(-LENGTH), "hour": as_column(OFFLINE["hour"].values + 1)}
    scores = rescore(served)
    found = findings(served)
    flips = np.count_nonzero((scores >= THRESHOLD) != (SCORES >= THRESHOLD))
    shares = [one.cost.flips_share for one in found if one.cost]
    assert sum(shares) == pytest.approx(flips)
    assert shares == sorted(shares, reverse=True)
    assert {one.cost.together for one in found if one.cost} == {2}


def test_what_a_rule_lets_pass_is_named_where_scores_differ() -> None:
    """A cast of an input moves a score as any other bug does, and the rule that hides it is told."""
    served = OFFLINE | {"length": as_column(-LENGTH)}
    rule = Tolerances(features={"length": Tolerance(ignore=True, reason="known")})
    found = findings(served, tolerances=rule)
    assert {one.fields for one in found} == {("score",)}
    words = "features agree but for what rules let pass (length), scores differ"
    assert all(words in one.sentence for one in found)


def test_features_that_only_one_arm_shows_come_last() -> None:
    """However many requests show them."""
    served = OFFLINE | {
        "debug": as_column(UNUSED),
        "unused": as_column(np.where(LENGTH > 1, -UNUSED, UNUSED)),
    }
    assert [one.cause for one in findings(served)] == ["sign", "extra"]


def test_labels_tell_the_change_of_the_log_loss() -> None:
    """A build that turns the scores around loses what the label would have gained."""
    label = (SCORES > 0.5).astype(float)
    (found,) = findings(OFFLINE | {"length": as_column(-LENGTH)}, context=Context(label=label))
    assert found.cost is not None
    assert (found.cost.labelled, found.cost.log_loss is not None) == (N, True)
    assert (found.cost.log_loss or 0) > 0


def test_scores_on_rows_with_other_features_are_not_told_twice() -> None:
    """A skewed feature explains its rows; only the others are another finding."""
    served = np.where(np.arange(N) < 500, 0.0, LENGTH)
    scores = rescore({**OFFLINE, "length": as_column(served)})
    scores[700:] = 1 - scores[700:]
    found = {f.fields: f.requests for f in findings(OFFLINE | {"length": as_column(served)}, scores=scores)}
    assert found == {("length",): 500, ("score",): 300}


def test_unstable_answers_are_a_finding_of_their_own() -> None:
    """Not a cause of skew, and not mixed with it."""
    (found,) = findings(OFFLINE, scores=SCORES, unstable=np.arange(N) % 100 == 0)
    assert (found.cause, found.requests) == ("nondeterministic", 10)
    assert found.sentence.startswith("The challenger gives one request different scores: seen on 10 of 1,000")


def test_an_empty_cell_kind_is_named_with_its_first_time() -> None:
    """Nulls from one request on."""
    kind = np.where(np.arange(N) >= 600, Kind.NULL, Kind.VALUE).astype(np.uint8)
    served = Column("number", np.where(kind == Kind.NULL, np.nan, LENGTH), kind)
    (found,) = findings(OFFLINE | {"length": served}, decide=False)
    assert found.sentence.startswith(
        "The challenger serves null for length: it differs on 400 of 1,000 requests "
        "since 2025-06-19T19:06:40Z; mean score change"
    )
