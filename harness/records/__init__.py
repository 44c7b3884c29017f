"""The nouns that cross stage borders: frozen, without I/O and without behaviour beyond their own sums.

`requests`     what production saw and answered, and the labels that came later
`attempts`     each try at a target, the state it ended in, and the outcome
`targets`      where a target's requests went, how they ended, and its model
`phases`       each phase as it was run, and what the harness added to it
`differences`  two arms compared, by field and by pair; the champion's own noise
`findings`     bugs named: what each costs, where and since when
`latency`      latencies of a phase, and the counts of slow requests that decide it
`evidence`     estimates, looks, quality on labels, a live canary
`verdicts`     what each gate says, the one word and its exit code
`report`       all of it, as `report.json` holds it

Other rooms import from here, never from a module inside.
"""

from harness.records.attempts import ANSWERED_FOR, TARGET_FAULTS, Attempt, Outcome, State
from harness.records.differences import (
    Damage,
    Exemplar,
    FieldSummary,
    IgnoredRule,
    NoiseRow,
    NoiseSummary,
    NoiseTaken,
    PairSummary,
    SinglesCheck,
)
from harness.records.evidence import Estimate, LiveSummary, Look, MetricRow, QualitySummary, Ruling
from harness.records.findings import Counterfactual, Finding, MomentFound, OnsetFound, PlaceFound
from harness.records.latency import LatencySummary, SlowCount, SlowLimits, Spread
from harness.records.phases import Calibrated, PhaseNote
from harness.records.report import Report
from harness.records.requests import CapturedRequest, LabelEvent, RecordedResponse
from harness.records.targets import Identity, Ledger, LedgerStep, Loss, TargetCounts
from harness.records.verdicts import EXIT_CODES, Approval, Decision, Fault, Verdict, Word

__all__ = [
    "ANSWERED_FOR",
    "EXIT_CODES",
    "TARGET_FAULTS",
    "Approval",
    "Attempt",
    "Calibrated",
    "CapturedRequest",
    "Counterfactual",
    "Damage",
    "Decision",
    "Estimate",
    "Exemplar",
    "Fault",
    "FieldSummary",
    "Finding",
    "Identity",
    "IgnoredRule",
    "LabelEvent",
    "LatencySummary",
    "Ledger",
    "LedgerStep",
    "LiveSummary",
    "Look",
    "Loss",
    "MetricRow",
    "MomentFound",
    "NoiseRow",
    "NoiseSummary",
    "NoiseTaken",
    "OnsetFound",
    "Outcome",
    "PairSummary",
    "PhaseNote",
    "PlaceFound",
    "QualitySummary",
    "RecordedResponse",
    "Report",
    "Ruling",
    "SinglesCheck",
    "SlowCount",
    "SlowLimits",
    "Spread",
    "State",
    "TargetCounts",
    "Verdict",
    "Word",
]
