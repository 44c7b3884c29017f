"""What the endpoint did: its errors against a budget, and the model it says it served."""

import msgspec
import pytest

from harness.gates import Errors, ModelIdentity
from harness.gates.service import same_model
from harness.records import TARGET_FAULTS, Estimate, Identity, State, TargetCounts
from tests.kit.some_evidence import LEVELS, SHA, evidence, latency, phase


def counts(states: dict[str, int], *, target: str = "challenger", **details: int) -> TargetCounts:
    """How requests sent to one target ended."""
    return TargetCounts(target=target, states=states, details=details)


@pytest.mark.parametrize("state", sorted(TARGET_FAULTS))
@pytest.mark.parametrize(("failed", "ruling"), [(10, "PASS"), (11, "FAIL")])
def test_every_fault_of_the_target_is_an_error(state: State, failed: int, ruling: str) -> None:
    """HTTP errors, lost connections, timeouts and unusable bodies count alike: 1 % passes, more fails."""
    sent = counts({"ok": 1000 - failed, state: failed}, slow=failed)
    (verdict,) = Errors().judge(evidence(targets=(sent,)), LEVELS)
    assert (verdict.ruling, verdict.value, verdict.n) == (ruling, failed / 1000, 1000)
    assert f"most often slow ({failed})" in verdict.reason


@pytest.mark.parametrize("state", [State.SHED, State.NOT_SENT, State.ABANDONED])
def test_what_the_harness_lost_is_no_error_of_the_target(state: State) -> None:
    """The harness's losses are in neither number."""
    (verdict,) = Errors().judge(evidence(targets=(counts({"ok": 100, state: 900}),)), LEVELS)
    assert (verdict.ruling, verdict.value, verdict.n) == ("PASS", 0.0, 100)


@pytest.mark.parametrize("state", [State.SHED, State.NOT_SENT, State.ABANDONED])
def test_a_reason_of_the_harness_is_not_told_as_one_of_the_target(state: State) -> None:
    """The reasons are of both: which of them the failures had is not known, and none is named."""
    mixed = counts({"ok": 157, "http_error": 63, state: 80}, header=80, status=63)
    (verdict,) = Errors().judge(evidence(targets=(mixed,)), LEVELS)
    assert verdict.reason.startswith("63 of 220 requests failed (28.64%); the budget")


@pytest.mark.parametrize(
    "targets",
    [(), (counts({}),), (counts({"shed": 9}),), (counts({"ok": 9}, target="champion"),)],
    ids=["none", "nothing sent", "nothing arrived", "the champion only"],
)
def test_a_target_that_was_reached_by_nothing_proves_nothing(targets: tuple[TargetCounts, ...]) -> None:
    """The build under test always has a verdict, and without a request it is UNDECIDED."""
    verdict = Errors().judge(evidence(targets=targets), LEVELS)[-1]
    assert (verdict.arm, verdict.ruling, verdict.required) == ("challenger", "UNDECIDED", True)


def test_errors_of_the_champion_are_advisory() -> None:
    """A champion that fails everything is told, not held against the challenger."""
    targets = (counts({"timeout": 9}, target="champion"), counts({"ok": 9}))
    found = Errors().judge(evidence(targets=targets), LEVELS)
    assert [(v.arm, v.ruling, v.required) for v in found] == [
        ("champion", "FAIL", False),
        ("challenger", "PASS", True),
    ]


def test_the_claim_on_errors_is_of_requests_sent() -> None:
    """A request sent in two phases was sent twice, so these are not distinct ones."""
    (verdict,) = Errors().judge(evidence(targets=(counts({"ok": 100}),)), LEVELS)
    assert verdict.method.startswith("On these 100 requests sent 0 failed: exact.")


def test_errors_are_bounded_by_unit_too() -> None:
    """Four failures of two users in 50: the bound for users to come is another one than for requests."""
    sent = msgspec.structs.replace(counts({"ok": 996, "timeout": 4}), units=50, units_failed=2)
    (verdict,) = Errors().judge(evidence(targets=(sent,)), LEVELS)
    assert [(e.name, e.count, e.n) for e in verdict.evidence] == [
        ("errors", 4, 1000),
        ("errors by unit", 2, 50),
    ]


def identity(served: dict[str, int], *, arm: str = "challenger", expected: str | None = SHA) -> Identity:
    """What the answers of a target say of their model."""
    return Identity(arm=arm, expected=expected, served=served, source="header:X-Model")


@pytest.mark.parametrize(
    ("served", "ruling"),
    [
        ({SHA: 5}, "PASS"),
        ({SHA[:8]: 5}, "PASS"),
        ({f"sha256:{SHA.upper()}": 5}, "PASS"),
        ({SHA: 4, "deadbeef01": 1}, "FAIL"),
        ({SHA[:7]: 5}, "FAIL"),
        ({"": 5}, "FAIL"),
    ],
)
def test_every_named_model_must_be_the_expected_one(served: dict[str, int], ruling: str) -> None:
    """One answer of another model fails; a prefix shorter than 8 digits names nothing."""
    (verdict,) = ModelIdentity().judge(evidence(identities=(identity(served),)), LEVELS)
    assert (verdict.ruling, verdict.n, verdict.required) == (ruling, 5, True)


def test_an_endpoint_that_names_no_model_is_told_and_not_waited_for() -> None:
    """Its scores are the only witness, and other gates hear them."""
    (verdict,) = ModelIdentity().judge(evidence(identities=(identity({}),)), LEVELS)
    assert (verdict.ruling, verdict.required, verdict.fault) == ("UNDECIDED", False, "evidence")


