"""The truth of a run, from which every rendering is made."""

from __future__ import annotations

import msgspec

from harness.records.differences import IgnoredRule, NoiseSummary, PairSummary
from harness.records.evidence import LiveSummary, QualitySummary
from harness.records.findings import Finding
from harness.records.latency import LatencySummary, SlowLimits
from harness.records.phases import PhaseNote
from harness.records.sampling import Sampled
from harness.records.targets import Identity, Ledger, TargetCounts
from harness.records.verdicts import Approval, Decision, Verdict


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The truth of a run; every other rendering is a pure function of it.

    `sample` is there where the capture is a sample of its traffic. `curls` holds, by the number of a finding
    (F1 is the first), its first request as a command of a shell.
    """

    schema_version: int = 1
    scenario: str
    run_id: str
    created_at: str
    as_of: str
    version: str
    decision: Decision
    gates: tuple[Verdict, ...]
    approvals: tuple[Approval, ...] = ()
    findings: tuple[Finding, ...] = ()
    ledgers: tuple[Ledger, ...] = ()
    phases: tuple[PhaseNote, ...] = ()
    pairs: tuple[PairSummary, ...] = ()
    targets: tuple[TargetCounts, ...] = ()
    latency: tuple[LatencySummary, ...] = ()
    budget_ms: float | None = None
    limits: tuple[SlowLimits, ...] = ()
    quality: tuple[QualitySummary, ...] = ()
    live: LiveSummary | None = None
    noise: NoiseSummary | None = None
    identities: tuple[Identity, ...] = ()
    ignored: tuple[IgnoredRule, ...] = ()
    environment: dict[str, str] = {}
    digests: dict[str, str] = {}
    reproduce: tuple[str, ...] = ()
    sample: Sampled | msgspec.UnsetType = msgspec.UNSET
    curls: dict[str, str] = {}
