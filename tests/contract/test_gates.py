"""What holds for every gate, whatever it judges: a new gate joins this suite by joining DEFAULT_GATES."""

import re

import msgspec
import pytest

from harness.evidence import Evidence
from harness.evidence.live_looks import LIVE
from harness.gates import DEFAULT_GATES, DecisionConfig, Gate, decide, effective
from harness.records import Identity, PhaseNote, SinglesCheck, TargetCounts, Verdict
from tests.kit.some_evidence import (
    LEVELS,
    SHA,
    champion,
    evidence,
    lag,
    latency,
    live,
    look,
    nothing,
    offline,
    own,
    phase,
    quality,
)

NO_LABELS = {"matured": 0, "matured without label": 0, "not matured": 9, "compared": 0}
EMPTY = {
    "nothing": nothing(),
    "nothing, improvement": nothing(parity_release=False),
    "nothing compared": nothing(pairs=(offline(compared=0), champion(compared=0))),
    "nothing sent": nothing(
        targets=(TargetCounts(target="challenger", states={}),),
        latency=(latency(requests=0, send_lag=lag(None, n=0)),),
        identities=(Identity(arm="challenger", expected=SHA),),
        singles={"new": SinglesCheck(checked=0)},
        phases=(phase(ran=False),),
    ),
    "no pass of two": nothing(
        phases=tuple(
            msgspec.structs.replace(phase(name, ran=False), series="rush", passes=2)
            for name in ("rush", "rush.2")
        )
    ),
    "no live request": nothing(live=live(looks=(), counts={"challenger": 0, "champion": 900})),
    "no live canary": nothing(live=live(looks=tuple(look(test=t, n=0) for t in LIVE))),
    "no label": nothing(quality=(quality(counts=NO_LABELS),)),
    "no label, improvement": nothing(
        quality=(quality(counts=NO_LABELS, superiority=True),), parity_release=False
    ),
    "the champion's only": evidence(
        pairs=(own(),),
        targets=(TargetCounts(target="champion", states={"ok": 9}),),
        latency=(latency("champion"),),
        identities=(Identity(arm="champion", expected=SHA, served={SHA: 9}),),
    ),
}
FIVE = ("rush", "rush.2", "rush.3", "rush.4", "rush.5")


def several(name: str, *, passes: int = 3, ran: bool = True) -> PhaseNote:
    """One of several declared passes of phase rush."""
    return msgspec.structs.replace(phase(name, ran=ran), series="rush", passes=passes)


FULL = {
    "healthy": evidence(quality=(quality(look()),), live=live()),
    "better": evidence(
        parity_release=False,
        quality=(quality(look(upper=-0.001, lower=-0.01, estimate=-0.005), superiority=True),),
    ),
    "broken": evidence(
        pairs=(
            offline(feature_mismatches=900, score_mismatches=800, flips=700),
            champion(score_mismatches=800, flips=99),
        ),
        targets=(
            TargetCounts(target="challenger", states={"timeout": 9, "shed": 9}, details={"no answer": 9}),
        ),
        latency=(latency(over_budget=1000),),
        identities=(Identity(arm="challenger", expected=SHA, served={"f" * 64: 3}),),
        singles={"new": SinglesCheck(checked=50, found=("seq 1, hour: 3.0 alone, 4.0 in the batch",))},
        quality=(quality(look(ruling="FAIL")),),
        live=live(errors="FAIL", p95="FAIL", split="FAIL"),
    ),
    "live, worse": evidence(live=live(errors="FAIL", p95="FAIL")),
    "live, open": evidence(live=live(errors="UNDECIDED", p95="UNDECIDED", split="UNDECIDED")),
    "live, refused": evidence(
        live=live(
            sticky=True,
            looks=tuple(
                look(
                    test=t,
                    ruling="UNDECIDED",
                    refused="9 of 12 lack it",
                    lower=None,
                    upper=None,
                    estimate=None,
                )
                for t in LIVE
            ),
        )
    ),
    "too little": evidence(
        latency=(latency(requests=50, send_lag=lag(0.1, n=50)), latency("champion", send_lag=lag(40.0))),
        phases=(phase(ran=False, reason="not chosen on the command line"),),
        quality=(quality(look(ruling="UNDECIDED", refused="12 units count as 9.0 of equal size")),),
    ),
    "silent": evidence(
        pairs=(offline(feature_mismatches=None),),
        identities=(Identity(arm="challenger", expected=SHA, source="no selector"),),
        quality=(quality(look(), identical=True),),
    ),
    "two passes of three": evidence(
        latency=(latency(), latency(phase="rush.2")),
        phases=tuple(several(n, ran=ran) for n, ran in (("rush", True), ("rush.2", True), ("rush.3", False))),
    ),
    "five passes": evidence(
        latency=tuple(latency(phase=n, over_budget=30 + 9 * k) for k, n in enumerate(FIVE)),
        phases=tuple(several(n, passes=5) for n in FIVE),
    ),
    "out of range": evidence(
        quality=(
            quality(look(estimate=None, lower=None, upper=None, ruling="UNDECIDED", refused="3 of 9 out")),
        )
    ),
}

