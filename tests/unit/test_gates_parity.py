"""Parity is a census: exact counts against budgets, and no pair is no evidence."""

from dataclasses import replace

import msgspec
import pytest

from harness.evidence import JudgedPair
from harness.gates import DecisionFlips, FeatureParity, ScoreParity, beyond_saving
from harness.records import (
    Estimate,
    FieldSummary,
    LogJoin,
    NoiseTaken,
    PairTraffic,
    RedactedInput,
    SinglesCheck,
)
from tests.kit.some_evidence import LEVELS, champion, evidence, offline, own, pair

GATES = [
    pytest.param(FeatureParity(max_share=0.002), "feature_mismatches", id="features"),
    pytest.param(ScoreParity(max_share=0.002), "score_mismatches", id="scores"),
    pytest.param(DecisionFlips(max_share=0.002), "flips", id="flips"),
]
Gate = FeatureParity | ScoreParity | DecisionFlips


@pytest.mark.parametrize(("gate", "counted"), GATES)
@pytest.mark.parametrize(("count", "ruling"), [(0, "PASS"), (2, "PASS"), (3, "FAIL"), (1000, "FAIL")])
def test_the_budget_is_the_last_count_that_passes(gate: Gate, counted: str, count: int, ruling: str) -> None:
    """Of 1,000 requests 2 are within .2 %, and 3 are not."""
    (verdict,) = gate.judge(evidence(pairs=(offline(**{counted: count}),)), LEVELS)
    assert (verdict.ruling, verdict.value, verdict.n) == (ruling, count / 1000, 1000)
    assert f"{count:,} of 1,000 requests" in verdict.reason
    assert verdict.fault is None


@pytest.mark.parametrize(("gate", "counted"), GATES)
def test_each_gate_counts_its_own_mismatches(gate: Gate, counted: str) -> None:
    """What the other gates count does not matter to one."""
    counts = {"feature_mismatches": 500, "score_mismatches": 500, "flips": 500} | {counted: 0}
    (verdict,) = gate.judge(evidence(pairs=(offline(**counts),)), LEVELS)
    assert verdict.ruling == "PASS"


@pytest.mark.parametrize(("gate", "counted"), GATES)
def test_arms_that_never_answered_the_same_request_prove_nothing(gate: Gate, counted: str) -> None:
    """An empty join is UNDECIDED, whatever is counted on it."""
    (verdict,) = gate.judge(evidence(pairs=(offline(compared=0, **{counted: 0}),)), LEVELS)
    assert (verdict.ruling, verdict.fault, verdict.required) == ("UNDECIDED", "evidence", True)


@pytest.mark.parametrize(("gate", "counted"), GATES)
@pytest.mark.parametrize("others", [(), (own(),)], ids=["no pair", "the champion's only"])
def test_no_pair_of_the_build_under_test_is_undecided(
    gate: Gate, counted: str, others: tuple[JudgedPair, ...]
) -> None:
    """A gate is never left out because there is nothing to judge."""
    assert counted
    verdict = gate.judge(evidence(pairs=others), LEVELS)[-1]
    assert (verdict.arm, verdict.ruling, verdict.required) == ("challenger", "UNDECIDED", True)
    assert verdict.needs


@pytest.mark.parametrize(("gate", "counted"), GATES)
def test_a_champion_that_fails_is_advisory(gate: Gate, counted: str) -> None:
    """The champion's own skew is told, and is not held against the challenger."""
    pairs = (offline(), own(**{counted: 1000}))
    mine, theirs = gate.judge(evidence(pairs=pairs), LEVELS)
    assert (mine.ruling, mine.required) == ("PASS", True)
    assert (theirs.ruling, theirs.required, theirs.arm) == ("FAIL", False, "champion vs offline:old")


@pytest.mark.parametrize(("gate", "arms"), [(FeatureParity(), 1), (ScoreParity(), 2), (DecisionFlips(), 2)])
def test_only_a_parity_release_must_agree_with_the_champion(gate: Gate, arms: int) -> None:
    """An improvement is meant to score differently; features are compared with the offline ones only."""
    differs = champion(score_mismatches=900, flips=300, feature_mismatches=900)
    pairs = (offline(), differs)
    assert len(gate.judge(evidence(pairs=pairs), LEVELS)) == arms
    improved = gate.judge(evidence(pairs=pairs, parity_release=False), LEVELS)
    assert [v.ruling for v in improved] == ["PASS"]


@pytest.mark.parametrize("gate", [ScoreParity(), DecisionFlips()], ids=["scores", "flips"])
def test_an_improvement_held_against_the_champion_only_proves_nothing(gate: Gate) -> None:
    """Without an offline model nothing says that the served model is the trained one."""
    (verdict,) = gate.judge(evidence(pairs=(champion(),), parity_release=False), LEVELS)
    assert (verdict.ruling, verdict.needs.partition(" to ")[0]) == ("UNDECIDED", "an offline model")


