"""The harness judges itself: what it lost voids a run, and an offline pipeline may be no reference."""

from dataclasses import replace

import pytest

from harness.evidence import Unrecorded
from harness.gates import Completeness, OfflineReference
from harness.records import RedactedInput, SinglesCheck, TargetCounts
from tests.kit.some_evidence import LEVELS, champion, evidence, nothing, offline, phase


def sent(target: str = "challenger", **states: int) -> TargetCounts:
    """How requests sent to one target ended."""
    return TargetCounts(target=target, states=states)


@pytest.mark.parametrize("state", ["shed", "not_sent", "abandoned", "a_state_of_another_version"])
@pytest.mark.parametrize(("lost", "ruling"), [(1, "PASS"), (2, "UNDECIDED")])
def test_what_the_target_did_not_answer_for_is_lost(state: str, lost: int, ruling: str) -> None:
    """.1 % may be lost; more voids the run, and a state that nobody knows counts as lost."""
    targets = (TargetCounts(target="challenger", states={"ok": 900, "timeout": 100 - lost, state: lost}),)
    (verdict,) = Completeness().judge(evidence(targets=targets), LEVELS)
    assert (verdict.ruling, verdict.value, verdict.n) == (ruling, lost / 1000, 1000)
    assert verdict.fault == (None if ruling == "PASS" else "harness")


def test_what_redaction_left_out_is_told() -> None:
    """Chosen by content, they are no sample: nothing in the run stands for them."""
    told = replace(evidence(targets=(sent(ok=100),)), left_out=7)
    (verdict,) = Completeness().judge(told, LEVELS)
    assert verdict.ruling == "PASS"
    assert "Redaction left 7 captured requests out" in verdict.reason


def test_failures_of_the_target_are_not_lost() -> None:
    """A build that fails every request was replayed completely."""
    (verdict,) = Completeness().judge(evidence(targets=(sent(http_error=10),)), LEVELS)
    assert (verdict.ruling, verdict.value) == ("PASS", 0.0)


@pytest.mark.parametrize("targets", [(), (sent(),), (sent("champion", ok=9),)])
def test_a_run_that_sent_nothing_is_void(targets: tuple[TargetCounts, ...]) -> None:
    """No request at all is the harness's fault, and the build under test always has a verdict."""
    verdict = Completeness().judge(evidence(targets=targets), LEVELS)[-1]
    assert (verdict.arm, verdict.ruling, verdict.fault) == ("challenger", "UNDECIDED", "harness")
    assert verdict.required


def test_nothing_sent_is_lost_however_much_may_be() -> None:
    """A budget of 100 % does not make an empty run complete."""
    (verdict,) = Completeness(max_share=1.0).judge(evidence(targets=(sent(),)), LEVELS)
    assert verdict.ruling == "UNDECIDED"


def test_a_champion_that_was_not_reached_is_advisory() -> None:
    """What was lost on the way to the champion voids no verdict on the challenger."""
    targets = (sent("champion", shed=9), sent(ok=9))
    found = Completeness().judge(evidence(targets=targets), LEVELS)
    assert [(v.ruling, v.required) for v in found] == [("UNDECIDED", False), ("PASS", True)]


def test_a_pipeline_whose_rows_depend_on_each_other_is_no_reference() -> None:
    """One cell that came out otherwise alone voids every comparison with it."""
    singles = {"new": SinglesCheck(checked=50, found=("request seq 3, lang: go alone, py in the batch",) * 2)}
    (verdict,) = OfflineReference().judge(evidence(pairs=(offline(),), singles=singles), LEVELS)
    assert (verdict.ruling, verdict.fault, verdict.required) == ("UNDECIDED", "harness", True)
    assert "(2 cells of 50 requests): request seq 3, lang: go alone" in verdict.reason


@pytest.mark.parametrize("singles", [{}, {"new": SinglesCheck(checked=0)}], ids=["not asked", "of none"])
def test_a_pipeline_that_was_not_tried_alone_is_no_reference_yet(singles: dict[str, SinglesCheck]) -> None:
    """With `singles = 0` nothing was shown, so nothing passes."""
    (verdict,) = OfflineReference().judge(evidence(pairs=(offline(),), singles=singles), LEVELS)
    assert (verdict.arm, verdict.ruling, verdict.fault) == ("new", "UNDECIDED", "evidence")
    assert verdict.required


def test_only_the_reference_of_the_build_under_test_is_required() -> None:
    """A broken pipeline of the champion's model voids the champion's comparisons, which are advisory."""
    singles = {"new": SinglesCheck(checked=50), "old": SinglesCheck(checked=50, found=("x",))}
    found = {
        v.arm: (v.ruling, v.required) for v in OfflineReference().judge(evidence(singles=singles), LEVELS)
    }
    assert found == {"new": ("PASS", True), "old": ("UNDECIDED", False)}