every_gate = pytest.mark.parametrize("gate", DEFAULT_GATES, ids=lambda gate: gate.__struct_config__.tag)


def passes_of_the_build(gate: Gate, found: Evidence) -> list[Verdict]:
    """What a gate passes, the champion's own verdicts aside."""
    verdicts = gate.judge(found, LEVELS)
    return [v for v in verdicts if v.ruling == "PASS" and (v.required or "challenger" in v.arm)]


@every_gate
@pytest.mark.parametrize("name", EMPTY)
def test_no_evidence_never_passes(gate: Gate, name: str) -> None:
    """Nothing run, nothing joined, nothing labelled: UNDECIDED or silent, never PASS."""
    assert passes_of_the_build(gate, EMPTY[name]) == []


@pytest.mark.parametrize("name", EMPTY)
def test_no_evidence_never_ends_in_go(name: str) -> None:
    """All gates together on an empty run are no GO, and no NO-GO either."""
    found = EMPTY[name]
    release = DecisionConfig(release="parity" if found.parity_release else "improvement")
    verdicts = [v for gate in DEFAULT_GATES for v in gate.judge(found, LEVELS)]
    assert decide(verdicts, (), config=release, under_test="challenger").word in {"WAIT", "INVALID"}


@pytest.mark.parametrize("name", EMPTY)
def test_no_single_gate_is_enough_for_go_on_an_empty_run(name: str) -> None:
    """With every other gate loosened, the one that is left still proves nothing."""
    for kept in DEFAULT_GATES:
        gates = effective(
            msgspec.structs.replace(g, required=False) for g in DEFAULT_GATES if type(g) is not type(kept)
        )
        verdicts = [v for gate in gates for v in gate.judge(EMPTY[name], LEVELS)]
        decision = decide(verdicts, (), config=DecisionConfig(), under_test="challenger")
        assert decision.word != "GO", kept


@every_gate
@pytest.mark.parametrize("name", [*EMPTY, *FULL])
def test_a_reason_is_one_sentence_with_numbers(gate: Gate, name: str) -> None:
    """Each verdict says why in one sentence with a number, and is UNDECIDED only for a cause."""
    for verdict in gate.judge((EMPTY | FULL)[name], LEVELS):
        assert re.fullmatch(r"[^\n]*\d[^\n]*[^.]\.", verdict.reason), verdict
        assert not re.search(r"[.!?] [A-Z]", verdict.reason), verdict
        assert (verdict.ruling == "UNDECIDED") == (verdict.fault is not None), verdict
        assert (verdict.ruling == "UNDECIDED") == bool(verdict.needs), verdict


@every_gate
def test_a_healthy_build_passes_and_a_broken_one_does_not(gate: Gate) -> None:
    """The suite has a case in which each gate passes, and one in which it does not."""
    better = "improvement" in str(gate.__struct_config__.tag)
    assert passes_of_the_build(gate, FULL["better" if better else "healthy"]) != []
    assert better or passes_of_the_build(gate, FULL["broken"]) == []


@every_gate
@pytest.mark.parametrize("name", [*EMPTY, *FULL])
def test_a_gate_can_be_loosened(gate: Gate, name: str) -> None:
    """`required = false` makes every verdict of a gate advisory and changes nothing else."""
    found = (EMPTY | FULL)[name]
    loose = msgspec.structs.replace(gate, required=False).judge(found, LEVELS)
    assert [v.required for v in loose] == [False] * len(loose)
    strict = [msgspec.structs.replace(v, required=False) for v in gate.judge(found, LEVELS)]
    assert list(loose) == strict


@every_gate
def test_a_gate_is_written_by_its_kind(gate: Gate) -> None:
    """`kind` names the gate in a scenario, as its verdicts do; an unknown word is refused."""
    kind = str(gate.__struct_config__.tag)
    assert msgspec.convert({"kind": kind}, Gate) == gate
    assert {v.gate for found in FULL.values() for v in gate.judge(found, LEVELS)} <= {kind}
    with pytest.raises(msgspec.ValidationError, match="max_shares"):
        msgspec.convert({"kind": kind, "max_shares": 1}, Gate)


@every_gate
def test_every_word_of_a_gate_is_described(gate: Gate) -> None:
    """The page of the scenario format has no empty cell."""
    info = msgspec.inspect.type_info(type(gate))
    assert isinstance(info, msgspec.inspect.StructType)
    for field in info.fields:
        assert isinstance(field.type, msgspec.inspect.Metadata), field.name
        assert (field.type.extra_json_schema or {}).get("description"), field.name