@pytest.mark.parametrize(
    ("served", "declared"), [({SHA: 1}, False), ({SHA: 239}, True), ({}, True)], ids=["one", "most", "none"]
)
def test_an_answer_that_names_no_model_is_waited_for(served: dict[str, int], declared: bool) -> None:  # noqa: FBT001  -- a table
    """Once one answer names its model, or the scenario says where they do, every one of the 240 must."""
    silent = msgspec.structs.replace(identity(served), answered=240, declared=declared)
    (verdict,) = ModelIdentity().judge(evidence(identities=(silent,)), LEVELS)
    assert (verdict.ruling, verdict.required, verdict.fault) == ("UNDECIDED", True, "evidence")
    assert f"{sum(served.values())} of 240 answers" in verdict.reason


@pytest.mark.parametrize(
    ("vouched", "served", "ruling", "says"),
    [
        (SHA, {}, "UNDECIDED", f"{SHA[:12]} is declared, not seen in answers; its scores"),
        (SHA[:12], {}, "UNDECIDED", "declared, not seen in answers"),
        ("f" * 64, {}, "FAIL", "The scenario declares ffffffffffff as the model of challenger"),
        (SHA, {SHA: 5}, "PASS", "All 5 answers name"),
        (SHA, {"f" * 64: 5}, "FAIL", "come from another model"),
        (SHA, {SHA: 4}, "UNDECIDED", "4 of 5 answers"),
    ],
)
def test_a_declared_identity_is_told_and_never_passes(
    vouched: str, served: dict[str, int], ruling: str, says: str
) -> None:
    """What the scenario says of a service is no answer of it; said wrongly it fails."""
    told = msgspec.structs.replace(identity(served), answered=5, vouched=vouched)
    (verdict,) = ModelIdentity().judge(evidence(identities=(told,)), LEVELS)
    assert verdict.ruling == ruling
    assert says in verdict.reason
    assert verdict.required is not (ruling == "UNDECIDED" and not served)


def test_a_target_without_an_offline_model_has_no_identity_to_show() -> None:
    """A heuristic champion is nobody's model."""
    heuristic = identity({"v7": 5}, arm="champion", expected=None)
    assert ModelIdentity().judge(evidence(identities=(heuristic,)), LEVELS) == ()


def test_another_model_at_the_champion_is_advisory() -> None:
    """Only the build under test must be the model it claims."""
    (verdict,) = ModelIdentity().judge(
        evidence(identities=(identity({"f" * 64: 5}, arm="champion"),)), LEVELS
    )
    assert (verdict.ruling, verdict.required) == ("FAIL", False)


def test_a_longer_hash_is_not_the_model() -> None:
    """A hash that merely starts with the expected one is another hash."""
    assert not same_model(SHA + "00", SHA)


@pytest.mark.parametrize("states", [{"ok": 1_000_000, "timeout": 200}, {"not_sent": 9}])
def test_a_target_that_had_to_be_left_alone_fails(states: dict[str, int]) -> None:
    """However small a share had failed until the breaker tripped; other targets are judged by their own."""
    why = "circuit breaker: 200 errors of challenger in a row"
    note = msgspec.structs.replace(phase(), stopped=why, blamed="challenger")
    targets = (counts({"ok": 9}, target="champion"), counts(states))
    found = Errors().judge(evidence(targets=targets, phases=(note,)), LEVELS)
    assert [(v.arm, v.ruling, v.fault) for v in found] == [
        ("champion", "PASS", None),
        ("challenger", "FAIL", None),
    ]
    assert why in found[1].reason


@pytest.mark.parametrize(("failed", "ruling"), [(10, "FAIL"), (9, "PASS")])
def test_ten_failures_of_ten_end_a_long_phase(failed: int, ruling: str) -> None:
    """However many more were planned; where one was answered, those might be too."""
    note = msgspec.structs.replace(phase(), decided="errors")
    states = {"http_error": failed, "ok": 10 - failed, "not_needed": 9_990}
    (verdict,) = Errors().judge(evidence(targets=(counts(states),), phases=(note,)), LEVELS)
    assert verdict.ruling == ruling
    assert (f"the rest of phase {note.phase} was not sent" in verdict.reason) is (ruling == "FAIL")


def test_a_time_limit_is_nobodys_error() -> None:
    """The phase was stopped, and no target is to blame."""
    note = msgspec.structs.replace(phase(), stopped="the time limit of 5 s")
    (verdict,) = Errors().judge(evidence(targets=(counts({"ok": 9}),), phases=(note,)), LEVELS)
    assert verdict.ruling == "PASS"


@pytest.mark.parametrize(("failed", "ruling"), [(1, "PASS"), (2, "FAIL")])
def test_a_clean_phase_does_not_thin_out_a_failing_one(failed: int, ruling: str) -> None:
    """2 of 100 failures in one phase break the budget of 1 % although they are 0.2 % of all requests."""
    seen = evidence(
        targets=(counts({"ok": 1000 - failed, "http_error": failed}),),
        latency=(latency(requests=900), latency(phase="slow", requests=100, failed=failed)),
    )
    (verdict,) = Errors().judge(seen, LEVELS)
    assert verdict.ruling == ruling


@pytest.mark.parametrize(("value", "ruling"), [(0.01, "PASS"), (0.02, "UNDECIDED")])
def test_errors_of_a_sample_pass_only_if_its_traffic_does(value: float, ruling: str) -> None:
    """Within the budget by count, beyond it by weight: open."""
    share = Estimate(name="errors of the traffic", value=value, upper=0.05, note="n_eff 90 of 1,000")
    sent = msgspec.structs.replace(counts({"ok": 995, "timeout": 5}), failed_traffic=share)
    (verdict,) = Errors().judge(evidence(targets=(sent,)), LEVELS)
    assert (verdict.ruling, verdict.value, verdict.evidence[0]) == (ruling, 0.005, share)