def test_a_silent_endpoint_cannot_show_its_features() -> None:
    """No echo is no evidence: UNDECIDED, with the way out."""
    (verdict,) = FeatureParity().judge(evidence(pairs=(offline(feature_mismatches=None),)), LEVELS)
    assert (verdict.ruling, verdict.fault) == ("UNDECIDED", "evidence")
    assert "targets.*.response.features" in verdict.needs


def test_a_gate_that_is_not_required_stays_so() -> None:
    """`required = false` loosens the verdict of the build under test, present or missing."""
    gate = FeatureParity(required=False)
    pairs = evidence(pairs=(offline(feature_mismatches=9),)), evidence(pairs=())
    assert [v.required for e in pairs for v in gate.judge(e, LEVELS)] == [False, False]


def test_the_bound_for_future_traffic_is_by_request_and_by_unit() -> None:
    """0 of 1,000 requests bounds the rate at .299 %, 0 of 200 units at 1.487 %; units are those compared."""
    (verdict,) = FeatureParity().judge(evidence(pairs=(offline(),)), LEVELS)
    assert [(e.name, e.count, e.n, round(e.upper or 1, 5)) for e in verdict.evidence] == [
        ("feature_parity", 0, 1000, 0.00299),
        ("feature_parity by unit", 0, 200, 0.01487),
    ]
    assert verdict.method.endswith("the rate is below 0.299% (95 %).")


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        (FeatureParity(), [(4, 1000), (3, 200)]),
        (ScoreParity(), [(5, 1000), (2, 200)]),
        (DecisionFlips(), [(1, 1000), (1, 200)]),
    ],
    ids=["features", "scores", "flips"],
)
def test_units_hit_are_those_of_the_count(gate: Gate, expected: list[tuple[int, int]]) -> None:
    """Units with a differing feature, with a differing score and with a flip are three numbers."""
    summary = offline(
        feature_mismatches=4,
        units_mismatching=150,
        units_features=3,
        score_mismatches=5,
        units_scores=2,
        flips=1,
        units_flips=1,
    )
    (verdict,) = gate.judge(evidence(pairs=(summary,)), LEVELS)
    assert [(e.count, e.n) for e in verdict.evidence] == expected


@pytest.mark.parametrize(("gate", "counted"), GATES)
@pytest.mark.parametrize("count", [0, 1000])
def test_a_void_reference_neither_blames_nor_clears(gate: Gate, counted: str, count: int) -> None:
    """A pipeline that answers otherwise alone than in a batch is the harness's fault, whatever is counted."""
    spoilt = {"new": SinglesCheck(checked=50, found=("seq 1, hour: 3.0 alone, 4.0 in the batch",))}
    pairs = (offline(**{counted: count}), champion(**{counted: 0}))
    void, *rest = gate.judge(evidence(pairs=pairs, singles=spoilt), LEVELS)
    assert (void.ruling, void.fault, void.required, void.n) == ("UNDECIDED", "harness", True, 1000)
    assert [v.ruling for v in rest] == ["PASS"] * len(rest)


@pytest.mark.parametrize("gate", [ScoreParity(), DecisionFlips()], ids=["scores", "flips"])
@pytest.mark.parametrize(("common", "ruling"), [(990, "PASS"), (989, "UNDECIDED"), (100, "UNDECIDED")])
def test_a_champion_that_hardly_answers_proves_nothing(gate: Gate, common: int, ruling: str) -> None:
    """Of 1,000 requests that the challenger answered, the champion must have answered 99 %."""
    verdict = gate.judge(evidence(pairs=(offline(), champion(compared=common))), LEVELS)[-1]
    assert (verdict.arm, verdict.ruling, verdict.n) == ("challenger vs champion", ruling, common)
    assert verdict.fault == (None if ruling == "PASS" else "evidence")
    assert ruling == "PASS" or f"only {common:,} of the 1,000 requests" in verdict.reason


def test_a_pair_names_the_arm_under_judgement_first() -> None:
    """The right arm of a pair is the one that is judged."""
    assert JudgedPair(pair(), "offline", under_test=True).arm == "challenger vs offline:new"


COUNTS = {"feature_mismatches": 15, "score_mismatches": 13, "flips": 12}


