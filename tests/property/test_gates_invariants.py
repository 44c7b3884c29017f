"""Gates on any counts: more harm never helps, whoever else is judged."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence import Evidence
from harness.gates import (
    DEFAULT_GATES,
    Completeness,
    DecisionConfig,
    DecisionFlips,
    Errors,
    FeatureParity,
    Gate,
    LatencyP95,
    ModelIdentity,
    ScoreParity,
    decide,
)
from harness.records import Identity, Ruling, SinglesCheck, TargetCounts, Verdict
from tests.kit.some_evidence import LEVELS, SHA, champion, evidence, lag, latency, look, offline, own, quality

ORDER = {"FAIL": 0, "UNDECIDED": 1, "PASS": 2}
N = 2000
COUNTS = st.integers(0, N)
SHARES = st.floats(0, 1)
RULINGS: tuple[Ruling, ...] = ("PASS", "FAIL", "UNDECIDED")


def rank(gate: Gate, found: Evidence) -> int:
    """How good the worst verdict on the build under test is."""
    return min(ORDER[v.ruling] for v in gate.judge(found, LEVELS) if v.required)


def ordered(one: int, other: int) -> tuple[int, int]:
    """The smaller and the larger of two counts."""
    return min(one, other), max(one, other)


@given(one=COUNTS, other=COUNTS, share=SHARES, distinct=st.integers(0, N))
def test_more_mismatches_never_help(one: int, other: int, share: float, distinct: int) -> None:
    """A parity gate that fails on some mismatches fails on more."""
    few, many = ordered(min(one, distinct), min(other, distinct))
    for gate in (FeatureParity, ScoreParity, DecisionFlips):
        ranks = []
        for count in (few, many):
            counts = {"feature_mismatches": count, "score_mismatches": count, "flips": count}
            pairs = (offline(compared=distinct, **counts), champion(compared=distinct, **counts))
            ranks.append(rank(gate(max_share=share), evidence(pairs=pairs)))
        assert ranks[0] >= ranks[1]


@given(one=COUNTS, other=COUNTS, ok=COUNTS, lost=COUNTS, share=SHARES)
def test_more_failed_requests_never_help(one: int, other: int, ok: int, lost: int, share: float) -> None:
    """An answered request that fails instead moves no gate towards PASS."""
    few, many = ordered(one, other)
    ranks = []
    for failed in (few, many):
        states = {"ok": ok + many - failed, "http_error": failed, "shed": lost}
        sent = TargetCounts(target="challenger", states=states)
        ranks.append([rank(g, evidence(targets=(sent,))) for g in (Errors(max_share=share), Completeness())])
    assert ranks[0][0] >= ranks[1][0]
    assert ranks[0][1] == ranks[1][1]


@given(one=COUNTS, other=COUNTS, share=SHARES, sent=st.integers(1, N))
def test_more_lost_requests_never_help(one: int, other: int, share: float, sent: int) -> None:
    """A request that the harness loses moves completeness towards UNDECIDED, and errors not towards PASS."""
    few, many = ordered(min(one, sent), min(other, sent))
    ranks = []
    for lost in (few, many):
        counts = TargetCounts(
            target="challenger", states={"ok": sent - lost, "abandoned": lost, "timeout": 5}
        )
        found = evidence(targets=(counts,))
        ranks.append([rank(Completeness(max_share=share), found), rank(Errors(max_share=share), found)])
    assert ranks[0][0] >= ranks[1][0]
    assert ranks[0][1] >= ranks[1][1]


@given(one=COUNTS, other=COUNTS, failed=COUNTS, extra=st.integers(0, N))
def test_more_slow_requests_never_help(one: int, other: int, failed: int, extra: int) -> None:
    """Of one pass, more requests over the budget never turn FAIL to UNDECIDED or UNDECIDED to PASS."""
    few, many = ordered(one, other)
    n = max(many, failed) + extra
    ranks = [
        rank(
            LatencyP95(),
            evidence(
                latency=(latency(requests=n, over_budget=c, failed=min(failed, c), send_lag=lag(0.2, n=n)),)
            ),
        )
        for c in (few, many)
    ]
    assert ranks[0] >= ranks[1]


@given(one=COUNTS, other=COUNTS, right=st.integers(1, N))
def test_more_answers_of_another_model_never_help(one: int, other: int, right: int) -> None:
    """One wrong answer fails, and so do many."""
    few, many = ordered(one, other)
    served = [{SHA: right} | ({"e" * 64: wrong} if wrong else {}) for wrong in (few, many)]
    found = [evidence(identities=(Identity(arm="challenger", expected=SHA, served=s),)) for s in served]
    assert rank(ModelIdentity(), found[0]) >= rank(ModelIdentity(), found[1])


@given(
    mismatches=st.integers(0, 1000),
    states=st.dictionaries(st.sampled_from(["ok", "timeout", "shed", "bad_body"]), COUNTS),
    slow=COUNTS,
    broken=st.booleans(),
)
def test_the_champion_decides_nothing(
    mismatches: int, states: dict[str, int], slow: int, *, broken: bool
) -> None:
    """Whatever happens to the champion alone, the word on a healthy challenger is GO."""
    found = evidence(
        pairs=(offline(), own(score_mismatches=mismatches), champion()),
        targets=(
            TargetCounts(target="champion", states=states),
            TargetCounts(target="challenger", states={"ok": 9}),
        ),
        latency=(latency("champion", requests=N, over_budget=slow, send_lag=lag(50.0)), latency()),
        singles={
            "new": SinglesCheck(checked=9),
            "old": SinglesCheck(checked=9, found=("x",) if broken else ()),
        },
        quality=(quality(look()),),
    )
    verdicts = [v for gate in DEFAULT_GATES for v in gate.judge(found, LEVELS)]
    assert decide(verdicts, (), config=DecisionConfig(), under_test="challenger").word == "GO"


VERDICTS = st.lists(
    st.builds(
        Verdict,
        gate=st.sampled_from(["errors", "score_parity", "label_improvement"]),
        arm=st.just("challenger"),
        ruling=st.sampled_from(RULINGS),
        reason=st.just("1 reason."),
        required=st.booleans(),
        fault=st.sampled_from([None, "harness", "evidence"]),
    ),
    max_size=6,
)


@given(verdicts=VERDICTS, ended=st.booleans(), parity=st.booleans(), place=st.integers(0, 6))
def test_a_verdict_made_worse_never_brings_go(
    verdicts: list[Verdict], place: int, *, ended: bool, parity: bool
) -> None:
    """GO needs every required PASS: spoil any of them and it is gone, and FAIL is always NO-GO."""
    config = DecisionConfig(release="parity" if parity else "improvement")

    def word(of: list[Verdict]) -> str:
        return decide(of, (), config=config, under_test="challenger", ended=ended).word

    required = [v for v in verdicts if v.required]
    if word(verdicts) == "GO":
        assert required
        assert all(v.ruling == "PASS" for v in required)
        spoiled = [
            msgspec.structs.replace(v, ruling="UNDECIDED") if v is required[place % len(required)] else v
            for v in verdicts
        ]
        assert word(spoiled) != "GO"
    if any(v.ruling == "FAIL" for v in required):
        assert word(verdicts) == "NO-GO"