def test_without_an_offline_model_there_is_no_reference_to_judge() -> None:
    """A heuristic held against the champion needs no pipeline."""
    assert OfflineReference().judge(nothing(pairs=(champion(),)), LEVELS) == ()


def test_a_parity_phase_that_was_left_out_is_never_a_pass() -> None:
    """`--phase latency` alone shows nothing of parity: UNDECIDED, required, for want of evidence."""
    left_out = phase("parity", ran=False, reason="not chosen on the command line", open_loop=False)
    verdicts = Completeness().judge(evidence(phases=(left_out, phase())), LEVELS)
    (found,) = [v for v in verdicts if v.arm == "phase parity"]
    assert (found.ruling, found.fault, found.required) == ("UNDECIDED", "evidence", True)
    skipped = phase("rush", ran=False, reason="parity is a certain NO-GO", open_loop=True)
    assert not [v for v in Completeness().judge(evidence(phases=(skipped,)), LEVELS) if v.arm == "phase rush"]


def redacted(*places: tuple[str, int, tuple[str, ...]]) -> dict[str, SinglesCheck]:
    """A check of a model that redacted places feed, each in so many of 1,000 requests."""
    inputs = tuple(RedactedInput(place=p, requests=n, of=1_000, features=names) for p, n, names in places)
    return {"new": SinglesCheck(checked=50, redacted=inputs)}


def test_a_redacted_value_that_feeds_the_model_is_no_evidence() -> None:
    """Both sides read what redaction put in, so that they agree says nothing; it never passes silently."""
    singles = redacted(("body:user.email", 900, ("domain", "is_free")), ("body:x", 100, ()))
    (verdict,) = OfflineReference().judge(evidence(pairs=(offline(),), singles=singles), LEVELS)
    assert (verdict.ruling, verdict.fault, verdict.value) == ("UNDECIDED", "evidence", 1.0)
    assert verdict.reason == (
        "900 of 1,000 requests: body:user.email was redacted and feeds domain, is_free: "
        "parity on it says nothing. "
        "100 of 1,000 requests: body:x was redacted and feeds features of the model: "
        "parity on it says nothing."
    )
    assert verdict.needs.startswith("a capture that keeps what feeds the model")


def test_a_share_of_redacted_requests_may_be_borne_and_is_still_told() -> None:
    """Whoever bears it reads it in the reason of the PASS."""
    check = redacted(*((f"body:{n}", 10, ("a",)) for n in range(5)))
    found = evidence(pairs=(offline(),), singles=check)
    (verdict,) = OfflineReference(max_redacted_share=0.05).judge(found, LEVELS)
    assert verdict.ruling == "PASS"
    assert verdict.reason.endswith("parity on it says nothing. And 2 more places.")
    (refused,) = OfflineReference(max_redacted_share=0.04).judge(found, LEVELS)
    assert refused.ruling == "UNDECIDED"


@pytest.mark.parametrize(("dropped", "ruling"), [(1, "PASS"), (2, "UNDECIDED")])
def test_calls_that_the_recorder_dropped_are_missing_evidence(dropped: int, ruling: str) -> None:
    """As many may be dropped as may be bad; more leaves the run open, and one sentence says why."""
    lost = Unrecorded({"queue full": dropped - 1, "disk full": 1}, calls=1000, allowed=0.001)
    *_, found = Completeness().judge(evidence(unrecorded=lost), LEVELS)
    assert (found.arm, found.ruling, found.required) == ("capture", ruling, True)
    assert found.fault == (None if ruling == "PASS" else "evidence")
    assert f"The recorder dropped {dropped:,} of 1,000 calls" in found.reason
    assert "max_bad_share of the capture is 0.10%" in found.reason
    assert "disk full 1" in found.reason


def test_a_loss_of_unknown_size_never_passes() -> None:
    """A file of counts that could not be written counts as one call, and may stand for all."""
    lost = Unrecorded({"counts that could not be written": 1}, calls=10**6, allowed=1.0, unknown=True)
    *_, found = Completeness().judge(evidence(unrecorded=lost), LEVELS)
    assert (found.ruling, found.fault) == ("UNDECIDED", "evidence")
    assert found.reason.endswith("how many in all is not known.")


def test_a_capture_whose_recorder_dropped_nothing_has_no_verdict() -> None:
    """Nor has one that no recorder of ours wrote."""
    assert [v.arm for v in Completeness().judge(evidence(), LEVELS)] == ["champion", "challenger"]