@pytest.mark.parametrize(
    ("judged", "parity", "counts"),
    [
        (offline(**COUNTS), True, (15, 13, 12)),
        (offline(**COUNTS), False, (15, 13, 12)),
        (own(**COUNTS), True, (0, 0, 0)),
        (champion(**COUNTS), True, (0, 13, 12)),
        (champion(**COUNTS), False, (0, 0, 0)),
        (offline(**COUNTS | {"feature_mismatches": None}), True, (0, 13, 12)),
        (offline(feature_mismatches=10, score_mismatches=2, flips=3), True, (0, 0, 0)),
    ],
)
def test_only_what_a_gate_judges_is_beyond_saving(
    judged: JudgedPair, *, parity: bool, counts: tuple[int, int, int]
) -> None:
    """Not another arm's, not the champion's in an improvement, not what may still pass."""
    gates = (FeatureParity(max_share=0.01), ScoreParity(max_share=0.01), DecisionFlips(max_share=0.01))
    given = evidence(pairs=(judged,), parity_release=parity)
    assert tuple(beyond_saving(gate, given, captured=1000) for gate in gates) == counts
    assert beyond_saving(FeatureParity(max_share=0.01, required=False), given, captured=1000) == 0


@pytest.mark.parametrize(("silent", "ruling"), [(2, "PASS"), (3, "UNDECIDED")])
def test_a_pass_does_not_hang_on_requests_that_were_failed(silent: int, ruling: str) -> None:
    """Of 1,000 with a budget of .2 %, two that the arm failed may differ; three might be one too many."""
    (verdict,) = [
        one
        for one in ScoreParity().judge(evidence(unanswered={"challenger": silent}), LEVELS)
        if one.arm == "challenger vs offline:new"
    ]
    assert (verdict.ruling, verdict.fault) == (ruling, None if ruling == "PASS" else "evidence")
    assert ("3 more that challenger failed to answer" in verdict.reason) == (ruling == "UNDECIDED")


@pytest.mark.parametrize(("gate", "counted"), GATES)
@pytest.mark.parametrize(
    ("noise", "ruling", "value"), [(0, "FAIL", 0.012), (9, "FAIL", 0.003), (10, "PASS", 0.002)]
)
def test_the_budget_is_held_against_what_noise_leaves(
    gate: Gate, counted: str, noise: int, ruling: str, value: float
) -> None:
    """Of 12 the count stays; a verdict that noise was taken off for is no census and says so."""
    taken = NoiseTaken(features=noise, scores=noise, flips=noise)
    (verdict,) = gate.judge(evidence(pairs=(offline(**{counted: 12}, noise=taken),)), LEVELS)
    assert (verdict.ruling, verdict.value) == (ruling, value)
    assert verdict.reason.startswith("12 of 1,000 requests (1.20%)")
    assert verdict.evidence[0].count == 12
    assert ("no census" in verdict.method) is bool(noise)
    assert (f"at least {noise:,} of them are the champion's own noise" in verdict.reason) is bool(noise)


def test_numbers_that_pass_by_the_size_of_the_noise_are_named() -> None:
    """They are compared by what was asked twice, so the count is no census."""
    (verdict,) = FeatureParity().judge(evidence(pairs=(offline(noise=NoiseTaken(numbers=("age",))),)), LEVELS)
    assert verdict.ruling == "PASS"
    assert "Numbers of age count as equal" in verdict.method
    assert "no census" in verdict.method
    (other,) = ScoreParity().judge(evidence(pairs=(offline(noise=NoiseTaken(numbers=("age",))),)), LEVELS)
    assert "census" not in other.method


@pytest.mark.parametrize(("hits", "expected"), [(30, 0), (31, 21)])
def test_noise_that_may_still_come_is_not_beyond_saving(hits: int, expected: int) -> None:
    """10 of 1,000 so far are up to 22 of 2,000, beside a budget of 8."""
    pairs = (offline(score_mismatches=hits, noise=NoiseTaken(scores=10)),)
    gate = ScoreParity(max_share=0.004)
    assert beyond_saving(gate, evidence(pairs=pairs), captured=2000) == expected


@pytest.mark.parametrize(("gate", "counted"), GATES)
@pytest.mark.parametrize(("value", "ruling"), [(0.002, "PASS"), (0.003, "UNDECIDED")])
def test_a_sample_passes_only_if_its_traffic_does(
    gate: Gate, counted: str, value: float, ruling: str
) -> None:
    """The exact count is within the budget; the weighted share is an estimate: it opens and never fails."""
    share = Estimate(name="of the traffic", value=value, upper=0.02, note="n_eff 90 of 1,000")
    traffic = PairTraffic(features=share, scores=share, flips=share)
    (verdict,) = gate.judge(evidence(pairs=(offline(**{counted: 1}, traffic=traffic),)), LEVELS)
    assert (verdict.ruling, verdict.value) == (ruling, 0.001)
    assert ("by the requests' weights it is 0.30% of the traffic" in verdict.reason) is (ruling != "PASS")
    assert verdict.evidence[0] == share
    assert "0.300%" in verdict.method or ruling == "PASS"
    (failed,) = gate.judge(evidence(pairs=(offline(**{counted: 3}, traffic=traffic),)), LEVELS)
    assert failed.ruling == "FAIL"


@pytest.mark.parametrize(
    ("place", "recorded", "count", "ruling"),
    [
        ("body:amount", {"challenger"}, 300, "UNDECIDED"),
        ("body:amount", {"challenger"}, 302, "UNDECIDED"),
        ("body:amount", {"challenger"}, 303, "FAIL"),
        ("body:amount", {"challenger"}, 2, "PASS"),
        ("body:amount", set(), 300, "FAIL"),
        ("features:amount", {"challenger"}, 300, "FAIL"),
        ("body:amount", {"champion"}, 300, "FAIL"),
    ],
)
def test_what_redaction_alone_may_set_apart_fails_nobody(
    place: str, recorded: set[str], count: int, ruling: str
) -> None:
    """A recorded arm answered before 300 requests were masked; beyond these it differs by itself.

    A live one was asked what the reference was, and a logged feature that is masked is not compared at all.
    """
    masked = SinglesCheck(
        checked=50, redacted=(RedactedInput(place=place, requests=300, of=1000, features=("amount",)),)
    )
    known = evidence(
        pairs=(offline(score_mismatches=count),), singles={"new": masked}, recorded=frozenset(recorded)
    )
    gate = ScoreParity(max_share=0.002)
    (verdict,) = gate.judge(known, LEVELS)
    assert verdict.ruling == ruling
    assert ("up to 300 requests" in verdict.reason) is (ruling == "UNDECIDED")
    assert bool(beyond_saving(gate, known, captured=1000)) is (count > 2 and not known.masked("challenger"))


@pytest.mark.parametrize(
    ("hidden", "allowed", "compared", "count", "ruling"),
    [
        (0, 0.0, 1000, 0, "PASS"),
        (1, 0.0, 1000, 0, "UNDECIDED"),
        (20, 0.02, 1000, 0, "PASS"),
        (21, 0.02, 1000, 0, "UNDECIDED"),
        (1000, 1.0, 0, 0, "UNDECIDED"),
        (21, 0.0, 1000, 500, "FAIL"),
    ],
)
def test_features_that_nobody_compared_pass_nothing(
    hidden: int, allowed: float, compared: int, count: int, ruling: str
) -> None:
    """Redaction hid what the arm used: some of it is borne as declared, a feature without a cell never."""
    known = offline(feature_mismatches=count)
    fields = tuple(
        FieldSummary(field=name, dtype="number", compared=n, mismatches=0, rate=0.0)
        for name, n in (("a", 1000), ("b", compared))
    )
    summary = msgspec.structs.replace(known.summary, fields=fields, redacted=hidden)
    pairs = (replace(known, summary=summary),)
    (verdict,) = FeatureParity(max_redacted_share=allowed).judge(evidence(pairs=pairs), LEVELS)
    assert verdict.ruling == ruling
    assert (f"in {hidden:,} of 1,000 requests" in verdict.reason) is (hidden > 0 and ruling != "FAIL")
    assert ("b in none" in verdict.reason) is (compared == 0)
    (scores,) = ScoreParity().judge(evidence(pairs=pairs), LEVELS)
    assert scores.ruling == "PASS"


@pytest.mark.parametrize(
    ("hit", "lacking", "ruling"),
    [
        (0, 0, "PASS"),
        (0, 2, "PASS"),
        (1, 1, "PASS"),
        (0, 3, "UNDECIDED"),
        (2, 1, "UNDECIDED"),
        (9, 3, "FAIL"),
    ],
)
def test_rows_that_a_feature_log_lacks_may_differ_and_are_no_hits(
    hit: int, lacking: int, ruling: str
) -> None:
    """Within the budget with them all it passes; what was compared and differs fails it as ever."""
    log = LogJoin(answers=1000, found=1000 - lacking)
    (verdict,) = FeatureParity().judge(evidence(pairs=(offline(feature_mismatches=hit, log=log),)), LEVELS)
    assert verdict.ruling == ruling
    assert (verdict.fault == "evidence") == (ruling == "UNDECIDED")
    told = f"{lacking} of 1,000 answers are not in the feature log."
    assert verdict.reason.endswith(told) == (ruling == "UNDECIDED")


def test_a_log_of_other_ids_says_so() -> None:
    """No feature of any answer is known: what to do is about the ids, and other gates do not mind."""
    pairs = (offline(feature_mismatches=None, log=LogJoin(answers=60, found=0)),)
    (verdict,) = FeatureParity().judge(evidence(pairs=pairs), LEVELS)
    assert verdict.reason == "60 of 60 answers are not in the feature log."
    assert verdict.needs.startswith("a log with their ids (targets.*.feature_log: path, id, id_is, joins)")
    assert ScoreParity().judge(evidence(pairs=pairs), LEVELS)[0].ruling == "PASS"
